#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Escapes from the sandbox, as gyre tries them itself.
. "$(dirname "$0")/../lib.sh"
if ! "$BUILD/gyre" --help 2>&1 | grep -q -- --selftest; then
    row "escapes in the self-test" 0 "not built" FAIL
    exit 1
fi
timeout 50 "$BUILD/gyre" --selftest >"$T/said" 2>&1
status=$?
sed 's/^/# escape: /' "$T/said"
judge "escapes in the self-test" 0 "status $status: $(tail -n 1 "$T/said" | tr '|' '/')" \
    test "$status" = 0
