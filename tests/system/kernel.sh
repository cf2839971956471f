#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Where io_uring is refused, epoll serves: one warning for the whole server, and status names it.
. "$(dirname "$0")/lib.sh"
RING= # this test says itself which
ports a b c
plugins echo chat http
mkdir "$T/www"
echo front >"$T/www/index.html"
conf 30.ini <<END
[echo]
listen = tcp:localhost:$a
listen = udp:localhost:$a
[http]
listen = tcp:localhost:$b
root = $T/www
[chat]
listen = unix:$T/chat.sock
END
refused() { RUN_BY=("$BUILD/tests/no_uring" "$1"); }
serves() { # serves WHO KERNEL
    local said
    same "$1: echo" hello "$(talk "$a" 'hello\n')"
    same "$1: http" front "$(curl -sS --max-time 20 "http://127.0.0.1:$b/")"
    like "$1: a unix socket" ann "$(printf '/nick ann\n' | timeout 10 nc -NU -w 8 "$T/chat.sock")"
    exec {udp}<>"/dev/udp/127.0.0.1/$a"
    printf 'datagram\n' >&"$udp"
    same "$1: datagrams" datagram "$(datagram "$udp")"
    hang_up "$udp"
    said=$(ctl status)
    same "$1: status names the kernel of every service" 3 \
        "$(grep -Ec "^(echo|http|chat) .* $2\$" <<<"$said")"
}
warnings() { grep -c ' warn .*io_uring' "$LOG"; }

server "workers = 2"
start
serves allowed io_uring
same "allowed: no warning" 0 "$(warnings)"
like "allowed: status names the server's" ' 2 workers on io_uring,' "$(ctl status)"
unlike "allowed: nothing is missing" '^missing: io_uring' "$(ctl status)"
server "workers = 2" "ring = epoll"
holds "another kernel: reload" ctl reload
serves "another kernel" epoll
server "workers = 2"
holds "and back: reload" ctl reload
serves "and back" io_uring
stop
same "it stops with 0" 0 "$STATUS"

refused 0
start
serves refused epoll
same "refused: one warning" 1 "$(warnings)"
like "refused: with the reason and the remedy" \
    'warn +supervisor: epoll serves in place of io_uring: .*not permitted.*seccomp profile' \
    "$(<"$LOG")"
like "refused: status names the server's" ' 2 workers on epoll,' "$(ctl status)"
like "refused: status says what is missing" '^missing: io_uring is refused' "$(ctl status)"
server "workers = 2" "log_level = debug"
holds "refused: reload" ctl reload
same "refused: a reload does not say it again" 1 "$(warnings)"
server "workers = 2" "ring = io_uring"
said=$(ctl reload 2>&1)
same "asked for: a reload says no" 1 $?
like "asked for: and why" '10-server.ini:5: ring = io_uring: io_uring is refused' "$said"
serves "asked for: as before" epoll
stop
said=$("${RUN_BY[@]}" "$BUILD/gyre" "$T/conf.d" 2>&1 </dev/null)
same "asked for at the start: it ends" 1 $?
like "asked for at the start: with the reason" \
    '10-server.ini:5: ring = io_uring: io_uring is refused' "$said"
server "workers = 2" "ring = epoll"
start
same "epoll asked for: no warning" 0 "$(warnings)"
stop

server "workers = 2"
start --single
serves single epoll
same "single: one warning" 1 "$(warnings)"
stop

refused 1 # the supervisor may; its services may not
start
serves "refused in services" epoll
same "refused in services: each says it once" 3 "$(warnings)"
stop
same "refused in services: it stops with 0" 0 "$STATUS"
server "workers = 2" "ring = io_uring"
: >"$LOG"
"${RUN_BY[@]}" "$BUILD/gyre" "$T/conf.d" >>"$LOG" 2>&1 </dev/null &
PID=$!
STARTED+=("$PID")
holds "asked for, refused in services: the log says why" log_says 'io_uring is refused'
stop
