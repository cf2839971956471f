#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Plugins come and change while the server runs: a file that is dropped serves within a second, one
# that is replaced serves new connections, one that is broken changes nothing but a line in the log.
. "$(dirname "$0")/lib.sh"
ports port other
plugins echo
server "workers = 2" "drain_time = 20s"
conf 30.ini <<END
[echo]
listen = tcp:localhost:$other
[tell]
listen = tcp:localhost:$port
END
start
dial steady "$other"
# tells WORD: what a new connection answers
tells() {
    local fd status
    dial fd "$port" 2>/dev/null || return 1
    asks "$fd" "$1"
    status=$?
    hang_up "$fd"
    return $status
}
code_is() { [ "$(tells code)" = "$1" ]; }
now_ms() { date +%s%3N; }

like "the section waits, and says so" 'tell.*wait|no plugin|wait.*tell' "$(cat "$LOG")"
like "status shows it waiting" 'tell.*wait' "$(ctl status)"
began=$(now_ms)
tell tell.so
holds "dropped in, it comes alive" within 3 code_is one
took=$(($(now_ms) - began))
if [ $took -le $((1000 * PATIENCE)) ]; then ok "within a second"
else fail "within a second" "$took ms"; fi
like "gyrectl plugins lists it" '^ *tell ' "$(ctl plugins)"
first=$(service tell)

dial old "$port"
same "a connection to the first code" one "$(asks "$old" code)"
tell tell.so -DCODE='"two"'
holds "replaced, new connections get the new code" within 3 code_is two
same "the old connection has the old code" one "$(asks "$old" code)"
same "in a process of another generation" "1 2" "$(asks "$old" generation) $(tells generation)"
asks "$old" quit >/dev/null
hang_up "$old"
holds "when it has gone, its process leaves" await 5 end "$first"
holds "the other service was not touched" test "$(asks "$steady" steady)" = steady

# broken WHAT PATTERN: the file as it is now is refused in one line, and nothing else changes.
current=$(service tell)
broken() {
    local from count
    holds "$1: said in the log" log_says "plugin file tell.so"
    count=$(grep -c 'plugin file tell.so' "$LOG")
    like "$1: why" "$2" "$(grep 'plugin file tell.so' "$LOG" | tail -n 1)"
    ctl status >/dev/null
    same "$1: in one line" 1 "$count"
    like "$1: gyrectl plugins says it" "$2" "$(ctl plugins)"
    same "$1: the code before goes on" two "$(tells code)"
    same "$1: in the same process" "$current" "$(service tell)"
    same "$1: the others go on" steady "$(asks "$steady" steady)"
    from=$T/good.so
    : >"$LOG" # the server appends
    plugin_put "$from" tell.so
}
cp "$T/plugins/tell.so" "$T/good.so"
: >"$LOG"
head -c 3000 "$T/good.so" >"$T/short.so"
plugin_put "$T/short.so" tell.so
broken "truncated" 'truncat|short|too|load|read|cannot|ELF'
printf 'no plugin at all\n' >"$T/text.so"
plugin_put "$T/text.so" tell.so
broken "no object file" 'ELF|load|invalid|short|not'
tell tell.so -DENTRY_OTHER
broken "a missing entry" 'gyre_plugin_v1'
tell tell.so -DTARGET_NEW
broken "a newer target" '99'
tell tell.so -DLOAD_CRASH
broken "a constructor that crashes" 'crash|signal|died'
tell tell.so -DCODE='"three"' -DREFUSE=1
broken "an on_load that refuses" 'refuses on principle'
chmod 666 "$T/good.so"
cp -p "$T/good.so" "$T/plugins/.open" && mv "$T/plugins/.open" "$T/plugins/tell.so"
chmod 644 "$T/good.so"
broken "writable by others" 'writ'

# A file that changes over and over while another holds up the look at the folder: the last counts.
describers() { # the children that look at a plugin file, one a line
    local pid argv
    for pid in $(services); do
        mapfile -d '' argv <"/proc/$pid/cmdline"
        [ "${argv[1]:-}" != --describe ] || echo "$pid"
    done 2>/dev/null
}
looks() { [ -n "$(describers)" ]; }
tell wait.so -DLOAD_WAITS -DNAME='"wait"'
holds "a plugin hangs" within 3 looks
tell tell.so -DCODE='"four"'
touch "$T/plugins/wait.so"
plugin_put "$T/good.so" tell.so
: >"$LOG"
holds "it is given up" log_says 'wait.so does not finish loading' 1 10
holds "and looked at no more" ctl reload
same "what changed meanwhile is as it was" "two $current" "$(tells code) $(service tell)"
rm "$T/plugins/wait.so"

rm "$T/plugins/tell.so"
holds "removed: what runs goes on" log_says "removed"
same "with the same code" two "$(tells code)"
holds "nothing crashed" alive
tell wait.so -DLOAD_WAITS -DNAME='"wait"'
holds "a plugin hangs once more" within 3 looks
looked=$(describers)
hang_up "$steady"
stop
same "it stops with 0" 0 "$STATUS"
holds "what looked at the plugin is gone too" await 1 end "$looked"
same "and left no copy" "" "$(ls "$T/run/plugins" 2>/dev/null)"
rm "$T/plugins/wait.so"
start
tell wait.so -DLOAD_WAITS -DNAME='"wait"'
holds "a plugin hangs a last time" within 3 looks
looked=$(describers)
kill -KILL "$PID"
wait "$PID" 2>/dev/null
PID=
holds "without its server it ends too" await 5 end "$looked"
