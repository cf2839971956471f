#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# gyrectl: every command, as a table for people and as JSON for programs, and what it says when it
# cannot.
. "$(dirname "$0")/lib.sh"
ports port
plugins echo
tell tell.so
server "workers = 2"
conf 30.ini <<END
[echo]
listen = unix:$T/echo.sock
streams_max = 3
[tell]
listen = tcp:localhost:$port
greeting = hi
END
said=$(ctl status 2>&1)
same "without a server it is 1" 1 $?
like "and says where it looked" "$T/run/control" "$said"
start

# json WHAT COMMAND …: one document, in which each bracket is closed
json() {
    local what=$1 said bare
    shift
    said=$(ctl --json "$@") || fail "$what --json" "status $?"
    bare=$(sed 's/\\.//g; s/"[^"]*"//g' <<<"$said" | tr -cd '[]{}')
    while [[ $bare == *'{}'* || $bare == *'[]'* ]]; do bare=${bare//'{}'/} bare=${bare//'[]'/}; done
    same "$what --json is one document" "{:" "${said:0:1}:$bare"
}
said=$(ctl status)
like "status: a service" '^echo +ready +1 ' "$said"
like "status: a section" "tell +serving +tcp:127.0.0.1:$port" "$said"
like "status: an endpoint of another kind" "unix:$T/echo.sock" "$said"
like "status: a limit as it was set" 'streams_max +3 ' "$said"
for limit in per_address_max message_max in_max high_mark out_max memory_max handshake_time \
    message_time idle_time total_time; do
    like "status: the limit $limit" "$limit " "$said"
done
json status status

# Three streams fit; the fourth is refused, and counted.
seats=()
for i in 1 2 3 4; do
    mkfifo "$T/in$i"
    nc -U "$T/echo.sock" <"$T/in$i" >"$T/out$i" &
    STARTED+=($!)
    exec {seat}>"$T/in$i"
    seats+=("$seat")
    [ "$i" = 4 ] || { echo "$i" >&"$seat" && await 5 text "$T/out$i" "$i" || fail "stream $i"; }
done
hit() { ctl status | grep -Eq 'streams_max +3 +3 +[1-9]'; }
holds "status: a limit that was hit is counted" within 5 hit
for seat in "${seats[@]}"; do hang_up "$seat"; done

said=$(ctl plugins)
like "plugins: a good one" '^ *tell ' "$said"
printf 'nothing\n' >"$T/plugins/broken.so"
broken() { ctl plugins | grep -q 'broken'; }
holds "plugins: a broken one" within 3 broken
json plugins plugins
said=$(ctl describe tell)
like "describe: the section" '^;? *\[tell\]' "$said"
like "describe: an option with its preset" 'greeting = hello' "$said"
like "describe: what it means" 'What is told' "$said"
json describe describe tell
ctl describe tel >"$T/said" 2>&1
same "describe: an unknown one is 1" 1 $?
said=$(ctl config)
like "config: a value that was set" 'greeting = hi' "$said"
like "config: where it was set" '30.ini:6' "$said"
json config config
json get get tell greeting
json history history
json reload reload
holds "log-level debug" ctl log-level debug
holds "log-level of one service" ctl log-level info tell
if ctl log-level loud >"$T/said" 2>&1; then fail "an unknown level is refused"
else ok "an unknown level is refused"; fi
ctl nonsense >"$T/said" 2>&1
same "an unknown command is 2" 2 $?
like "and shows those there are" 'status' "$(cat "$T/said")"
same "only the server's user may knock" "srw-------" "$(stat -c %A "$T/run/control")"
holds "stop" ctl stop
holds "waits for the end" await 2 end "$PID"
wait "$PID"
same "it stopped with 0" 0 $?
PID=
