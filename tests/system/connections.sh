#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# gyrectl connections and kill: who is connected, in which section; one of them is ended, and the
# others do not notice.
. "$(dirname "$0")/lib.sh"
ports a b
plugins echo http
server "workers = 2"
mkdir "$T/www"
conf 30.ini <<END
[echo]
listen = tcp:localhost:$a
listen = unix:$T/echo.sock
[http blog]
listen = tcp:localhost:$b
root = $T/www
END
start
same "nobody is there" "no connections" "$(ctl connections)"
dial one "$a"
dial two "$a"
dial web "$b"
same "one is served" hi "$(asks "$one" hi)"
same "two is served" ho "$(asks "$two" ho)"
printf 'GET /none HTTP/1.1\r\nHost: x\r\n\r\n' >&"$web"
like "http is served" '404' "$(line "$web")"

said=$(ctl connections)
same "all are shown" 4 "$(wc -l <<<"$said")"
like "a row: id, section, peer" "^echo/1-[01]-[0-9]+-[0-9a-f]+ +echo +127\.0\.0\.1:[0-9]+ " "$said"
like "endpoint, age, idle, queued, state" \
    " tcp:127\.0\.0\.1:$a +[0-9]+ m?s +[0-9]+ m?s +0 B +reading$" "$said"
like "another section" "^http/1-.* http blog +127\.0\.0\.1:[0-9]+ +tcp:127\.0\.0\.1:$b" "$said"
said=$(ctl connections echo)
same "of one section" 3 "$(wc -l <<<"$said")"
same "by a name of two words" 2 "$(ctl connections 'http blog' | wc -l)"
ctl connections nonsense >"$T/said" 2>&1
same "of one that there is not: 1" 1 $?
like "and it is said" 'no such section' "$(<"$T/said")"
like "as JSON" '"more": false, "silent": \[\]' "$(ctl --json connections)"

mkfifo "$T/in"
nc -U "$T/echo.sock" <"$T/in" >"$T/out" &
STARTED+=($!)
exec {local}>"$T/in"
echo here >&"$local"
holds "one of a unix socket" await 5 text "$T/out" here
like "has no address" "^echo/.* echo +- +unix:$T/echo.sock " "$(ctl connections echo)"
hang_up "$local"

ids=($(ctl connections echo | awk '$3 ~ /^127/ { print $1 }'))
same "two ids" 2 ${#ids[@]}
first=$(ctl connections | awk -v id="${ids[0]}" '$1 == id { print $3 }')
said=$(ctl kill "${ids[0]}")
same "kill says whose it was" "ended: $first, of [echo]" "$said"
ctl kill "${ids[0]}" >"$T/said" 2>&1
same "one that is gone: 1" 1 $?
like "and it is said" 'no such connection' "$(<"$T/said")"
# One of the two has ended; the other is served on.
left=0
for fd in "$one" "$two"; do
    if [ "$(asks "$fd" still 2>/dev/null)" = still ]; then left=$((left + 1))
    else holds "its connection ends" ended "$fd"; fi
done
same "the other goes on" 1 "$left"
for wrong in echo echo/1 echo/1-0-0 "echo/1-0-0-" echo/1-0-0-fffffffff echo/1-99-0-1 \
    nobody/1-0-0-1 echo/9-0-0-1 echo/1-0-4294967295-1; do
    ctl kill "$wrong" >"$T/said" 2>&1
    same "kill $wrong: 1" 1 $?
done

# More than a message holds, and more of them than one message.
ctl set echo streams_max=2000 >/dev/null
many=()
for ((i = 0; i < 300; i++)); do
    dial fd "$a" && many+=("$fd")
done
all_there() { [ "$(ctl connections echo --all | grep -c '^echo/')" -ge 301 ]; }
holds "300 more: all are shown, each of them once" within 5 all_there
same "no id is another's" "" "$(ctl connections --all echo | awk '{ print $1 }' | sort | uniq -d)"

# A service that does not answer is passed over, and named; the others are shown.
kill -STOP "$(service echo)"
said=$(ctl connections 2>"$T/said")
same "a silent service: 1" 1 $?
like "it is named" 'service echo does not answer' "$(<"$T/said")"
like "the others are shown" '^http/' "$said"
kill -CONT "$(service echo)"
holds "nothing was killed for it" alive
stop
same "it stops with 0" 0 "$STATUS"
