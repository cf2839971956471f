#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/fuzz/fuzz.sh TARGET SECONDS [OPTION …] - fuzzes one target and tells what came of it: speed,
# coverage, and how many inputs got anywhere. What is new is kept in build/fuzz/corpus/TARGET, what
# was found in build/fuzz/found/TARGET. Exits 1 when something was.
#
# Options are libFuzzer's. FUZZ_KEEP: another folder for what is new. Needs what `make fuzz-build`
# builds.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/fuzz/lib.sh
target=${1:-} seconds=${2:-60}
if ! fuzz_targets | tr ' ' '\n' | grep -qx "$target"; then
    echo "make fuzz TARGET=… or PLUGIN=…, one of:" $(fuzz_targets) >&2
    exit 2
fi
shift 2
set_target "$target"
own=${FUZZ_KEEP:-$FUZZ_BUILD/corpus}/$target
found=$FUZZ_BUILD/found/$target log=$FUZZ_BUILD/log/$target
mkdir -p "$own" "$found" "${log%/*}"
TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)") || exit 2
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

TIMEFORMAT='%U %S'
{
    time "$FUZZ_BUILD/targets/$program" -max_total_time="$seconds" -max_len="$length" \
        -len_control=100 -entropic=0 -detect_leaks=0 -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 \
        -artifact_prefix="$found/" "${options[@]}" "$@" "$own" "${corpus[@]}" >"$log" 2>&1
} 2>"$TMPDIR/cpu"
status=$?

edges=$(sed -n 's/^INFO: Loaded .* (\([0-9]*\) inline.*/\1/p' "$log")
# By the processor's time: what else runs on this machine does not count.
awk -v target="$target" -v edges="${edges:-0}" -v cpu="$(cat "$TMPDIR/cpu")" '
    match($0, /cov: [0-9]+ ft: [0-9]+/) { split(substr($0, RSTART, RLENGTH), c, " ") }
    /^stat::number_of_executed_units/ { runs = $2 }
    /^fuzz: [0-9]+ inputs/ { sub(/^fuzz: [0-9]+ inputs, /, ""); past = $0 }
    END {
        split(cpu, t, " ")
        speed = runs / (t[1] + t[2] + 0.001)
        printf "%s: %d inputs, %d a second; %d of %d edges, %d features; %s\n", target, runs,
            speed, c[2], edges, c[4], past
    }' "$log"
[ $status -ne 0 ] || exit 0
grep -a -m 3 -E '^oracle |ERROR: |runtime error: |^sim: |: bug' "$log"
file=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
echo "the input: $file"
echo "again:     FUZZ_MALLOC= ASAN_OPTIONS=malloc_context_size=30 $(again "$file")"
exit 1
