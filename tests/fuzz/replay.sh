#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/fuzz/replay.sh - gives every input of every corpus to its target, in a build without
# libFuzzer, whatever its compiler and sanitizers. BUILD names the folder with the programs.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/fuzz/lib.sh
BUILD=${BUILD:-build}
for target in $(fuzz_targets); do
    set_target "$target"
    if [ ${#corpus[@]} -eq 0 ]; then
        echo "FAIL $target: it has no corpus"
        continue
    fi
    command=("$BUILD/targets/$program")
    [ -z "$is_plugin" ] ||
        command=("$BUILD/targets/plugin" --plugin "$BUILD/plugins/$program.so")
    if text=$("${command[@]}" "${corpus[@]}" 2>&1); then
        echo "ok $target: $(tail -n 2 <<<"$text" | grep -m 1 '^fuzz: ')"
    else
        echo "FAIL $target:"
        tail -n 30 <<<"$text" | sed 's/^/    /'
        echo "    again: ${FUZZ_DATAGRAMS+FUZZ_DATAGRAMS= }${command[*]} ${corpus[*]}"
    fi
done
