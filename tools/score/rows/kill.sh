#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The http service is killed again and again under load: who is refused, which requests are lost,
# what other services notice, and how fast it is there again.
. "$(dirname "$0")/../lib.sh"
ports a b
plugins http chat
site
kills=$(pick 5 20) keep=16 once=8
server "workers = 2"
# A change, so that earlier crashes say nothing: the breaker is for those who crash so often.
section() {
    conf 30.ini <<END
[http]
listen = tcp:localhost:$a
root = $T/www
idle_time = $((100 + $1))s
END
    ctl reload >/dev/null 2>&1
}
section 0
conf 40.ini <<END
[chat]
listen = tcp:localhost:$b
END
start
load kept http_load "$a" /page "$T/www/page" keep $keep 200
load once http_load "$a" /page "$T/www/page" once $once 500
load talk chat_load "$b" 100 20 400
for name in kept once talk; do reached $name 100 || give_up "no load"; done

took=() worst_lost=0
lost_now() { echo $(($(progress kept 2) + $(progress once 2))); }
settled() { [ "$(progress kept 1)" -gt "$1" ] && [ "$(progress once 1)" -gt "$2" ]; }
victim() {
    local began line ready lost
    lost=$(lost_now)
    : >"$LOG"
    began=$(us_now)
    kill -KILL "$(service http)" || return 1
    log_says 'is ready after' 1 20 || return 1
    line=$(grep -F 'is ready after' "$LOG" | tail -n 1)
    ready=$(date -d "${line%% *}" +%s%6N)
    took+=($(((ready - began) / 100))) # tenths of a ms
    reached kept $(($(progress kept 1) + 50)) && reached once $(($(progress once 1) + 50))
    lost=$(($(lost_now) - lost))
    [ $lost -le $worst_lost ] || worst_lost=$lost
}
killed=0
for ((i = 1; i <= kills; i++)); do
    section "$i"
    if under_load 20 victim; then killed=$((killed + 1)); fi
    ((i % 5)) || say "$i of $kills kills"
done
for name in kept once talk; do reached $name "$REQUESTS" || give_up "$name: too few requests"; done
lost=0 refused=0 strange=0 asked=0
for name in kept once; do
    end_load $name || give_up "$name has no counts"
    refused=$((refused + $(field refused "$COUNTS")))
    strange=$((strange + $(field wrong "$COUNTS") + $(field late "$COUNTS")))
    asked=$((asked + $(field asked "$COUNTS")))
    lost=$((lost + $(field reset "$COUNTS") + $(field eof "$COUNTS") + $(field short "$COUNTS")))
done
end_load talk || give_up "the people have no counts"
n() { field "$1" "$COUNTS"; }
others=$(($(n lost) + $(n twice) + $(n wrong) + $(n refused) + $(n closed)))
tenths() { awk '{ printf "%.1f ms", $1 / 10 }' <<<"$1"; }
read -r median worst < <(printf '%s\n' "${took[@]}" | figures)
judge "connections refused, $kills SIGKILLs of http" 0 \
    "$refused of $asked requests; $killed killed" \
    test "$refused-$killed" = "0-$kills"
judge "requests lost at one of them" "at most $((keep + once))" \
    "$worst_lost; $lost in all; wrong or late: $strange" \
    test $((worst_lost <= keep + once && strange == 0)) = 1
judge "failures of other services" 0 "$others of $(n due) lines of chat" test "$others" = 0
judge_time "crash to READY, median" "under 10 ms" "$(tenths "$median")" test "$median" -lt 100
judge_time "crash to READY, worst" "under 100 ms" "$(tenths "$worst")" test "$worst" -lt 1000
