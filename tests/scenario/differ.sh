#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/scenario/differ.sh - the same plain runs in the simulated world, on io_uring and on epoll.
#
# What clients got must be the same, seed for seed: else the simulator tells of a kernel that does
# not exist. SEEDS: how many. Prints "ok …" or "FAIL …" for each kernel and seed.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=${BUILD:-build}
SEEDS=${SEEDS:-60}
T=$(mktemp -d) || exit 2
trap 'rm -rf "$T"' EXIT
failed=0

"$BUILD/tests/simulate" --plain --build "$BUILD" --seeds "$SEEDS" >"$T/sim" || failed=1
for ring in io_uring epoll; do
    "$BUILD/tests/simulate-real" --ring $ring --plain --build "$BUILD" --seeds "$SEEDS" \
        >"$T/$ring" || failed=1
    if grep -q '^skip ' "$T/$ring"; then
        grep '^skip ' "$T/$ring"
        failed=0
        continue
    fi
    for ((seed = 1; seed <= SEEDS; seed++)); do
        want=$(grep "^seed $seed: " "$T/sim")
        got=$(grep "^seed $seed: " "$T/$ring")
        if [ -n "$want" ] && [ "$want" = "$got" ]; then echo "ok $ring: $got"
        else
            echo "FAIL $ring seed $seed: clients got something else: '$got', simulated '$want'"
            failed=1
        fi
    done
    grep -A 40 '^FAIL' "$T/$ring"
done
exit $failed
