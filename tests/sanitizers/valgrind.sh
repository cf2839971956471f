#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A smoke test under valgrind, which also sees bytes that nobody has written: echo, http, dns and
# chat in one process on each kernel, with a reload; then the talks of TALKS over the simulated one.
. "$(dirname "$0")/../system/lib.sh"
. tests/sanitizers/four.sh
TALKS=${TALKS:-chat}
if ! command -v valgrind >/dev/null; then
    skip "valgrind is not installed"
    exit 0
fi
if [ -z "$RELEASED" ]; then
    skip "valgrind and sanitizers do not go together"
    exit 0
fi
PATIENCE=$((4 * PATIENCE))
under=(valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite
    --log-file="$T/valgrind.%p")
# content WHAT STATUS: nothing was found, and the program ended as it should
content() {
    if [ "$2" -eq 0 ]; then ok "$1"
    else fail "$1" "status $2: $(head -n 30 "$T"/valgrind.* "$T/said")"; fi
    rm -f "$T"/valgrind.*
}

ports echo http dns chat
plugins echo http dns chat
mkdir "$T/www" "$T/zones"
: >"$T/said"
page w
zone 7
serves() { # serves WHAT: so many conversations of all clients
    same "$1" $((9 * 15)) "$(echo 15 | timeout 60 "$BUILD/tests/load" "echo:$echo:2" "udp:$echo:2" \
        "http:$http:2" "dns:$dns:1" "line:$chat:2:|hello @ #
/help|" 2>&1)"
}
for ring in io_uring epoll; do
    server "workers = 2" "ring = $ring"
    four "idle_time = 30s"
    RUN_BY=("${under[@]}")
    start --single
    RUN_BY=()
    serves "$ring: clients"
    four "idle_time = 31s"
    holds "$ring: a reload" ctl reload
    serves "$ring: clients after it"
    stop
    content "$ring: no error, no leak" "$STATUS"
done

"${under[@]}" "$BUILD/gyre-test" --chunks whole "$BUILD/plugins/$TALKS.so" \
    "plugins/$TALKS"/talk/*.talk >"$T/said" 2>&1
content "talks of $TALKS over the simulated kernel: no error, no leak" $?
