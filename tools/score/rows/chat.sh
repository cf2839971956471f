#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# People in chat, over config changes elsewhere and over swaps of chat itself: connections closed,
# lines lost. Each line must reach all others of its room once and in order.
. "$(dirname "$0")/../lib.sh"
ports a b
plugins http chat
site
server "workers = 2"
conf 30.ini <<END
[http]
listen = tcp:localhost:$a
root = $T/www
server = before
END
conf 40.ini <<END
[chat]
listen = tcp:localhost:$b
per_address_max = 4000
END
people=$(pick 100 1000) changes=$(pick 10 100) swaps=$(pick 2 5)
start
load talk chat_load "$b" "$people" 20 400
reached talk 100 || give_up "nobody talks"
say "$people people talk, 400 lines a second, each heard by 19"
shows() { curl -s -m 5 -o /dev/null -D - "http://127.0.0.1:$a/page" | grep -qi "^Server: $1"; }
change() { ctl set http server="change-$1" >/dev/null && within 10 shows "change-$1"; }
changed=0 swapped=0
for ((i = 1; i <= changes; i++)); do
    [ "$(progress talk 3)" = 0 ] || break # lost already: nothing more is to be learnt
    if under_load 1 change "$i"; then changed=$((changed + 1)); fi
    ((i % 25)) || say "$i of $changes changes"
    if ((i % (changes / swaps) == 0)); then
        if under_load 100 swap chat; then swapped=$((swapped + 1)); fi
        say "swap $((i * swaps / changes)) of $swaps"
    fi
done
[ "$(progress talk 3)" != 0 ] || reached talk "$REQUESTS" || give_up "too few lines"
end_load talk || give_up "the load broke"
n() { field "$1" "$COUNTS"; }
lost=$(($(n lost) + $(n twice) + $(n wrong) + $(n refused)))
what="$people chat connections, $changes changes elsewhere, $swaps swaps of chat"
judge "$what: closed" 0 "$(n closed); $changed changes and $swapped swaps took place" \
    test "$(n closed)-$changed-$swapped" = "0-$changes-$swaps"
judge "the same: messages lost, twice or wrong" 0 \
    "$lost of $(n due) ($(n said) lines said; lost $(n lost), twice $(n twice), wrong $(n wrong))" \
    test "$lost-$(n heard)" = "0-$(n due)"
row "streams that moved to the new process" shown \
    "$(sed -n 's/.* \([0-9]*\) streams have moved to it.*/\1/p' "$LOG" | awk '{ n += $1 }
        END { print n + 0 }')" shown
