#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# echo over TCP and UDP, IPv4 and IPv6: what goes in comes out, whole and in order.
. "$(dirname "$0")/lib.sh"
ports port
plugins echo
server "workers = 2"
conf 30-echo.ini <<END
[echo]
listen = tcp:localhost:$port
listen = udp:localhost:$port
END
start

same "one line comes back" "hello" "$(talk "$port" 'hello\n')"

head -c 3000000 /dev/urandom >"$T/sent"
timeout 20 nc -N -w 15 127.0.0.1 "$port" <"$T/sent" >"$T/came"
same "3 MB of noise come back as they were" "$(sha256sum <"$T/sent")" "$(sha256sum <"$T/came")"

dial a "$port"
dial b "$port"
printf 'one\n' >&"$a"
printf 'two\n' >&"$b"
same "the second connection has its own bytes" two "$(line "$b")"
same "and so has the first" one "$(line "$a")"
hang_up "$a"
printf 'three\n' >&"$b"
same "one that ends does not end the other" three "$(line "$b")"
hang_up "$b"

exec {udp}<>"/dev/udp/127.0.0.1/$port"
printf 'datagram\n' >&"$udp"
same "a datagram comes back" datagram "$(datagram "$udp")"
for i in 1 2 3 4 5; do printf 'n%s\n' $i >&"$udp"; done
same "five come back" "n1 n2 n3 n4 n5" \
    "$(for i in 1 2 3 4 5; do datagram "$udp"; done | sort | tr '\n' ' ' | sed 's/ $//')"
hang_up "$udp"

if exec {six}<>"/dev/tcp/::1/$port"; then
    printf 'six\n' >&"$six"
    same "IPv6 too" six "$(line "$six")"
    hang_up "$six"
    exec {six}<>"/dev/udp/::1/$port"
    printf 'six\n' >&"$six"
    same "IPv6 datagrams too" six "$(datagram "$six")"
    hang_up "$six"
else
    skip "this machine has no IPv6"
fi 2>/dev/null

stop
same "it stops with 0" 0 "$STATUS"
