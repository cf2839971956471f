#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# --single: everything in one process, for debuggers; under valgrind where that is installed.
. "$(dirname "$0")/lib.sh"
ports a b c
mkdir "$T/www"
echo front >"$T/www/index.html"
plugins echo http chat
server "workers = 1"
conf 30.ini <<END
[echo]
listen = tcp:localhost:$a
listen = udp:localhost:$a
[http]
listen = tcp:localhost:$b
root = $T/www
[chat]
listen = tcp:localhost:$c
END
serves() { # the same conversations, for each way to run
    same "$1: echo" hello "$(talk "$a" 'hello\n')"
    same "$1: http" front "$(curl -sS --max-time 20 "http://127.0.0.1:$b/")"
    dial chat "$c"
    printf '/nick ann\nhi\n' >&"$chat"
    like "$1: chat" 'ann' "$(line "$chat"; echo; line "$chat"; echo; line "$chat")"
    hang_up "$chat"
    exec {udp}<>"/dev/udp/127.0.0.1/$a"
    printf 'datagram\n' >&"$udp"
    same "$1: datagrams" datagram "$(datagram "$udp")"
    hang_up "$udp"
}
start --single
same "there is one process" "" "$(services)"
serves single
stop
same "it stops with 0" 0 "$STATUS"

if ! command -v valgrind >/dev/null; then
    skip "valgrind is not installed"
elif [ -z "$RELEASED" ]; then
    skip "valgrind and sanitizers do not go together"
else
    : >"$LOG"
    valgrind --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
        --log-file="$T/valgrind" -q "$BUILD/gyre" --single "$T/conf.d" >"$LOG" 2>&1 </dev/null &
    PID=$!
    STARTED+=("$PID")
    if await 60 text "$LOG" 'ready in'; then
        serves valgrind
        stop
        same "valgrind: no error, no leak" 0 "$STATUS"
        [ "$STATUS" -eq 0 ] || head -n 40 "$T/valgrind"
    else
        fail "valgrind: it starts" "$(tail -n 3 "$LOG" "$T/valgrind")"
    fi
fi
