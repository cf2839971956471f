#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A plugin written outside of the tree: gyre-new makes a folder in which make and make test work
# with gyre.h and gyre-test alone; and what it builds serves.
. "$(dirname "$0")/lib.sh"
ports port
# The two things that a plugin author has, and nothing else of the checkout.
mkdir "$T/alone" "$T/alone/services" "$T/work"
cp sdk/gyre.h sdk/bytes.h "$T/alone"
cp sdk/services/*.h "$T/alone/services"
cp "$BUILD/gyre-test" "$T/alone"
cd "$T/work" || exit 2
export GYRE_SDK=$T/alone GYRE_TEST=$T/alone/gyre-test

holds "gyre-new hello" "$TOP/tools/gyre-new" hello
same "it made these" "Makefile README.md hello.c talk talk/hello.talk" \
    "$(cd hello && find ./* | sed 's|^\./||' | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')"
holds "make" make -C hello
holds "make test" make -C hello test
holds "no warning with everything on" make -C hello -B CC=gcc \
    CFLAGS="-O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
holds "with clang too" make -C hello -B CC=clang CFLAGS="-O2 -Wall -Wextra -Werror"
same "it links nothing of the host" "" \
    "$(nm -D --undefined-only hello/hello.so | awk '$2 !~ /@GLIBC|^_/ { print $2 }')"
sed -i 's/Hello, Ann/Hullo, Ann/' hello/talk/hello.talk
if make -C hello test >"$T/said" 2>&1; then fail "a wrong conversation fails"
else ok "a wrong conversation fails"; fi
like "and shows where" 'hello.talk:[0-9]+' "$(cat "$T/said")"

said=$("$TOP/tools/gyre-new" hello 2>&1)
same "it does not write over a folder" 1 $?
like "and says so" 'hello is already here' "$said"
for name in "" Bad "a b" ../up -x; do
    "$TOP/tools/gyre-new" "$name" >/dev/null 2>&1
    same "it refuses the name '$name'" 2 $?
done
holds "a name with - and _" "$TOP/tools/gyre-new" my-own_2
holds "builds too" make -C my-own_2 test

unset GYRE_SDK GYRE_TEST
if [ -n "$RELEASED" ]; then
    holds "from a checkout it finds both by itself" make -C my-own_2 -B test
fi
cd "$TOP" || exit 2
server
plugin_put "$T/work/my-own_2/my-own_2.so" my-own_2.so
conf 40.ini <<END
[my-own_2]
listen = tcp:localhost:$port
greeting = Welcome
END
start
same "what it built serves" "Welcome, Ann!" "$(talk "$port" 'Ann\n' | tr -d '\r')"
holds "make install puts it in place" make -C "$T/work/my-own_2" install PLUGINS="$T/plugins"
stop
same "it stops with 0" 0 "$STATUS"
