#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Slow readers and half-open requests by the thousand: memory is bounded, and a good client notices
# little: its worst hundredth takes at most twice as long as without them, in the same run.
. "$(dirname "$0")/../lib.sh"
ports a
plugins http
site
readers=$(pick 1000 10000) halves=$(pick 500 5000)
memory=256 # memory_max's preset, in MiB
head -c 1000000 /dev/urandom >"$T/www/big"
server "workers = 2"
conf 30.ini <<END
[http]
listen = tcp:localhost:$a
root = $T/www
per_address_max = 65536
END
start
service=$(service http)
memory() { awk -v what="$1:" '$1 == what { print int($2 / 1024) }' "/proc/$service/status"; }
# A good client: four connections, a request each two milliseconds. measure WHEN: its counts
measure() {
    load good http_load "$a" /page "$T/www/page" keep 4 2000
    reached good "$REQUESTS" || give_up "$1: too few good answers"
    end_load good || give_up "$1: no counts"
}
measure before
baseline=$(field p99_us "$COUNTS") failed=$(failures "$COUNTS") before=$(memory VmRSS)

load crowd hold "$a" /big "$readers" "$halves"
full() { [ "$(progress crowd 1)" -ge $((readers * 99 / 100)) ] &&
    [ "$(progress crowd 2)" -ge $((halves * 99 / 100)) ]; }
until=$((SECONDS + 60 * PATIENCE))
until full || [ $SECONDS -ge $until ]; do
    command sleep 0.05
done
there="$(progress crowd 1) readers, $(progress crowd 2) halves"
say "$there are there"
LOADS=() # it has no count that goes up
measure during
during=$(field p99_us "$COUNTS") failed_then=$(failures "$COUNTS")
crowded=$(memory VmRSS) most=$(memory VmHWM)
end_load crowd || give_up "the crowd has no counts"
same_process=$([ "$service" = "$(service http)" ] && echo yes)
# What the section may have; files in memory are 32 MiB on each worker at most; the rest is code.
bound=$((memory + 2 * 32 + 32))
judge "memory with $readers slow readers, $halves half-open" "bounded: $bound MiB" \
    "$before MiB, then $crowded, at most $most; $there" \
    test $((most <= bound)) = 1 -a "$same_process" = yes
judge "all of them are there, and stay or come again" "99 %" \
    "$there; closed $(field closed "$COUNTS"), refused $(field refused "$COUNTS")" \
    test "$(field readers "$COUNTS")" -ge $((readers * 99 / 100)) -a \
    "$(field halves "$COUNTS")" -ge $((halves * 99 / 100))
ratio=$(awk -v a="$during" -v b="$baseline" 'BEGIN { printf "%.2f", a / b }')
twice_at_most() { awk -v x="$ratio" 'BEGIN { exit !(x <= 2) }'; }
judge_time "a good client's p99 then" "at most 2x" "$ratio x: $baseline us, then $during us" \
    twice_at_most
judge "its requests failed" 0 "$failed before, $failed_then then" \
    test "$failed-$failed_then" = 0-0
