#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/fuzz/merge.sh [TARGET …] - what fuzzing kept, and the corpus as it is, into the fewest files
# that reach the same edges: tests/fuzz/corpus/TARGET is made anew. Seeds of plugins stay.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/fuzz/lib.sh
T=$(mktemp -d) || exit 2
export TMPDIR=$T
trap 'rm -rf "$T"' EXIT
[ $# -gt 0 ] || mapfile -t all < <(fuzz_targets | tr ' ' '\n')
for target in "${@:-${all[@]}}"; do
    set_target "$target"
    mkdir -p "$T/new" "tests/fuzz/corpus/$target" "$FUZZ_BUILD/corpus/$target"
    "$FUZZ_BUILD/targets/$program" -merge=1 -set_cover_merge=1 -use_counters=0 -use_cmp=0 \
        -max_len="$length" -detect_leaks=0 "$T/new" "${corpus[@]}" \
        "$FUZZ_BUILD/corpus/$target" >"$T/log" 2>&1 || tail -n 3 "$T/log"
    # Found there by its name, which is the hash of what is in it.
    find "tests/fuzz/corpus/$target" -type f -regex '.*/[0-9a-f]+' -delete
    for file in "$T"/new/*; do
        [ ! -f "$file" ] || cmp -s "$file" "plugins/$target/corpus/${file##*/}" ||
            mv "$file" "tests/fuzz/corpus/$target/"
    done
    rm -rf "$T/new"
    echo "$target: $(find "tests/fuzz/corpus/$target" -type f | wc -l) files," \
        "$(cat "tests/fuzz/corpus/$target"/* | wc -c) bytes"
done
