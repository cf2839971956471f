#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Changes by gyrectl while connections are open: an open connection keeps the configuration that it
# began with, new ones get the new, and what is not of the change is not touched: processes,
# sockets, streams, counters.
. "$(dirname "$0")/lib.sh"
ports a b c d e
plugins http chat echo
mkdir "$T/one" "$T/two"
echo one >"$T/one/index.html"
echo two >"$T/two/index.html"
server "workers = 2" "drain_time = 20s"
conf 20-http.ini <<END
[http]
listen = tcp:localhost:$a
root = $T/one
; So that the process may read this folder: another one needs a new process (sandbox.sh).
[http spare]
listen = unix:$T/spare.sock
root = $T/two
END
conf 30.ini <<END
[chat]
listen = tcp:localhost:$b
[echo]
listen = tcp:localhost:$c
END
start

# asks FD [FIELD]: one request on a connection that stays; prints its status and body
asks() {
    local fd=$1 text status length=0 body
    printf 'GET / HTTP/1.1\r\nHost: x\r\n%s\r\n' "${2:+$2$'\r\n'}" >&"$fd" || return 1
    status=$(line "$fd") || return 1
    while text=$(line "$fd") && [ -n "$text" ]; do
        [[ ${text,,} != content-length:* ]] || length=${text##*: }
    done
    IFS= read -r -t $((5 * PATIENCE)) -N "$length" -u "$fd" body
    body=${body%%$'\n'*}
    printf '%s %s' "${status:9:3}" "${body:0:3}"
}
fresh() { # fresh [FIELD]: the same on a new connection
    local fd
    dial fd "$a" || return 1
    asks "$fd" "$@"
    hang_up "$fd"
}
dial old "$a"
same "the first request of a connection" "200 one" "$(asks "$old")"
dial chat "$b"
line "$chat" >"$T/said"
dial echo "$c"
echo x >&"$echo"
line "$echo" >"$T/said"
http=$(service http)

# What status says of a section and its service, but for what time alone changes.
kept="name|generation|pid|state|restarts|service|why|endpoint|open|problem|streams|streams_total"
kept+="|messages|bytes_in|bytes_out|max|hits"
state_of() {
    ctl --json status | tr -d '\n' | sed 's/{"name"/\n&/g' | grep -E "^\{\"name\": \"($1)\"" |
        grep -oE "\"($kept)\": [^],}]*" |
        paste -sd' '
}
sockets() { find "/proc/$PID/fd" -lname 'socket:*' -printf '%l\n' | sort; }
untouched=$(state_of 'chat|echo')
pids="$(service chat) $(service echo)"
like "status tells of the open streams" '"streams": 1 ' "$untouched"
alone() { [ "$(service http)" = "$http" ]; } # one that has tried the change leaves at once
still() { # still WHAT: the others are as they were, and so is the process of http
    same "$1: chat and echo are not touched" "$untouched" "$(state_of 'chat|echo')"
    same "$1: nor their processes" "$pids" "$(service chat) $(service echo)"
    holds "$1: the process of http is the same" within 3 alone
}

holds "a root is set" ctl set http "root=$T/two"
same "an open connection keeps the one it began with" "200 one" "$(asks "$old")"
same "a new one gets the new" "200 two" "$(fresh)"
still "a root"

field="X-Filler: $(printf '%03000d' 0)"
same "a long request" "200 two" "$(fresh "$field")"
dial middle "$a"
same "on a connection" "200 two" "$(asks "$middle" "$field")"
holds "a limit is set" ctl set http message_max=2k
same "an open connection keeps the limit" "200 two" "$(asks "$middle" "$field")"
same "a new one has the new" "431" "$(fresh "$field" | cut -c1-3)"
same "and is served within it" "200 two" "$(fresh)"
same "the oldest keeps everything" "200 one" "$(asks "$old" "$field")"
still "a limit"

before=$(sockets)
holds "an endpoint is added" ctl add http "listen=tcp:localhost:$d"
same "it is served" two "$(curl -s --max-time 5 "http://localhost:$d/")"
same "sockets that there were are there" "" "$(comm -23 <(echo "$before") <(sockets))"
dial by_new "$d"
same "a connection by it" "200 two" "$(asks "$by_new")"
holds "and it is removed" ctl remove http "listen=tcp:localhost:$d"
refused() { ! dial nobody "$d" 2>/dev/null; }
holds "nobody listens there" within 3 refused
same "who came by it is served on" "200 two" "$(asks "$by_new")"
same "there are the sockets that there were" "$before" "$(sockets)"
still "an endpoint"

holds "a section is added" ctl add 'http two' "listen=tcp:localhost:$e" "root=$T/one"
same "it is served" one "$(curl -s --max-time 5 "http://localhost:$e/")"
dial leaves "$e"
same "a connection of it" "200 one" "$(asks "$leaves")"
holds "and removed" ctl remove 'http two'
holds "its idle connection ends" ended "$leaves"
gone() { ! dial nobody "$e" 2>/dev/null; }
holds "nobody listens there" within 3 gone
still "a section"

holds "undo brings it back" ctl undo
same "it is served" one "$(curl -s --max-time 5 "http://localhost:$e/")"
holds "undo takes it away again" ctl undo
still "undo"

same "the oldest connection is there, with all it began with" "200 one" "$(asks "$old")"
same "one that began in between has its own" "200 two" "$(asks "$middle" "$field")"
printf '/nick ann\n' >&"$chat"
holds "the chat goes on" timeout 5 grep -q -m 1 'now ann' <&"$chat"
echo y >&"$echo"
same "and the echo" y "$(line "$echo")"
like "one crew was touched by each change" 'services touched: 1$' "$(grep 'changed in' "$LOG")"
unlike "and never two" 'services touched: [2-9]' "$(cat "$LOG")"
holds "nothing crashed" alive
stop TERM
same "it stops with 0" 0 "$STATUS"
