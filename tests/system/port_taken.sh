#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A port that somebody else has: the section and the address are named, the others serve, and when
# the port comes free it is taken without being asked.
. "$(dirname "$0")/lib.sh"
ports good taken
plugins echo
tell tell.so
nc -lk 127.0.0.1 "$taken" >/dev/null </dev/null &
holder=$!
STARTED+=("$holder")
listens() { : <"/dev/tcp/127.0.0.1/$1"; }
within 5 listens "$taken" 2>/dev/null || fail "nc holds the port"
server
conf 30.ini <<END
[echo]
listen = tcp:127.0.0.1:$taken
[tell]
listen = tcp:127.0.0.1:$good
END
start
dial a "$good"
printf 'code\n' >&"$a"
same "the other section serves" one "$(line "$a")"
said=$(grep "$taken" "$LOG")
like "the log names the address" "tcp:127.0.0.1:$taken" "$said"
like "and the section" "echo" "$said"
like "and who has it" "taken by nc|nc.*$holder|taken" "$said"
like "status shows it" "taken|$taken" "$(ctl status)"
# Checked elsewhere: a change in conf.d would make the server look at its ports again.
cp -r "$T/conf.d" "$T/twice"
printf '[echo two]\nlisten = tcp:127.0.0.1:%s\n' "$good" >"$T/twice/40.ini"
"$BUILD/gyre" --check "$T/twice" >"$T/said" 2>&1
same "the same port twice here is found by --check" 1 $?

# Two servers of one user must not share a port in silence.
mkdir "$T/second" "$T/second/run"
printf '[server]\nplugins = %s\nrun = %s\n[tell]\nlisten = tcp:127.0.0.1:%s\n' \
    "$T/plugins" "$T/second/run" "$good" >"$T/second/all.ini"
"$BUILD/gyre" "$T/second" >"$T/second.log" 2>&1 &
second=$!
STARTED+=("$second")
holds "a second server says that the port is taken" await 10 text "$T/second.log" "$good"
like "by whom" "taken" "$(grep -a "$good" "$T/second.log")"
kill -TERM $second
await 10 end $second
wait $second

kill $holder
await 5 end $holder
wait $holder 2>/dev/null
served() { [ "$(talk "$taken" 'x\n')" = x ]; }
holds "the port comes free, and is served" within 6 served
holds "found by looking again, and said" log_says "[echo] listens on tcp:127.0.0.1:$taken now"
holds "nothing crashed" alive
stop
same "it stops with 0" 0 "$STATUS"
