#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/fuzz/brief.sh TARGET - fuzzes one target for a few seconds, from a fixed seed.
# Fails when something is found, and when no input gets past the first check: speed alone is
# nothing.
set -u
cd "$(dirname "$0")/../.." || exit 2
FUZZ_KEEP=$(mktemp -d) || exit 2
export FUZZ_KEEP
trap 'rm -rf "$FUZZ_KEEP"' EXIT
text=$(tests/fuzz/fuzz.sh "$1" 3 -seed=1 -runs=200000)
status=$?
echo "$text"
case $text in
*"; 0.0 % "*) status=1 ;;
esac
if [ $status -eq 0 ]; then echo "ok $1"; else echo "FAIL $1: see above"; fi
