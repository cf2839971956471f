#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# make install: the tree that a package would hold, and a tree in which everything runs.
. "$(dirname "$0")/lib.sh"
[ -n "$RELEASED" ] || { skip "only what is released is installed"; exit 0; }
# into DESTDIR PREFIX GOAL
into() { make --no-print-directory "$3" DESTDIR="$1" PREFIX="$2" >"$T/said" 2>&1 || cat "$T/said"; }

into "$T/package" /usr install
for file in usr/bin/gyre usr/bin/gyrectl usr/bin/gyre-test usr/bin/gyre-new \
    usr/lib/gyre/plugins/http.so usr/include/gyre/gyre.h usr/include/gyre/services/bus.h \
    usr/lib/pkgconfig/gyre.pc usr/lib/systemd/system/gyre.service etc/gyre/conf.d/20-http.ini \
    usr/share/man/man5/gyre.conf.5 usr/share/man/man8/gyre.8 usr/share/man/man8/gyrectl.8 \
    usr/share/gyre/www/index.html usr/share/gyre/zones usr/share/doc/gyre/README.md; do
    holds "a package has /$file" test -e "$T/package/$file"
done
left=$(grep -rlE "$TOP|$T|@[A-Z]+@|\.\./" "$T/package/etc" "$T/package/usr/lib/pkgconfig" \
    "$T/package/usr/lib/systemd")
same "no path of the checkout is in it" "" "$left"
same "nothing in it is writable by others" "" "$(find "$T/package" -perm /022 ! -type l)"
like "the unit starts the installed program" '^ExecStart=/usr/bin/gyre /etc/gyre/conf.d$' \
    "$(cat "$T/package/usr/lib/systemd/system/gyre.service")"
into "$T/package" /usr uninstall
same "uninstall leaves no file" "" "$(find "$T/package" -type f)"

# A prefix of one's own, and everything in it.
into "" "$T/own" install
ports http dns chat echo
sed -i -e "s/:8080/:$http/" -e "s/:5300/:$dns/" -e "s/:6000/:$chat/" -e "s/:7000/:$echo/" \
    "$T"/own/etc/gyre/conf.d/*.ini
printf 'run = %s\n' "$T/run" >>"$T/own/etc/gyre/conf.d/10-server.ini"
holds "the installed configuration is good" "$T/own/bin/gyre" --check "$T/own/etc/gyre/conf.d"
"$T/own/bin/gyre" "$T/own/etc/gyre/conf.d" >"$LOG" 2>&1 </dev/null &
PID=$!
STARTED+=("$PID")
holds "the installed server starts" await 20 text "$LOG" 'ready in'
same "http serves" 200 \
    "$(curl -s -o /dev/null -w '%{http_code}' --max-time 10 "http://127.0.0.1:$http/")"
like "dns serves" '^[0-9]' "$(dig @127.0.0.1 -p "$dns" +short +tries=1 www.example.test A)"
same "echo serves" x "$(talk "$echo" 'x\n')"
dial seat "$chat"
holds "chat serves" line "$seat"
holds "the installed gyrectl finds it" "$T/own/bin/gyrectl" --run "$T/run" status
cd "$T" || exit 2
PKG_CONFIG_PATH=$T/own/lib/pkgconfig holds "the installed gyre-new" "$T/own/bin/gyre-new" hello
holds "builds and tests with what is installed" make -C hello test
holds "pkg-config knows where" test -e \
    "$(PKG_CONFIG_PATH=$T/own/lib/pkgconfig pkg-config --variable=sdkdir gyre)/gyre.h"
same "and which version, as the changelog has it" \
    "$(sed -n 's/^## //p' "$TOP/sdk/CHANGELOG.md" | head -n 1)" \
    "$(PKG_CONFIG_PATH=$T/own/lib/pkgconfig pkg-config --modversion gyre)"
cd "$TOP" || exit 2
echo "; mine" >>"$T/own/etc/gyre/conf.d/20-chat.ini"
stop
same "it stops with 0" 0 "$STATUS"
into "" "$T/own" install
like "install keeps a changed configuration" '; mine' "$(cat "$T/own/etc/gyre/conf.d/20-chat.ini")"
into "" "$T/own" uninstall
like "and so does uninstall" '; mine' "$(cat "$T/own/etc/gyre/conf.d/20-chat.ini")"
holds "the programs are gone" test ! -e "$T/own/bin/gyre"
