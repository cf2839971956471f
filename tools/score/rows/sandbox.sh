#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the sandbox costs: CPU for each request with it and without, in turn, of two servers at once.
. "$(dirname "$0")/../lib.sh"
rounds=$(pick 4 24) seconds=1
site
ports on off
plugins http
# Two servers: this shell has the one with the sandbox, the other one is told by its pid.
begin() { # begin SANDBOX PORT
    T=$top/$1
    LOG=$T/log
    mkdir -p "$T/conf.d" "$T/run"
    cp -r "$top/plugins" "$T/plugins"
    server "workers = 1" "sandbox = ${1/on/auto}"
    conf 30.ini <<END
[http]
listen = tcp:localhost:$2
root = $top/www
END
    start
    T=$top
}
top=$T
mkdir "$top/on" "$top/off"
declare -A pids=()
begin off "$off" && pids[off]=$PID
begin on "$on" && pids[on]=$PID
measure() { # measure on|off: ns of CPU for a request, of the server and what descends from it
    local said
    said=$("$BUILD/bench/measure" cpu "${pids[$1]}" 0.1 "$BUILD/bench/pipe_load" "${!1}" \
        /page 64 1 $seconds) || return 1
    total[$1]=$((${total[$1]:-0} + $(field requests "$said")))
    awk -v cpu="$(field cpu_ns "$said")" -v n="$(field requests "$said")" \
        'BEGIN { printf "%.1f\n", cpu / n }'
}
declare -A total=()
for ((i = 1; i <= rounds; i++)); do
    order="on off"
    ((i % 2)) || order="off on"
    for which in $order; do
        measure "$which" >"$T/one" || give_up "the load failed"
        printf -v "cost_$which" %s "$(<"$T/one")"
    done
    # shellcheck disable=SC2154 # set by name
    echo "$cost_on $cost_off"
    ((i % 8)) || say "$i of $rounds rounds"
done >"$T/costs"
quartiles() { sort -n | awk '{ v[NR] = $1 }
    END { print v[int(NR / 4 + 0.75)], v[int((NR + 1) / 2)], v[int(NR * 3 / 4 + 0.5)] }'; }
read -r low median high < <(awk '{ printf "%.2f\n", ($1 / $2 - 1) * 100 }' "$T/costs" | quartiles)
read -r _ on_ns _ < <(awk '{ print $1 }' "$T/costs" | quartiles)
read -r _ off_ns _ < <(awk '{ print $2 }' "$T/costs" | quartiles)
judge "sandbox, CPU for a request" "under 3 %" \
    "$median % ($low to $high %): $on_ns ns with, $off_ns ns without; ${total[on]} requests" \
    awk -v x="$median" 'BEGIN { exit !(x < 3) }'
