#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Plugins of every release, built from the sources and against the headers of that release, load in
# today's host and hold their conversations of then. Together they call all that was lent.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=${BUILD:-build}
T=$(mktemp -d) || exit 2
trap 'rm -rf "$T"' EXIT
failed=0

result() { # result WHAT STATUS
    if [ "$2" -eq 0 ]; then echo "ok abi/plugins: $1"; return; fi
    echo "FAIL abi/plugins: $1: $(tail -n 5 "$T/out" | tr '\n' '|')"
    failed=1
}

for release in tests/abi/[0-9]*/; do
    name=${release#tests/abi/}
    name=${name%/}
    mkdir -p "$T/$name"
    for folder in "$release"plugins/*/; do
        plugin=$(basename "$folder")
        # As its author would have built it: without our flags, and without our warnings.
        "${CC:-cc}" -std=c17 -D_GNU_SOURCE -O2 -fPIC -shared -fvisibility=hidden \
            -I"${release}sdk" -I"${release}plugins" -o "$T/$name/$plugin.so" \
            "$folder"*.c >"$T/out" 2>&1
        result "$name/$plugin is built" $?
        timeout 120 "$BUILD/gyre-test" "$T/$name/$plugin.so" "$folder"talk/*.talk >"$T/out" 2>&1
        result "$name/$plugin holds $(find "$folder"talk -name '*.talk' | wc -l) talks" $?
    done
    sed -n 's/^gyre_\(api\|bus\|file\|shared\|work\)\.\([a-z_]*\) .*(\*)(.*/\2/p' \
        "${release}record.txt" | while read -r call; do
        grep -rqE --include='*.c' "[a-z]->$call\(" "${release}plugins" || echo "nobody calls $call"
    done >"$T/out"
    [ ! -s "$T/out" ]
    result "the plugins of $name call all that was lent" $?
    # The server itself reads what they say of themselves, and their options.
    mkdir "$T/$name.d"
    printf '%s\n' '[server]' "plugins = $T/$name" '[echo]' "listen = unix:$T/echo" \
        '[chat]' "listen = unix:$T/chat" >"$T/$name.d/10.ini"
    timeout 60 "$BUILD/gyre" --check "$T/$name.d" >"$T/out" 2>&1
    result "gyre --check takes the plugins of $name" $?
done
exit $failed
