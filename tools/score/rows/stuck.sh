#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# How soon a callback is found that does not come back, while another service is under load.
. "$(dirname "$0")/../lib.sh"
ports a b
plugins http
tell tell.so
site
limit=200 times=$(pick 2 10)
server "workers = 2" "callback_max = ${limit}ms"
section() { # a change, so that earlier crashes say nothing
    conf 30.ini <<END
[tell]
listen = tcp:localhost:$b
greeting = $1
END
    ctl reload >/dev/null 2>&1
}
section 0
conf 40.ini <<END
[http]
listen = tcp:localhost:$a
root = $T/www
END
start
load busy http_load "$a" /page "$T/www/page" keep 4 500
reached busy 100 || give_up "no load"

# One that sleeps is found by the clock. One that computes is given no time in which it waits for a
# processor: what counts is what it had, as the report says.
by_clock=() own=()
gets_stuck() { # gets_stuck HOW N
    local seat began line
    section "$1-$2"
    dial seat "$b" || return 1
    : >"$LOG"
    began=$(us_now)
    printf '%s\n' "$1" >&"$seat"
    log_says 'all that is known' 1 20 || return 1
    line=$(grep -F 'was stuck in' "$LOG" | tail -n 1)
    [ -n "$line" ] || return 1
    [ "$1" = spin ] || by_clock+=($((($(date -d "${line%% *}" +%s%6N) - began) / 1000)))
    [ "$1" = wait ] ||
        own+=("$(sed -n 's/.* for \([0-9]*\)\.\([0-9]*\) s.*/\1\20/p' <<<"$line")")
    hang_up "$seat"
}
found=0
for ((i = 1; i <= times; i++)); do
    for how in wait spin; do
        if under_load 10 gets_stuck $how "$i"; then found=$((found + 1)); fi
    done
    ((i % 5)) || say "$i of $times"
done
reached busy "$REQUESTS" || give_up "too few requests"
end_load busy || give_up "the load has no counts"
read -r median worst < <(printf '%s\n' "${by_clock[@]}" | figures)
must="at most $((limit + 100)) ms"
verdict_of() { [ "$found" -eq $((2 * times)) ] && test "$1" -le "$2"; }
most=$((limit + 100))
[ "$QUICK" = no ] || most=1000000
judge "stuck callback that sleeps found, limit $limit ms" "$must" \
    "median $median ms, worst $worst ms, by the clock; $found of $((2 * times)) found" \
    verdict_of "$worst" $most
read -r median worst < <(printf '%s\n' "${own[@]/#0/}" | sed 's/^0*\([0-9]\)/\1/' | figures)
judge "stuck callback that computes, the same" "$must" \
    "median $median ms, worst $worst ms, of its own" verdict_of "$worst" $((limit + 100))
judge "requests of another service failed" 0 \
    "$(failures "$COUNTS") of $(field asked "$COUNTS")" test "$(failures "$COUNTS")" = 0
