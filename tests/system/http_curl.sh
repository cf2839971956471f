#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Static files over HTTP/1.1, asked for by curl, and by hand where curl would not.
. "$(dirname "$0")/lib.sh"
ports port
mkdir -p "$T/www/sub" "$T/outside"
printf '<h1>front</h1>\n' >"$T/www/index.html"
printf 'plain text\n' >"$T/www/a.txt"
printf '<p>sub</p>\n' >"$T/www/sub/index.html"
head -c 2500000 /dev/urandom >"$T/www/big.bin"
printf 'secret\n' >"$T/outside/secret"
ln -s ../outside/secret "$T/www/leak"
plugins http
server "workers = 2"
conf 20-http.ini <<END
[http]
listen = tcp:localhost:$port
root = $T/www
END
start
url=http://127.0.0.1:$port
get() { curl -sS --max-time 10 --path-as-is "$@" 2>&1; }
code() { get -o /dev/null -w '%{http_code}' "$@"; }
# header NAME ARGUMENT …: its value in the answer
header() {
    local name=$1
    shift
    get -o /dev/null -D - "$@" | tr -d '\r' | sed -n "s/^$name: //Ip"
}

same "200 for a file" "200" "$(code "$url/a.txt")"
same "its bytes" "plain text" "$(get "$url/a.txt")"
same "the index of a folder" "<h1>front</h1>" "$(get "$url/")"
same "the index of a folder below" "<p>sub</p>" "$(get "$url/sub/")"
like "its length" '^11$' "$(header content-length "$url/a.txt")"
like "its kind" '^text/plain' "$(header content-type "$url/a.txt")"
like "a page is HTML" '^text/html' "$(header content-type "$url/")"
like "a date" 'GMT$' "$(header date "$url/")"
get "$url/big.bin" >"$T/big"
holds "2.5 MB arrive as they are" cmp "$T/big" "$T/www/big.bin"

same "HEAD has the length" "11" "$(header content-length -I "$url/a.txt")"
same "HEAD has no body" "200 0" \
    "$(get -I -o /dev/null -w '%{http_code} %{size_download}' "$url/a.txt")"

same "a range is 206" "206" "$(code -r 6-9 "$url/a.txt")"
same "a range has these bytes" "text" "$(get -r 6-9 "$url/a.txt")"
same "a range says which" "bytes 6-9/11" "$(header content-range -r 6-9 "$url/a.txt")"
same "the last bytes" "text" "$(get -r -5 "$url/a.txt")"
get -r 1000000-1999999 "$url/big.bin" >"$T/part"
holds "a range of a large file" cmp "$T/part" <(tail -c +1000001 "$T/www/big.bin" | head -c 1000000)
same "a range beyond the end is 416" "416" "$(code -r 50-60 "$url/a.txt")"

tag=$(header etag "$url/a.txt")
like "an entity tag" '^(W/)?"[^"]+"$' "$tag"
same "304 for the same tag" "304" "$(code -H "If-None-Match: $tag" "$url/a.txt")"
same "200 for another tag" "200" "$(code -H 'If-None-Match: "other"' "$url/a.txt")"
when=$(header last-modified "$url/a.txt")
same "304 when not modified since" "304" "$(code -H "If-Modified-Since: $when" "$url/a.txt")"
printf 'other text!\n' >"$T/www/.new" && mv "$T/www/.new" "$T/www/a.txt"
changed() { [ "$(get "$url/a.txt")" = "other text!" ]; }
holds "a file that changes is served anew" within 5 changed
unlike "with another tag" "^$tag\$" "$(header etag "$url/a.txt")"

same "404 for what is not there" "404" "$(code "$url/none")"
for path in "/../outside/secret" "/%2e%2e/outside/secret" "/sub/../../outside/secret" "/leak"; do
    unlike "no way out by $path" 'secret|^200$' "$(get -w '\n%{http_code}\n' "$url$path")"
done
same "405 or 501 for what it does not do" "yes" \
    "$(case $(code -X DELETE "$url/a.txt") in 405 | 501) echo yes ;; esac)"

same "one connection for three requests" "1 0 0" \
    "$(get -o /dev/null -o /dev/null -o /dev/null -w '%{num_connects} ' "$url/a.txt" "$url/" \
        "$url/none" | sed 's/ $//')"
three='GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\n'
three+='GET /sub/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
came=$(talk "$port" "$three" | tr -d '\r' | grep -aE '^HTTP/1|other text|<p>sub')
same "pipelined answers keep the order of questions" "200 404 200" \
    "$(sed -n 's/^HTTP\/1.1 \([0-9]*\).*/\1/p' <<<"$came" | tr '\n' ' ' | sed 's/ $//')"
like "and have their bodies" "other text" "$came"

first() { talk "$port" "$1" | head -n 1 | tr -d '\r'; }
like "HTTP/1.0 closes by itself" "200" "$(first 'GET /a.txt HTTP/1.0\r\n\r\n')"
like "400 without Host" " 400 " "$(first 'GET / HTTP/1.1\r\n\r\n')"
like "400 for nonsense" " 400 " "$(first 'nonsense\r\n\r\n')"
both='Content-Length: 1\r\nTransfer-Encoding: chunked\r\n'
like "400 for both lengths" " 400 " "$(first "POST / HTTP/1.1\r\nHost: x\r\n$both\r\n")"
like "505 for a version to come" " 505 " "$(first 'GET / HTTP/7.0\r\nHost: x\r\n\r\n')"
like "431 or 414 for endless headers" " (431|414|400) " \
    "$(first "GET / HTTP/1.1\r\nHost: x\r\nX: $(printf 'a%.0s' {1..70000})\r\n\r\n")"
same "it goes on serving" "200" "$(code "$url/")"
holds "nothing crashed" alive
stop
same "it stops with 0" 0 "$STATUS"
