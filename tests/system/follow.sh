#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# gyrectl log: the latest lines, of the server and of its services; -f: those that come, too, and
# how many were lost to a reader that is too slow.
. "$(dirname "$0")/lib.sh"
ports a b
plugins echo
plugin_put "$BUILD/tests/plugins/hostile.so" hostile.so
server "workers = 1" "drain_time = 1s"
conf 30.ini <<END
[echo]
listen = tcp:localhost:$a
[hostile]
listen = tcp:localhost:$b
END
start
said=$(ctl log)
same "the latest lines: it ends with 0" 0 $?
like "of the supervisor" '^20[-0-9]+T[0-9:.]+Z info  supervisor: ' "$said"
unlike "and of one service no others" 'supervisor: ' "$(ctl log echo)"
like "as JSON, an object a line" '^\{"service": "supervisor", "line": ".*"\}$' "$(ctl --json log)"

"$BUILD/gyrectl" --run "$T/run" log -f >"$T/all" 2>"$T/last" &
all=$!
"$BUILD/gyrectl" --run "$T/run" log -f hostile >"$T/some" 2>&1 &
some=$!
STARTED+=("$all" "$some")
holds "a follower sees what was" await 5 text "$T/all" 'supervisor: '
ctl log-level debug >/dev/null
ctl reload >"$T/said" 2>&1
dial fd "$b"
printf 'shout 1 one\x1b[2J\n' >&"$fd"
holds "a line of a service comes, escaped" await 5 text "$T/all" 'hostile/1: [hostile] one\x1b[2J'
holds "to who follows that service, too" await 5 text "$T/some" 'hostile/1: [hostile] one\x1b[2J'
unlike "who sees no others" ' supervisor: ' "$(<"$T/some")"

# Far more than a reader takes: the service waits for nobody, and who reads is told.
mkfifo "$T/slow"
"$BUILD/gyrectl" --run "$T/run" log -f >"$T/slow" 2>&1 &
STARTED+=($!)
exec {slow}<"$T/slow"
like "a slow reader" 'supervisor: ' "$(line "$slow")"
printf 'shout 20000 much\n' >&"$fd"
line "$fd" >"$T/said"
same "the service went on" 'shout 20000 much' "$(line "$fd")"
printf 'shout 1 after\n' >&"$fd"
holds "all that was written is in the log itself" await 10 text "$LOG" '[hostile] after'
same "of every line" 20000 "$(grep -c '\[hostile\] much' "$LOG")"
lost() { grep -q 'lines are not shown' "$T/all"; }
holds "a follower is told what it has not seen" within 10 lost
kill -0 "$all" || fail "the follower follows on"
hang_up "$slow"
same "the other service is not disturbed" on "$(talk "$a" 'on\n')"

kill -TERM "$some"
holds "who leaves is forgotten" ctl status
stop
same "the server stops with 0" 0 "$STATUS"
wait "$all"
same "who followed to the end: 1" 1 $?
same "and is told" "gyrectl: the server has stopped" "$(<"$T/last")"
