#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Oversized, truncated, binary and slow input to every plugin: the stream ends, memory is bounded,
# and the next client is served as if nothing had been.
. "$(dirname "$0")/lib.sh"
ports echo discard daytime finger chat http dns
mkdir "$T/www" "$T/people"
echo front >"$T/www/index.html"
echo "Ann works here" >"$T/people/ann.txt"
plugins echo discard daytime finger chat http dns
server "workers = 2"
limits="idle_time = 2s
message_time = 1s"
conf 30.ini <<END
[echo]
listen = tcp:localhost:$echo
listen = udp:localhost:$echo
$limits
[discard]
listen = tcp:localhost:$discard
listen = udp:localhost:$discard
$limits
[daytime]
listen = tcp:localhost:$daytime
listen = udp:localhost:$daytime
$limits
[finger]
listen = tcp:localhost:$finger
users = $T/people
$limits
[chat]
listen = tcp:localhost:$chat
$limits
[http]
listen = tcp:localhost:$http
root = $T/www
$limits
[dns]
listen = udp:localhost:$dns
listen = tcp:localhost:$dns
zones = $TOP/plugins/dns/zones
zone = example.test
$limits
END
start
all_plugins="echo discard daytime finger chat http dns"
before=$(services)

# Private memory of all services, in KiB.
memory() {
    local pid sum=0
    for pid in $(services); do
        sum=$((sum + $(awk '/^Private_/ { n += $2 } END { print n }' "/proc/$pid/smaps_rollup")))
    done
    echo $sum
}
# One good client of each plugin.
good() {
    case $1 in
    echo) [ "$(talk "$echo" 'x\n')" = x ] ;;
    discard) talk "$discard" 'x\n' ;;
    daytime) talk "$daytime" '' | grep -q ':' ;;
    finger) talk "$finger" 'ann\r\n' | grep -q 'Ann works here' ;;
    chat)
        dial seat "$chat" && line "$seat" >/dev/null
        hang_up "$seat"
        ;;
    http) [ "$(curl -sS --max-time 10 "http://127.0.0.1:$http/")" = front ] ;;
    dns) dig @127.0.0.1 -p "$dns" +short +tries=1 +time=5 www.example.test A | grep -q '^[0-9]' ;;
    esac
}
for plugin in $all_plugins; do holds "$plugin: a good client is served" good "$plugin"; done

head -c 4000000 /dev/zero >"$T/zeroes"
head -c 4000000 /dev/urandom >"$T/noise"
awk 'BEGIN { for (i = 0; i < 4000000; i++) printf "a" }' >"$T/endless"
printf 'GET / HTTP/1.1\r\nHost: x\r\nX-Cut: off' >"$T/cut"
inputs="zeroes noise endless cut"
start_kib=$(memory)
most_kib=0
for plugin in $all_plugins; do
    for input in $inputs; do
        # What the server sends back is read and dropped; it may end the stream at any byte.
        timeout 15 nc -N -w 10 127.0.0.1 "${!plugin}" <"$T/$input" >/dev/null 2>&1
        [ $? -ne 124 ] || fail "$plugin: $input: the stream ends" "not within 15 s"
    done
    now_kib=$(memory)
    [ "$now_kib" -le "$most_kib" ] || most_kib=$now_kib
    holds "$plugin: a good client after bad ones" good "$plugin"
done

# Twenty clients that send much and read nothing: echo has to stop reading, not to swell.
seats=() senders=()
for i in {1..20}; do
    dial seat "$echo"
    seats+=("$seat")
    timeout 1 cat "$T/noise" >&"$seat" &
    senders+=($!)
done 2>/dev/null
wait "${senders[@]}"
now_kib=$(memory)
[ "$now_kib" -le "$most_kib" ] || most_kib=$now_kib
for seat in "${seats[@]}"; do hang_up "$seat"; done
grown=$((most_kib - start_kib))
if [ -z "$RELEASED" ]; then skip "memory of a build with sanitizers"
elif [ $grown -le 65536 ]; then ok "memory is bounded"
else fail "memory is bounded" "it grew by $grown KiB, from $start_kib"; fi

# Datagrams of every length up to the longest, with noise in them.
for plugin in echo discard daytime dns; do
    for size in 0 1 11 12 13 64 511 512 513 1400 9000 65000 65507; do
        head -c $size "$T/noise" | timeout 5 nc -u -N -w 0 127.0.0.1 "${!plugin}" >/dev/null 2>&1
        head -c $size "$T/noise" >"$T/one"
        cat "$T/one" 2>/dev/null >"/dev/udp/127.0.0.1/${!plugin}"
    done
    holds "$plugin: a good client after bad datagrams" good "$plugin"
done

# A client that sends half a message and waits is let go; so is one that says nothing.
for plugin in finger chat http dns; do
    dial half "${!plugin}"
    printf 'G\0' >&"$half"
    dial mute "${!plugin}"
    holds "$plugin: half a message is not waited for" ended "$half"
    holds "$plugin: a silent client is let go" ended "$mute"
    hang_up "$half"
    hang_up "$mute"
done
for plugin in $all_plugins; do holds "$plugin: a good client at the end" good "$plugin"; done
same "no service died" "$before" "$(services)"
holds "nothing crashed" alive
stop
same "it stops with 0" 0 "$STATUS"
