#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Descriptors: after a thousand connections of every plugin each process has as many as before.
. "$(dirname "$0")/lib.sh"
ports echo chat http dns
mkdir "$T/www"
echo front >"$T/www/index.html"
plugins echo chat http dns
server "workers = 2"
conf 30.ini <<END
[echo]
listen = tcp:localhost:$echo
[chat]
listen = tcp:localhost:$chat
[http]
listen = tcp:localhost:$http
root = $T/www
[dns]
listen = tcp:localhost:$dns
zones = $TOP/plugins/dns/zones
zone = example.test
END
start
# fds: how many each process has: "pid:n pid:n"
fds() {
    local pid
    for pid in "$PID" $(services); do printf '%s:%s ' "$pid" "$(find "/proc/$pid/fd" | wc -l)"; done
}
back() { [ "$(fds)" = "$before" ]; }
# The first answers of each worker open what is opened once; the kernel chooses the worker.
warm() {
    talk "$echo" 'x\n'
    talk "$http" 'GET / HTTP/1.0\r\n\r\n'
    talk "$chat" '/quit\n'
    dig @127.0.0.1 -p "$dns" +tcp +short www.example.test A
    ctl status
}
for round in {1..12}; do warm >/dev/null; done
before=$(fds)
declare -A words=([echo]='x\n' [chat]='/nick a\n' [dns]='\0\1x'
    [http]='GET / HTTP/1.1\r\nHost: x\r\n\r\n')
for plugin in echo chat http dns; do
    for round in 1 2 3 4 5; do
        seats=()
        for i in {1..200}; do
            dial seat "${!plugin}" || { fail "$plugin: connection $i of round $round"; break; }
            seats+=("$seat")
            # A third sends, a third is silent, a third goes at once.
            case $((i % 3)) in
            0) printf '%b' "${words[$plugin]}" >&"$seat" ;;
            1) hang_up "$seat" && unset 'seats[-1]' ;;
            esac
        done
        for seat in "${seats[@]}"; do hang_up "$seat"; done
    done
    what="$plugin: all descriptors came back after 1000 connections"
    if within 10 back; then ok "$what"; else fail "$what" "$before became $(fds)"; fi
done
holds "nothing crashed" alive
stop
same "it stops with 0" 0 "$STATUS"
