#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Changes that are more than another value: a zone file, the last section of a plugin, a port that
# somebody has, a service that is down, and a plugin that --check cannot start.
. "$(dirname "$0")/lib.sh"
ports dns a b taken
plugins echo dns
tell tell.so
plugin_put "$BUILD/tests/plugins/hostile.so" hostile.so
server "workers = 2" "drain_time = 1s"
mkdir "$T/zones"
zone() { # zone ADDRESS: of www, by way of a file that takes the old one's place
    printf '$TTL 60\n@ SOA ns root 1 2 3 4 5\n@ NS ns\nns A 10.0.0.1\nwww A %s\n' "$1" \
        >"$T/zones/new"
    mv "$T/zones/new" "$T/zones/example.test.zone"
}
zone 10.0.0.7
conf 20-dns.ini <<END
[dns]
listen = udp:127.0.0.1:$dns
zones = $T/zones
zone = example.test
END
conf 30-echo.ini <<<"[echo]
listen = tcp:127.0.0.1:$a"
conf 40-tell.ini <<<"[tell]
listen = tcp:127.0.0.1:$b
greeting = first"
start
www() { dig +short +time=2 +tries=1 -p "$dns" @127.0.0.1 www.example.test A; }
tells() { [ "$(talk "$b" 'greeting\n')" = "$1" ]; }

# Files that a section has loaded.
same "the zone as it was" 10.0.0.7 "$(www)"
first=$(service dns)
zone 10.0.0.8
holds "a reload" ctl reload
changed() { [ "$(www)" = "$1" ]; }
holds "sees that a zone has changed" within 3 changed 10.0.0.8
holds "and says so" log_says '[dns] its files changed: they are served now'
zone 10.0.0.256
holds "with a zone that is wrong" ctl reload
holds "it is said" log_says "'10.0.0.256': an IPv4 address is needed"
same "and the one before is served" 10.0.0.8 "$(www)"
zone 10.0.0.9
holds "put right" ctl reload
holds "it is served" within 3 changed 10.0.0.9
same "by the same process" "$first" "$(service dns)"

# The last section of a plugin goes, and its process with it.
gone=$(service echo)
dial fd "$a"
rm "$T/conf.d/30-echo.ini"
holds "the last section of a plugin" ctl reload
holds "its connections end" ended "$fd"
hang_up "$fd"
holds "and its process" await 5 end "$gone"
unlike "status has forgotten it" '^echo' "$(ctl status)"
same "the others go on" 10.0.0.9 "$(www)"

# A port that somebody has, of a section that serves elsewhere, and of one that does not.
nc -lk 127.0.0.1 "$taken" >/dev/null </dev/null &
holder=$!
STARTED+=("$holder")
listens() { : <"/dev/tcp/127.0.0.1/$taken"; }
within 5 listens 2>/dev/null || fail "nc holds the port"
conf 40-tell.ini <<<"[tell]
listen = tcp:127.0.0.1:$b
listen = tcp:127.0.0.1:$taken
greeting = second"
if ctl reload >"$T/said" 2>&1; then fail "what serves is not given up for a port that is taken"
else ok "what serves is not given up for a port that is taken"; fi
like "who has it is said" "cannot listen on tcp:127.0.0.1:$taken: taken by" "$(cat "$T/said")"
holds "nothing was changed" tells first
conf 40-tell.ini <<<"[tell]
listen = tcp:127.0.0.1:$b
greeting = third"
conf 50-echo.ini <<<"[echo]
listen = tcp:127.0.0.1:$taken"
: >"$LOG"
holds "a section that would serve nowhere else waits for the port" ctl reload
holds "the rest of the change is made" tells third
like "status shows what it waits for" "$taken.*taken|taken" "$(ctl status)"
sed -i s/third/fourth/ "$T/conf.d/40-tell.ini"
holds "another reload" ctl reload
holds "is made" tells fourth
same "the port was told once" 1 "$(grep -c "cannot listen on tcp:127.0.0.1:$taken" "$LOG")"
kill $holder
await 5 end $holder
wait $holder 2>/dev/null
served() { [ "$(talk "$taken" 'x\n')" = x ]; }
holds "it comes free, and is served" within 6 served

# A service that is down while something else changes stays as it is, and is not started twice.
conf 60.ini <<<"[hostile]
listen = tcp:127.0.0.1:$a
load = leaves_0"
ctl reload >/dev/null
holds "a service that never stands up" log_says 'service hostile/2 ended'
sed -i s/fourth/fifth/ "$T/conf.d/40-tell.ini"
holds "does not keep others from a change" ctl reload
holds "which is made" tells fifth

timeout 20 "$BUILD/gyre" --check "$T/conf.d" >"$T/said" 2>&1
same "--check of a plugin whose on_load ends the process is 1" 1 $?
like "and names it" 'hostile' "$(cat "$T/said")"
stop
same "it stops with 0" 0 "$STATUS"
