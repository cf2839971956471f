#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/fuzz/planted.sh - an oracle that cannot fire proves nothing: each must find what was planted
# for it (tests/plugins/planted.c, and fuzz_plants in the targets), from an empty corpus in seconds.
# Needs what `make fuzz-build` builds.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/fuzz/lib.sh
T=$(mktemp -d) || exit 2
export TMPDIR=$T
trap 'rm -rf "$T"' EXIT

# expect NAME PROGRAM TEXT: the program must be stopped, and say so, by what it makes itself; and
# stop again when it is given the input that it kept.
expect() {
    local name=$1 program=$2 want=$3 file
    shift 3
    rm -rf "$T/found" "$T/new"
    mkdir "$T/found" "$T/new" # new: libFuzzer writes to the first folder
    "$FUZZ_BUILD/targets/$program" -seed=1 -max_total_time=20 -max_len=256 -detect_leaks=0 \
        -artifact_prefix="$T/found/" "$T/new" "$@" >"$T/log" 2>&1
    file=$(find "$T/found" -name 'crash-*' | head -n 1)
    if [ -z "$file" ] || ! grep -aqF "$want" "$T/log"; then
        echo "FAIL $name: it was not found; wanted: $want"
        tail -n 3 "$T/log"
    elif "$FUZZ_BUILD/targets/$program" "$file" >"$T/log" 2>&1 || ! grep -aqF "$want" "$T/log"; then
        echo "FAIL $name: found, but its input alone does not show it"
    else
        echo "ok $name"
    fi
}

while read -r bug want; do
    FUZZ_SET=bug=$bug expect "$bug" planted "$want"
done <<'END'
over ERROR: AddressSanitizer: use-after-poison
kept ERROR: AddressSanitizer: use-after-poison
split oracle split:
output oracle output:
memory oracle given back: bytes of memory
rest oracle bounded work: it never comes to rest
left oracle given back: actors
work oracle work:
END
export FUZZ_PLANT=1
expect bytes bytes 'oracle model:'
expect endpoint endpoint 'oracle spelling:' tests/fuzz/corpus/endpoint
expect metadata metadata 'oracle manual:' tests/fuzz/corpus/metadata
expect ini ini 'oracle line:' tests/fuzz/corpus/ini
expect words words 'oracle round trip:' tests/fuzz/corpus/words
expect edit edit 'oracle read:' -dict=tests/fuzz/dict/edit tests/fuzz/corpus/edit
expect box box 'oracle numbers:' tests/fuzz/corpus/box
expect wide wide 'oracle answers:' tests/fuzz/corpus/wide
expect message message 'oracle round trip:' tests/fuzz/corpus/message
expect serve serve 'oracle descriptors:' -dict=tests/fuzz/dict/serve tests/fuzz/corpus/serve
expect process process 'oracle answers:' -dict=tests/fuzz/dict/process tests/fuzz/corpus/process
