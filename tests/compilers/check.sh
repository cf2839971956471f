#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The whole tree builds without a warning with the other compiler too, and its conversations end
# alike; what either compiler made is hardened as the Makefile asks.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=${BUILD:-build}
T=$(mktemp -d) || exit 2
trap 'rm -rf "$T"' EXIT
failed=0
case ${CC:-gcc} in
*clang*) mine=clang other=gcc ;;
*) mine=gcc other=clang ;;
esac

result() { # result WHAT STATUS: what was said stands in $T/out
    if [ "$2" -eq 0 ]; then echo "ok compilers: $1"; return; fi
    echo "FAIL compilers: $1: $(tail -n 12 "$T/out" | tr '\n' '|')"
    failed=1
}
# has WHAT FILE PATTERN …: the file has each of the patterns
has() {
    local what=$1 file=$2 pattern
    shift 2
    for pattern; do
        grep -qE -e "$pattern" "$file" && continue
        echo "no $pattern in $(tr '\n' ' ' <"$file" | cut -c1-600)" >"$T/out"
        result "$what" 1
        return
    done
    result "$what" 0
}

# hardened COMPILER FOLDER
hardened() {
    local file
    tr ' ' '\n' <"$2/flags" >"$T/flags"
    has "$1 is asked for hardened code" "$T/flags" -fstack-protector-strong -fwrapv \
        -fstack-clash-protection -fno-delete-null-pointer-checks -D_FORTIFY_SOURCE=3 -Werror \
        -Wconversion -Wshadow -Wvla -Wformat=2
    # clang knows these since 16, and strict arrays since 15.
    [ "$1" = clang ] || has "gcc is asked to leave nothing in memory" "$T/flags" \
        -ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr
    readelf -n "$2/obj/server/worker.o" >"$T/notes"
    case $(uname -m) in
    x86_64) has "$1 guards jumps" "$T/notes" IBT SHSTK ;;
    aarch64) has "$1 guards jumps" "$T/notes" BTI PAC ;;
    esac
    nm -D "$2/gyre" >"$T/symbols"
    has "gyre of $1 has guards on its stack and in the library" "$T/symbols" __stack_chk_fail \
        __memcpy_chk __snprintf_chk
    for file in "$2"/{gyre,gyrectl,gyre-test} "$2"/plugins/*.so; do
        readelf -hldW "$file" >"$T/elf"
        has "$file of $1 is loaded anywhere, and written nowhere" "$T/elf" 'Type: +DYN' \
            GNU_RELRO BIND_NOW 'GNU_STACK.* RW +0x'
        ! grep -E 'TEXTREL|LOAD.* RWE|RPATH|RUNPATH' "$T/elf" >"$T/out"
        result "$file of $1 changes no code, and looks for nothing beside it" $?
    done
}

env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS nice make --no-print-directory BUILD="$BUILD/$other" \
    CC=$other programs benches >"$T/out" 2>&1
result "$other builds everything" $?
[ $failed -eq 0 ] || exit 1
hardened $mine "$BUILD"
hardened $other "$BUILD/$other"

BUILD=$BUILD/$other JOBS=1 tests/run talks bugs >"$T/out" 2>&1
result "talks with $other: $(tail -n 1 "$T/out")" $?
exit $failed
