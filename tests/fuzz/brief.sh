#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/fuzz/brief.sh TARGET - fuzzes one target with so many inputs, from a fixed seed: each run is
# the same, however fast the machine is.
# Fails when something is found, and when no input gets past the first check: speed alone is
# nothing.
set -u
cd "$(dirname "$0")/../.." || exit 2
FUZZ_KEEP=$(mktemp -d) || exit 2
export FUZZ_KEEP
trap 'rm -rf "$FUZZ_KEEP"' EXIT
text=$(tests/fuzz/fuzz.sh "$1" 30 -seed=1 -runs=6000)
status=$?
echo "$text"
case $text in
*"; 0.0 % "*) status=1 ;;
esac
if [ $status -eq 0 ]; then echo "ok $1"; else echo "FAIL $1: see above"; fi
