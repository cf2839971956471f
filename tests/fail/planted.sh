#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/fail/planted.sh [PATCH …] - bugs planted in the core, each of which the simulator must find.
#
# Each tests/fail/planted/*.patch begins with lines "# invariant: …" and "# found: PATTERN", what
# the simulator must say (an extended regular expression). A copy of the sources and objects gets
# the patch, is built, and runs seeds until one fails. Prints "ok …" with the seed, or "FAIL …".
# Those who write such patches have not read the simulator.
set -u
cd "$(dirname "$0")/../.." || exit 2
SEEDS=${SEEDS:-2000}
from=$(cd "${BUILD:-build}" && pwd) || exit 2
unset MAKEFLAGS MAKELEVEL MFLAGS BUILD
T=$(mktemp -d) || exit 2
trap 'rm -rf "$T"' EXIT
[ $# -gt 0 ] || set -- tests/fail/planted/*.patch

# Objects keep their times, so that only what a patch changes is made again.
mkdir "$T/tree" "$T/tree/build"
cp -a Makefile server sdk tests tools plugins "$T/tree" || exit 2
cp -a "$from/." "$T/tree/build" || exit 2

for patch; do
    name=$(basename "$patch" .patch)
    want=$(sed -n 's/^# found: //p' "$patch")
    if ! patch -s -p1 -d "$T/tree" <"$patch" >"$T/log" 2>&1; then
        echo "FAIL planted $name: it does not apply: $(tr '\n' ' ' <"$T/log")"
        exit 1
    fi
    if ! make -C "$T/tree" build/tests/simulate >"$T/log" 2>&1; then
        echo "FAIL planted $name: it does not build: $(tail -n 3 "$T/log" | tr '\n' ' ')"
    else
        (cd "$T/tree" && build/tests/simulate --first --seeds "$SEEDS") >"$T/log" 2>&1
        found=$(sed -n 's/^FAIL //p' "$T/log" | head -n 1)
        if [ -z "$found" ]; then echo "FAIL planted $name: $SEEDS seeds found nothing"
        elif [[ $found =~ $want ]]; then echo "ok planted $name: $found"
        else echo "FAIL planted $name: found otherwise: $found (wanted: $want)"; fi
    fi
    patch -s -R -p1 -d "$T/tree" <"$patch" || exit 2
done
