#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The zone example.test, as it is shipped, asked for by dig over UDP and TCP.
. "$(dirname "$0")/lib.sh"
ports port
plugins dns
server "workers = 2"
conf 20-dns.ini <<END
[dns]
listen = udp:localhost:$port
listen = tcp:localhost:$port
zones = $TOP/plugins/dns/zones
zone = example.test
END
start
ask() { dig @127.0.0.1 -p "$port" +tries=1 +time=5 +norecurse "$@" 2>&1; }
short() { ask +short "$@"; }
zone=$(cat plugins/dns/zones/*)

like "SOA" 'example\.test\. ' "$(short example.test SOA)"
like "NS" '\.$' "$(short example.test NS)"
like "A" '^[0-9.]+$' "$(short www.example.test A)"
like "AAAA" ':' "$(short www.example.test AAAA)"
like "MX" '^[0-9]+ .*\.$' "$(short example.test MX)"
like "TXT" '^"' "$(short example.test TXT)"
for type in CNAME SRV; do
    name=$(awk -v type=$type '
        $0 !~ /^;/ { for (i = 2; i < NF; i++) if ($i == type) { print $1; exit } }' <<<"$zone")
    [ -n "$name" ] && same "$type" 1 "$(short "$name.example.test" $type | wc -l)"
done
whole=$(ask www.example.test A)
like "the answer is authoritative" 'flags: qr aa' "$whole"
like "and says NOERROR" 'status: NOERROR' "$whole"
same "names know no case" "$(short www.example.test A)" "$(short WwW.eXample.TEST A)"
over_tcp=$(ask +tcp www.example.test A)
same "the same over TCP" "$(short www.example.test A)" "$(short +tcp www.example.test A)"
like "over TCP really" 'TCP' "$over_tcp"
two=$(ask +tcp +keepopen www.example.test A example.test MX)
same "two questions over one TCP connection" 2 "$(grep -c 'status: NOERROR' <<<"$two")"

none=$(ask none.example.test A)
like "NXDOMAIN for a name that is not there" 'status: NXDOMAIN' "$none"
like "with the SOA" 'AUTHORITY: 1' "$none"
nodata=$(ask www.example.test MX)
like "NODATA for a type that is not there" 'status: NOERROR.*|ANSWER: 0' "$nodata"
like "without an answer" 'ANSWER: 0, AUTHORITY: 1' "$nodata"
like "REFUSED for another zone" 'status: REFUSED' "$(ask elsewhere.invalid A)"
like "NOTIMP or REFUSED for another operation" 'status: (NOTIMP|REFUSED)' \
    "$(ask +opcode=2 example.test)"

# What is no question gets FORMERR or nothing; the next question gets its answer.
for bad in '\x00' '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff' \
    '\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01' \
    '\x12\x34\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\x03www'; do
    printf '%b' "$bad" >"/dev/udp/127.0.0.1/$port"
done
like "it answers on after nonsense" '^[0-9.]+$' "$(short www.example.test A)"
holds "nothing crashed" alive
stop
same "it stops with 0" 0 "$STATUS"
