# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# four.sh - echo, http, dns and chat with something to serve; sourced behind lib.sh, once the ports
# $echo, $http, $dns and $chat and the folders $T/www and $T/zones are there.

page() { # page LETTER: another file in the place of the one that is served
    printf "%5000s" '' | tr ' ' "$1" >"$T/www/.new"
    mv "$T/www/.new" "$T/www/same.txt"
}
zone() { # zone LAST: the address's last part
    printf '$TTL 60\n@ SOA ns root 1 2 3 4 5\n@ NS ns\nns A 10.0.0.1\nwww A 10.0.0.%s\n' "$1" \
        >"$T/zones/new"
    mv "$T/zones/new" "$T/zones/example.test.zone"
}
four() { # four OPTION-LINE: every section has it
    conf 20.ini <<END
[echo]
listen = tcp:127.0.0.1:$echo
listen = udp:127.0.0.1:$echo
$1
[http]
listen = tcp:127.0.0.1:$http
root = $T/www
$1
[dns]
listen = udp:127.0.0.1:$dns
listen = tcp:127.0.0.1:$dns
zones = $T/zones
zone = example.test
$1
[chat]
listen = tcp:127.0.0.1:$chat
$1
END
}
