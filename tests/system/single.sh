#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# --single: everything in one process, for debuggers and valgrind (tests/sanitizers/valgrind.sh).
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
start --single
same "there is one process" "" "$(services)"
same "echo" hello "$(talk "$a" 'hello\n')"
same "http" front "$(curl -sS --max-time 20 "http://127.0.0.1:$b/")"
dial chat "$c"
printf '/nick ann\nhi\n' >&"$chat"
like "chat" 'ann' "$(line "$chat"; echo; line "$chat"; echo; line "$chat")"
hang_up "$chat"
exec {udp}<>"/dev/udp/127.0.0.1/$a"
printf 'datagram\n' >&"$udp"
same "datagrams" datagram "$(datagram "$udp")"
hang_up "$udp"
stop
same "it stops with 0" 0 "$STATUS"
