#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Ctrl-C drains: what is under way is finished, idle connections end, and the status is 0. SIGTERM
# and gyrectl stop do the same; a second Ctrl-C does not wait.
. "$(dirname "$0")/lib.sh"
ports port other
mkdir "$T/www"
head -c 8000000 /dev/urandom >"$T/www/big.bin"
plugins http echo
server "workers = 2"
conf 30.ini <<END
[http]
listen = tcp:localhost:$port
root = $T/www
[echo]
listen = tcp:localhost:$other
END
gone() { ! : <"/dev/tcp/127.0.0.1/$other"; }

start
# A download that nobody reads for now: the server has most of it still to send.
dial slow "$port"
printf 'GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n' >&"$slow"
same "the download has begun" "HTTP/1.1 200 OK" "$(line "$slow")"
dial idle "$other"
printf 'x\n' >&"$idle"
same "an idle connection" x "$(line "$idle")"
before=$(services)
kill -INT "$PID"
holds "nobody new is let in" within 5 gone 2>/dev/null
sed -u '/^\r$/q' <&"$slow" >/dev/null
timeout 20 cat <&"$slow" >"$T/big"
tail -c 7000000 "$T/www/big.bin" >"$T/want"
tail -c 7000000 "$T/big" >"$T/have"
holds "the download is finished" cmp "$T/want" "$T/have"
holds "the idle connection ends" ended "$idle"
holds "the server ends" await 15 end "$PID"
wait "$PID"
same "with 0" 0 $?
PID=
for pid in $before; do [ ! -d "/proc/$pid" ] || fail "a service is left behind: $pid"; done
holds "the control socket is gone" test ! -e "$T/run/control"

for how in "kill -TERM" "ctl stop"; do
    start
    if [ "$how" = "ctl stop" ]; then holds "gyrectl stop" ctl stop; else kill -TERM "$PID"; fi
    holds "$how: it ends" await 15 end "$PID"
    wait "$PID"
    same "$how: with 0" 0 $?
    PID=
done

start
dial stuck "$port"
printf 'GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n' >&"$stuck"
line "$stuck" >/dev/null
kill -INT "$PID"
within 5 gone 2>/dev/null
kill -INT "$PID"
holds "a second Ctrl-C does not wait" await 5 end "$PID"
wait "$PID" 2>/dev/null
PID=
