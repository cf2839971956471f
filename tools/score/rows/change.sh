#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Requests that fail while the server is changed: reloads, plugin swaps, upgrades of itself.
. "$(dirname "$0")/../lib.sh"
ports a b
plugins http chat
site
section() { # section SERVER: the field Server shows which configuration answers
    conf 30.ini <<END
[http]
listen = tcp:localhost:$a
root = $T/www
server = $1
END
}
server "workers = 2"
section before
conf 40.ini <<END
[chat]
listen = tcp:localhost:$b
END
start
shows() { curl -s -m 5 -o /dev/null -D - "http://127.0.0.1:$a/page" | grep -qi "^Server: $1"; }

# The same change by each of the four ways, in turn; over when an answer shows it. The last way
# changes [server] as well.
change() { # change N
    case $(($1 % 4)) in
    0) section "by-watch-$1" && within 10 shows "by-watch-$1" ;;
    1) ctl set http server="by-set-$1" >/dev/null && within 10 shows "by-set-$1" ;;
    2) section "by-signal-$1" && kill -HUP "$PID" && within 10 shows "by-signal-$1" ;;
    3)
        section "by-reload-$1"
        server "workers = 2" "callback_max = $((1000 + $1))ms"
        ctl reload >/dev/null && within 10 shows "by-reload-$1"
        ;;
    esac
}
upgrade() { ctl upgrade >/dev/null; }
event() { # event KIND N
    case $1 in
    reloads) change "$2" ;;
    swaps) swap http ;;
    upgrades) upgrade ;;
    esac
}

# Sixteen connections that are kept, half of them busy and half with a pause, and eight that are
# made for each request.
measure() { # measure KIND TIMES WORDS
    local i done_n=0 sum=0 asked=0 text='' name
    load busy http_load "$a" /page "$T/www/page" keep 8 0
    load calm http_load "$a" /page "$T/www/page" keep 8 3000
    load once http_load "$a" /page "$T/www/page" once 8 500
    for name in busy calm once; do reached $name 100 || give_up "no load"; done
    for ((i = 1; i <= $2; i++)); do
        if under_load 20 event "$1" "$i"; then done_n=$((done_n + 1))
        else say "$1: event $i did not take place"; fi
        ((i % 5)) || say "$i of $2 $1"
    done
    for name in busy calm once; do
        reached $name "$REQUESTS" || give_up "$name: too few requests"
    done
    for name in busy calm once; do
        end_load $name || give_up "$name has no counts"
        sum=$((sum + $(field asked "$COUNTS") - $(field ok "$COUNTS")))
        asked=$((asked + $(field asked "$COUNTS")))
        [ "$(failures "$COUNTS")" = 0 ] || text+=" $name: $(failures "$COUNTS")"
    done
    judge "requests failed, $2 $3" 0 "$sum of $asked${text:+;}$text; $done_n took place" \
        test "$sum-$done_n" = "0-$2"
}
measure reloads "$(pick 4 20)" reloads
measure swaps "$(pick 3 20)" "plugin swaps"
measure upgrades "$(pick 1 5)" "server upgrades"
judge "crashes meanwhile" 0 "$(grep -cE 'crashed|does not answer' "$LOG")" alive
