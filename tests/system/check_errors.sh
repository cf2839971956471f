#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# gyre --check lists every mistake of a configuration, each with file and line, and exits 1; a
# server that runs keeps what it has when it is asked to take such a configuration.
. "$(dirname "$0")/lib.sh"
ports port other
plugins echo http
tell tell.so
server
check() { timeout 20 "$BUILD/gyre" --check "$T/conf.d" 2>&1; }

conf 30-good.ini <<END
[echo]
listen = tcp:localhost:$port
[tell]
listen = tcp:localhost:$other
greeting = good
END
said=$(check)
same "a good configuration is 0" 0 $?
unlike "and has no error in it" 'error|did you mean' "$said"

conf 30-good.ini <<END
[echo]
listen = tcp:localhost:$port
idle_tme = 5m
[tell]
listen = tcp:localhost
number = 11
greting = x
[http]
listen = tcp:localhost:$other
root = $T/none
END
conf 40-bad.ini <<END
stray = 1
[echo again]
listen = tcp:localhost:99999
idle_time = soon
nonsense
[tell]
[server]
wrkers = 2
END
said=$(check)
same "mistakes are 1" 1 $?
like "an unknown key, with the nearest" '30-good.ini:3: .*idle_tme.*did you mean .?idle_time' \
    "$said"
like "an endpoint without a port" '30-good.ini:5: .*(port|tcp:HOST:PORT)' "$said"
like "a number out of its range" '30-good.ini:6: .*1\.\.10|30-good.ini:6: .*1 (to|and) 10' "$said"
like "an unknown key of the plugin" '30-good.ini:7: .*did you mean .?greeting' "$said"
like "a folder that is not there" "(30-good.ini:(8|10)|http).*$T/none" "$said"
like "a key before any section" '40-bad.ini:1: ' "$said"
like "a port that is none" '40-bad.ini:3: .*99999' "$said"
like "a time that is none" '40-bad.ini:4: .*soon' "$said"
like "a line that is nothing" '40-bad.ini:5: ' "$said"
like "a section that was there before" '40-bad.ini:6: .*30-good.ini:4' "$said"
rm "$T/conf.d/10-server.ini"
printf '[server]\nplugins = %s\nrun = %s\nwrkers = 2\n' "$T/plugins" "$T/run" \
    >"$T/conf.d/10-server.ini"
sed -i '/^\[server\]/,$d' "$T/conf.d/40-bad.ini"
like "an unknown key of the server" '10-server.ini:4: .*did you mean .?workers' "$(check)"
server

timeout 20 "$BUILD/gyre" --check "$T/nowhere" >"$T/said" 2>&1
same "a folder that is not there is 1" 1 $?
like "and is named" "$T/nowhere" "$(cat "$T/said")"

# A section whose plugin is missing waits; that is no error.
rm "$T/conf.d/40-bad.ini"
conf 30-good.ini <<END
[tell]
listen = tcp:localhost:$other
greeting = good
[tel]
listen = tcp:localhost:$port
END
said=$(check)
same "a section without its plugin is no error" 0 $?
like "but a warning with the nearest name" '30-good.ini:4: .*tel.*tell' "$said"

# A file that others can write.
conf 50-open.ini <<<'[echo]'
chmod 666 "$T/conf.d/50-open.ini"
said=$(check)
same "a file that others can write is 1" 1 $?
like "and is named" '50-open.ini.*writ' "$said"
rm "$T/conf.d/50-open.ini"

start
dial old "$other"
printf 'greeting\n' >&"$old"
same "it serves" good "$(line "$old")"
before=$(services)
conf 30-good.ini <<END
[tell]
listen = tcp:localhost:$other
greeting = changed
number = 99
END
said=$(ctl reload 2>&1)
same "reload refuses it with 1" 1 $?
like "and says where" '30-good.ini:4: ' "$said"
printf 'greeting\n' >&"$old"
same "what was open goes on" good "$(line "$old")"
dial new "$other"
printf 'greeting\n' >&"$new"
same "and so does the configuration" good "$(line "$new")"
same "no service was started or ended" "$before" "$(services)"
sed -i 's/99/9/' "$T/conf.d/30-good.ini"
holds "put right, it is taken" ctl reload
dial new "$other"
printf 'greeting\n' >&"$new"
same "new connections see it" changed "$(line "$new")"
holds "nothing crashed" alive
stop
same "it stops with 0" 0 "$STATUS"
