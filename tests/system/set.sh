#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# gyrectl set, add, remove and get: the file is edited as a person would, and the change is in force
# when gyrectl returns.
. "$(dirname "$0")/lib.sh"
ports a b c
plugins echo http
tell tell.so
mkdir "$T/one" "$T/two"
echo one >"$T/one/index.html"
echo two >"$T/two/index.html"
server "workers = 2"
conf 20-http.ini <<END
; The site.
[http]
listen = tcp:localhost:$a   ; for all
root   = $T/one
;index = start.html

[http two]
listen = unix:$T/two.sock
root = \${T}/two
END
conf 30.ini <<END
[echo]
listen = tcp:localhost:$b
group = small

[tell]
listen = tcp:localhost:$c
greeting = hi
group = small
END
export T
start

get() { curl -s --max-time 5 "http://localhost:$a/"; }
lines() { cat "$T/conf.d/$1"; }
refused() { # refused WHAT STATUS PATTERN COMMAND …: and nothing is changed
    local what=$1 wanted=$2 pattern=$3 before status
    shift 3
    before=$(cat "$T"/conf.d/*.ini)
    ctl "$@" >"$T/said" 2>&1
    status=$?
    same "$what: refused" "$wanted" $status
    like "$what: why" "$pattern" "$(cat "$T/said")"
    same "$what: the files are as they were" "$before" "$(cat "$T"/conf.d/*.ini)"
}

# ---- set ----

before=$(lines 20-http.ini)
said=$(ctl set http "root=$T/two")
same "a root is set" 0 $?
like "gyrectl says where" '20-http.ini:4' "$said"
same "it is in force" two "$(get)"
same "one line differs" "$(sed "4s|one|two|" <<<"$before")" "$(lines 20-http.ini)"
holds "a key that was commented out" ctl set http index=start.html
same "goes below" "$(sed -n 5,6p "$T/conf.d/20-http.ini")" ';index = start.html
index  = start.html'
holds "set to the same" ctl set http index=start.html
like "changes nothing" 'it is so already' "$(ctl set http index=start.html)"
holds "several keys at once" ctl set http index=index.html "streams_max=100" "idle_time=1m"
same "are in the file" 3 "$(grep -cE '^(index  = index.html|streams_max = 100|idle_time = 1m)$' \
    "$T/conf.d/20-http.ini")"
like "and in force" 'streams_max +100 ' "$(ctl status)"
same "another section is as it was" "$(sed -n '/two\]/,$p' <<<"$before")" \
    "$(sed -n '/two\]/,$p' "$T/conf.d/20-http.ini")"
holds "a section of two words" ctl set 'http  two' "index=index.html"
same "is found" "index = index.html" "$(tail -n 1 "$T/conf.d/20-http.ini")"
like "its variable is kept" 'root = \$\{T\}/two' "$(lines 20-http.ini)"
holds "a value with blanks" ctl set tell 'greeting=hello  "you" \ x'
same "is served as it is" 'hello  "you" \ x' "$(talk "$c" 'greeting\n')"

# ---- get ----

same "get a key" "$T/two" "$(ctl get http root)"
same "get a preset" off "$(ctl get http two server 2>/dev/null || echo off)"
like "get a section" "^listen = tcp:localhost:$a +; 20-http.ini:3" "$(ctl get http)"
like "its presets" '; preset' "$(ctl get http)"
like "as JSON" '"section": \{"name": "http"' "$(ctl --json get http root)"
refused "get: an unknown section" 1 "did you mean \[http\]" get htp
refused "get: an unknown key" 1 "did you mean 'root'" get http rot

# ---- lists ----

ports d e
holds "an entry is added to a list" ctl add echo "listen=tcp:localhost:$d"
same "and is served" x "$(talk "$d" 'x\n')"
same "below the last" "listen = tcp:localhost:$d" "$(sed -n 3p "$T/conf.d/30.ini")"
holds "at the front" ctl add echo --first "listen=tcp:localhost:$e"
same "it stands there" "listen = tcp:localhost:$e" "$(sed -n 2p "$T/conf.d/30.ini")"
holds "taken away" ctl remove echo "listen=tcp:localhost:$e"
holds "before another" ctl add echo "listen=tcp:localhost:$e" --before "tcp:localhost:$d"
same "it stands there" "listen = tcp:localhost:$e" "$(sed -n 3p "$T/conf.d/30.ini")"
holds "set gives a list these values alone" ctl set echo "listen=tcp:localhost:$b"
same "the others are gone" 1 "$(sed -n '/echo/,/tell/p' "$T/conf.d/30.ini" | grep -c '^listen')"
closed() { ! talk "$d" 'x\n' >/dev/null 2>&1; }
holds "and not served" within 3 closed

# ---- sections ----

holds "a new section beside others of its plugin" ctl add 'tell more' "listen=unix:$T/more.sock" \
    greeting=more
like "serves" 'tell more +serving' "$(ctl status)"
same "stands in their file" "[tell more]" "$(grep -F '[tell more]' "$T/conf.d/30.ini")"
holds "another one" ctl add 'echo more' "listen=tcp:localhost:$d"
holds "a new section of a new plugin" plugins discard
found() { ctl plugins | grep -q '^discard'; }
holds "which is dropped in" within 3 found
holds "is added" ctl add discard "listen=tcp:localhost:$e"
same "in a file of its own" "[discard]
listen = tcp:localhost:$e" "$(lines 20-discard.ini)"
same "for those who may read the others" 644 "$(stat -c %a "$T/conf.d/20-discard.ini")"
like "and serves" 'discard +serving' "$(ctl status)"
dial fd "$d"
echo x >&"$fd"
same "it serves" x "$(line "$fd")"
holds "a section is removed" ctl remove 'echo more'
unlike "it is not in its file" 'echo more' "$(lines 30.ini)"
holds "its connections drain" ended "$fd"
hang_up "$fd"
unlike "status has forgotten it" 'echo more' "$(ctl status)"
like "but not its neighbour" 'tell more +serving' "$(ctl status)"
holds "a key is removed" ctl remove http streams_max idle_time
like "and its preset is in force" 'streams_max +65536 ' "$(ctl status)"

# ---- wrong words ----

refused "an unknown key" 1 \
    "20-http.ini:[0-9]+: unknown key 'rot' in \[http\], did you mean 'root'" set http rot=/x
refused "a value that is none" 1 "30.ini:[0-9]+: .*streams_max" set echo streams_max=many
refused "an unknown section" 1 "no section \[htp\], did you mean \[http\]" set htp root=/x
refused "a plugin that is not there" 1 "no plugin ehco .*did you mean echo" add ehco
refused "a section that is there" 1 "\[echo\] is there already" add echo
refused "a name that is none" 1 "is named like its plugin" add 'Echo'
refused "an entry that is not there" 1 "no value of 'listen'" remove echo listen=tcp:localhost:1
refused "a key that is not there" 1 "no key 'grop' in \[echo\], did you mean 'group'" \
    remove echo grop
refused "a value that no file can hold" 1 "begins a comment" set tell 'greeting=a ;b'
refused "a control character" 1 "control characters" set tell $'greeting=a\nb'
refused "a key given twice" 1 "given twice" add tell greeting=again
refused "the same endpoint twice" 1 "listen" add tell "listen=tcp:localhost:$b"
refused "before what is not there" 1 "no value of 'listen'" add echo listen=unix:/x --before y
refused "no pair" 2 "is no KEY=VALUE" set http blog root=/x
refused "no key" 2 "wrong arguments" set http
refused "a place, but not for add" 2 "is no KEY=VALUE" set http --first root=/x
refused "a command with a slip" 2 "did you mean remove" remov http
refused "on_load says no" 1 "\[http\]" set http "root=$T/nowhere"
same "the server goes on" two "$(get)"

# ---- formats of files ----

windows=$'\xef\xbb\xbf; \xc3\xa9\r\n[tell win]\r\nlisten=unix:'
windows+=$T/win.sock$'\r\ngreeting=a\r\n  b\r\n;c\r\n  d'
printf %s "$windows" >"$T/conf.d/.new" && mv "$T/conf.d/.new" "$T/conf.d/40.ini"
holds "a file with CRLF and no last newline" ctl reload
holds "is changed" ctl set 'tell win' 'streams_max=7'
same "byte for byte" "$windows"$'\r\nstreams_max=7' "$(cat "$T/conf.d/40.ini")"
mkdir "$T/else"
mv "$T/conf.d/40.ini" "$T/else/real.ini"
ln -s ../else/real.ini "$T/conf.d/40.ini"
chmod 640 "$T/else/real.ini"
holds "a file by a link" ctl set 'tell win' 'streams_max=8'
same "the link stays" ../else/real.ini "$(readlink "$T/conf.d/40.ini")"
like "its target is changed" 'streams_max=8' "$(cat "$T/else/real.ini")"
same "with its mode" 640 "$(stat -c %a "$T/else/real.ini")"
holds "nothing is left lying" test -z "$(find "$T" -name '.*.gyre-new')"

holds "nothing crashed" alive
stop
same "it stops with 0" 0 "$STATUS"
