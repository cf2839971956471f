#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# How fast a service is there again: 20 times it is killed, from the signal to READY; and how soon a
# stuck callback is found. Prints the figures; fails where they are far from what they should be.
. "$(dirname "$0")/lib.sh"
ports a b
plugins http
tell tell.so
limit=200
server "workers = 1" "callback_max = ${limit}ms"
mkdir "$T/www"
echo hello >"$T/www/index.html"
section() { # a change, so that earlier crashes say nothing
    conf 30.ini < <(printf '%s\n' '[tell]' "listen = tcp:localhost:$b" "greeting = $1" \
        '[http]' "listen = tcp:localhost:$a" "root = $T/www" "idle_time = $((100 + $1))s")
    ctl reload >/dev/null 2>&1
}
section 0
start
now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
# The time of the last line of the log with this text.
time_of() {
    local line
    line=$(grep -F "$1" "$LOG" | tail -n 1)
    date -d "${line%% *}" +%s%3N
}
# Median and worst of numbers, one a line.
figures() {
    sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] " ms, worst " v[NR] " ms" }'
}
worst() { sort -n | tail -n 1; }

took=()
for i in {1..20}; do
    section "$i"
    : >"$LOG"
    began=$(now_ms)
    kill -KILL "$(service http)"
    log_says 'is ready after' 1 10 || fail "kill $i: it is ready again"
    took+=($(($(time_of 'is ready after') - began)))
done
echo "# 20 SIGKILLs, to READY: median $(printf '%s\n' "${took[@]}" | figures)"
holds "killed 20 times, it is there again within a second each time" \
    test "$(printf '%s\n' "${took[@]}" | worst)" -lt $((1000 * PATIENCE))
like "and answers" hello "$(timeout 10 curl -s "http://127.0.0.1:$a/")"

# Of one that computes, time in which it waits for a processor does not count: the report says
# what it had. One that sleeps waits for none: it is found by the clock.
took=() had=()
for i in {1..10}; do
    for how in spin wait; do
        section "1$i"
        dial seat "$b"
        : >"$LOG"
        began=$(now_ms)
        printf '%s\n' $how >&"$seat"
        log_says 'all that is known' 1 20 || fail "$how $i: it is found"
        [ $how = spin ] || took+=($(($(time_of 'was stuck in') - began)))
        had+=("$(sed -n 's/.* for \([0-9]*\)\.\([0-9]*\) s$/\1\20/p' "$LOG" | head -n 1)")
        hang_up "$seat"
    done
done
echo "# 10 callbacks that sleep, limit $limit ms, found: $(printf '%s\n' "${took[@]}" | figures)"
had_worst=$((10#$(printf '%s\n' "${had[@]}" | worst)))
echo "# and 10 that compute: no more than $had_worst ms of their own"
holds "what is stuck has had no more than the limit and 100 ms" \
    test "$had_worst" -le $((limit + 100))
stop
same "it stops with 0" 0 "$STATUS"
