#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# gyrectl top: one page with rates where it is no terminal; at one, page after page until q.
. "$(dirname "$0")/lib.sh"
ports port
plugins echo
server "workers = 1"
conf 30.ini <<END
[echo]
listen = tcp:localhost:$port
streams_max = 1
END
start
dial first "$port"
same "a connection" on "$(asks "$first" on)"

# A page is of one second: requests, and a limit that is hit, come while it counts.
ctl top >"$T/page" &
page=$!
STARTED+=("$page")
sent=0
while kill -0 "$page" 2>/dev/null; do
    [ "$(asks "$first" again)" = again ] || break
    dial second "$port" && hang_up "$second"
    sent=$((sent + 1))
done
wait "$page"
same "a page, and no terminal: it ends with 0" 0 $?
said=$(<"$T/page")
like "its server" "^gyre .*, pid $PID, up" "$said"
like "its service, with time of the processor and memory" \
    "^echo +ready +$(service echo) +[0-9]+\.[0-9] % +[0-9.]+ [KM]iB +0 " "$said"
like "its section: connections, requests, bytes a second" \
    '^echo +serving +1 +[0-9.]*[1-9][0-9.]* +[0-9.]+ (B|KiB) +[0-9.]+ (B|KiB)' "$said"
like "and the limit that was hit meanwhile" 'streams_max [1-9]' "$said"
unlike "no terminal is driven" $'\033' "$said"

ctl --json top >"$T/said" 2>&1
same "it has no JSON" 2 $?
ctl --once status >"$T/said" 2>&1
same "what has no pages has no --once" 2 $?
ctl top status >"$T/said" 2>&1
same "nor any argument" 2 $?

mkfifo "$T/keys"
script -qfc "stty rows 24 columns 80; '$BUILD/gyrectl' --run '$T/run' top" "$T/screen" \
    <"$T/keys" >/dev/null &
screen=$!
STARTED+=("$screen")
exec {keys}>"$T/keys"
holds "at a terminal: page after page" await 10 text "$T/screen" SECTION 3
printf q >&"$keys"
holds "q ends it" await 5 end "$screen"
hang_up "$keys"
like "the screen is as it was" $'\033\\[\\?1049l' "$(<"$T/screen")"
kill -INT "$PID"
await 15 end "$PID"
ctl top >"$T/said" 2>&1
same "without a server it is 1" 1 $?
PID=
