#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/fail/planted.sh [PATCH …] - bugs planted in the core, each of which the simulator, or
# torture, must find.
#
# Each patch of tests/fail/planted and below begins with lines "# invariant: …" and "# found:
# PATTERN", what must be said (an extended regular expression). A copy of the sources and objects
# gets the patch, is built, and runs seeds until one fails; or, where a line "# talks: PLUGIN"
# stands, torture of the talks of that plugin. "# seed: N" tells which found it when it was written:
# it changes with the scenarios. Prints "ok …" with what was found, or "FAIL …".
# Those who write patches for the simulator have not read it.
set -u
cd "$(dirname "$0")/../.." || exit 2
SEEDS=${SEEDS:-2000}
from=$(cd "${BUILD:-build}" && pwd) || exit 2
unset MAKEFLAGS MAKELEVEL MFLAGS BUILD
T=$(mktemp -d) || exit 2
trap 'rm -rf "$T"' EXIT
[ $# -gt 0 ] || set -- tests/fail/planted/*.patch tests/fail/planted/torture/*.patch

# Objects keep their times, so that only what a patch changes is made again.
mkdir "$T/tree" "$T/tree/build"
cp -a Makefile server sdk tests tools plugins "$T/tree" || exit 2
cp -a "$from/." "$T/tree/build" || exit 2

simulate() {
    make build/tests/simulate >"$T/log" 2>&1 || return
    build/tests/simulate --first --seeds "$SEEDS" >"$T/log" 2>&1
    found=$(sed -n 's/^FAIL //p' "$T/log" | head -n 1)
    tried="$SEEDS seeds"
}
torture() { # torture PLUGIN
    local so=build/tests/plugins/$1.so talks=tests/talk/$1
    [ ! -d "plugins/$1" ] || so=build/plugins/$1.so talks=plugins/$1/talk
    make build/gyre-test "$so" >"$T/log" 2>&1 || return
    build/gyre-test --torture "$so" "$talks"/*.talk >"$T/log" 2>&1
    # The first that failed, what it said below, and the command that plays it again.
    found=$(awk '/^FAIL/ { on = 1 } on && /again:/ { sub(/.*gyre-test/, "gyre-test"); print; exit }
        on { print }' "$T/log" | tr -s '\n ' '  ')
    found=${found#FAIL }
    tried="torture"
}

for patch; do
    patch=$(realpath "$patch")
    name=$(basename "$patch" .patch)
    want=$(sed -n 's/^# found: //p' "$patch")
    if ! patch -s -p1 -d "$T/tree" <"$patch" >"$T/log" 2>&1; then
        echo "FAIL planted $name: it does not apply: $(tr '\n' ' ' <"$T/log")"
        exit 1
    fi
    talks=$(sed -n 's/^# talks: //p' "$patch")
    found='' tried=''
    cd "$T/tree" || exit 2
    if [ -n "$talks" ]; then torture "$talks"; else simulate; fi
    cd - >/dev/null || exit 2
    if [ -z "$tried" ]; then
        echo "FAIL planted $name: it does not build: $(tail -n 3 "$T/log" | tr '\n' ' ')"
    elif [ -z "$found" ]; then echo "FAIL planted $name: $tried found nothing"
    elif [[ $found =~ $want ]]; then echo "ok planted $name: $found"
    else echo "FAIL planted $name: found otherwise: $found (wanted: $want)"; fi
    patch -s -R -p1 -d "$T/tree" <"$patch" || exit 2
done
