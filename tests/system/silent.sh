#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Services that do not answer: one whose on_load never ends, one that is stopped by a signal. The
# others start and serve without them, and the supervisor does not wait for ever.
. "$(dirname "$0")/lib.sh"
ports a b c
plugins echo
# Each is a plugin, and so a service, of its own.
for name in slow stopped; do
    cc -std=c17 -D_GNU_SOURCE -O1 -Isdk -fPIC -shared -DNAME="\"$name\"" -o "$T/$name.so" \
        tests/plugins/hostile.c || fail "hostile.c compiles"
    plugin_put "$T/$name.so" "$name.so"
done
server "workers = 1" "drain_time = 1s"
conf 30.ini <<END
[echo]
listen = tcp:localhost:$b
[slow]
listen = tcp:localhost:$a
load = waits
END
stopped() { conf 40.ini < <(printf '%s\n' '[stopped]' "listen = tcp:localhost:$c" "$@"); }
stopped "word = first"
"$BUILD/gyre" "$T/conf.d" >>"$LOG" 2>&1 </dev/null &
PID=$!
STARTED+=("$PID")
holds "the others do not wait for one whose on_load takes long" log_says "echo/1 is ready after" 1 5
holds "none of them" log_says "stopped/1 is ready after"
dial steady "$b"
same "they serve" on "$(asks "$steady" on)"
like "status says who does not" 'slow.*start' "$(ctl status)"

# Stopped while it serves: a new version of its section is not answered.
dial fd "$c"
same "this one serves" well "$(asks "$fd" well)"
first=$(service stopped)
printf 'stop\n' >&"$fd"
state() { grep -q '^State:.T' "/proc/$first/status"; }
holds "it is stopped" within 5 state
stopped "word = second"
holds "an on_load that never ends is ended" \
    log_says "slow/1 has ended: it was not ready in time" 1 15
holds "and the table says so" log_says "its service does not start: see the log"
holds "a version that is not answered is given up" \
    log_says "stopped/1: does not answer: on_load takes too long" 1 15
holds "and changes nothing" log_says "nothing was changed"
same "the others go on" on "$(asks "$steady" on)"
same "it is not killed for it: on_load may be slow" "$first" "$(service stopped)"

# More than a channel holds.
many() { for i in 1 2 3 4 5 6 7 8; do printf 'ballast = %s%050000d\n' "$i" 0; done; }
stopped "$(many)"
holds "one that does not read its channel is ended" log_says "does not read its channel" 1 15
again() { [ "$(talk "$c" 'again\n')" = again ]; }
holds "and another serves in its place" within 8 again
same "the others go on" on "$(asks "$steady" on)"

# At the end a stopped one can neither drain nor be told to end: it is killed.
dial fd "$c"
printf 'stop\n' >&"$fd"
first=$(service stopped)
holds "stopped again" within 5 state
kill -INT "$PID"
holds "it is told to end" log_says "stopped/2 has not drained in time" 1 15
holds "and killed, and so the server ends" await 15 end "$PID"
wait "$PID"
same "with 0" 0 $?
PID=
