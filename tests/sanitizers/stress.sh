#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Several workers under load while everything changes that can: options, sections, zones, files,
# plugin files, the number of workers, crashes, and changes that are refused. Bounded by counts, not
# by time: CYCLES go through all changes, and while one is made each client has TALKS conversations,
# again and again. For ThreadSanitizer (make tsan), but it runs in every build.
. "$(dirname "$0")/../system/lib.sh"
. tests/sanitizers/four.sh
CYCLES=${CYCLES:-3}
TALKS=${TALKS:-10}
ports echo http dns bus spare
ports ask shared work watch chat
plugins echo http dns chat
for name in bus ask shared work watch; do
    plugin_put "$BUILD/tests/plugins/$name.so" "$name.so"
done
mkdir "$T/www" "$T/zones"

# ---- what is changed, and to what ----

workers() { server "workers = $1" "drain_time = 2s"; }
sections() { # sections OPTION-LINE: every section has it
    local name
    four "$1"
    for name in bus ask shared work watch; do
        printf '[%s]\nlisten = tcp:127.0.0.1:%s\ngroup = mixed\n%s\n' "$name" "${!name}" "$1"
    done | conf 30.ini
}
spare() { # spare LISTEN [LINE]: a second section of a plugin that serves
    conf 40.ini < <(printf '[echo spare]\nlisten = %s\n%s\n' "$@")
}

# change KIND NUMBER: one of the changes of a cycle
change() {
    case $1 in
    options) sections "idle_time = $((30 + $2))s" && ctl reload ;;
    page) page "$2" ;;
    zone) zone "$((1 + $2 % 200))" && ctl reload ;;
    spare) spare "tcp:127.0.0.1:$spare" && ctl reload ;;
    port) spare "udp:127.0.0.1:$spare" && ctl reload ;;
    refused) ! { spare "udp:127.0.0.1:$spare" "idle_time = never mind" && ctl reload; } ;;
    unloaded) # on_load says no, in one of two services: the other has prepared for nothing
        ! { sections "idle_time = 50s" && spare "udp:127.0.0.1:$spare" &&
            conf 50.ini <<<"[http broken]
listen = tcp:127.0.0.1:$spare
root = $T/nowhere" && ctl reload; } ;;
    gone) rm -f "$T/conf.d/40.ini" "$T/conf.d/50.ini" && ctl reload ;;
    # A byte at the end of a plugin file makes it another.
    plugin) { cat "$BUILD/plugins/echo.so" && printf "%$2s" ''; } >"$T/echo.so" &&
        plugin_put "$T/echo.so" echo.so && ctl reload ;;
    plugins) { cat "$BUILD/tests/plugins/bus.so" && printf "%$2s" ''; } >"$T/bus.so" &&
        plugin_put "$T/bus.so" bus.so && ctl reload ;;
    workers) workers $((2 + $2 % 2)) && ctl reload ;;
    crash) kill -KILL "$(service mixed)" ;;
    looks) ctl status && ctl plugins && ctl log-level debug && ctl config && ctl log-level info ;;
    esac
}

# ---- the run ----

page a
zone 7
workers 3
sections "idle_time = 30s"
start

# Clients are told apart by @, and know the one that follows them as %.
CLIENTS=31
coproc LOAD { exec "$BUILD/tests/load" "echo:$echo:4" "udp:$echo:2" "http:$http:3" "dns:$dns:2" \
    "line:$chat:4:|/join room%
hello @ #
/help|" \
    "line:$bus:4:in all
in t@|say all @ #
body t% @ #
no|UNSUPPORTED" \
    "line:$ask:3:name c@|ask c% now
ping|pong" \
    "line:$shared:3:|set s% @ #
churn all 2
get all|4096 from" \
    "line:$work:3:|many 5
upper abc|7 OK ABC" \
    "line:$watch:3:name c@|flip c%
ping|pong"; }
STARTED+=("$LOAD_PID")
to=${LOAD[1]} from=${LOAD[0]}

# round: each client has its conversations, or the test is over.
rounds=0
round() {
    local said
    echo "$TALKS" >&"$to"
    rounds=$((rounds + 1))
    IFS= read -r -t $((120 * PATIENCE)) -u "$from" said
    [ "$said" = $((CLIENTS * TALKS * rounds)) ] && return
    fail "$what: clients are served meanwhile" "${said:-no answer}"
    exit 1
}

all="looks options page zone spare port refused unloaded gone plugin plugins workers crash"
number=0
for ((cycle = 1; cycle <= CYCLES; cycle++)); do
    for kind in $all; do
        number=$((number + 1))
        what="$kind, cycle $cycle"
        change "$kind" "$number" >"$T/said" 2>&1 &
        changes=$!
        round
        while kill -0 $changes 2>/dev/null; do round; done
        if wait $changes; then ok "$what"
        else fail "$what: the change" "$(cat "$T/said")"; fi
    done
done
what="after all changes"
round
unlike "nothing crashed but what was killed" 'signal (6|11)|Abort|Segm' "$(cat "$LOG")"

# It stops while clients are there.
stop
same "it stops with 0" 0 "$STATUS"
