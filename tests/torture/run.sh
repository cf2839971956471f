#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/torture/run.sh [options of gyre-test] - every talk script of every plugin, with each call
# that may fail failing in turn. With --shallow N --seed S: a part of them, another for each seed.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=${BUILD:-build}
passed=0 failed=0 runs=0
T=$(mktemp -d) || exit 2
trap 'rm -rf "$T"' EXIT

torture() { # PLUGIN.so FOLDER options
    local plugin=$1 folder=$2 line
    shift 2
    "$BUILD/gyre-test" --torture "$@" "$plugin" "$folder"/*.talk >"$T/out" 2>&1
    line=$(tail -n 1 "$T/out")
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
        [ "${BASH_REMATCH[2]}" -eq 0 ] || cat "$T/out"
    else
        failed=$((failed + 1))
        echo "FAIL $folder"
        cat "$T/out"
    fi
    line=$(sed -n 's/^\([0-9]*\) runs$/\1/p' "$T/out")
    runs=$((runs + ${line:-0}))
}

for folder in plugins/*/talk; do
    plugin=${folder%/talk}
    torture "$BUILD/plugins/${plugin#plugins/}.so" "$folder" "$@"
done
for folder in tests/talk/*; do
    torture "$BUILD/tests/plugins/${folder#tests/talk/}.so" "$folder" "$@"
done
echo "$runs runs"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
