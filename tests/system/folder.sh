#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The plugin folder and one configuration file, watched: what is a plugin file and what is none, two
# files of one plugin, a folder that comes later, and changes that mean nothing.
. "$(dirname "$0")/lib.sh"
ports a b
plugins echo
tell tell.so
# One file, without a folder in its name: beside it others may change.
all() { # all LINE …: the configuration, whole and at one stroke
    printf '%s\n' "[server]" "plugins = $T/plugins" "run = $T/run" "drain_time = 1s" \
        "[echo]" "listen = tcp:localhost:$a" "[tell]" "listen = tcp:localhost:$b" "$@" >"$T/new"
    mv "$T/new" "$T/conf.d/all.conf"
}
all "greeting = first"
(cd "$T/conf.d" && exec "$BUILD/gyre" all.conf) >>"$LOG" 2>&1 </dev/null &
PID=$!
STARTED+=("$PID")
holds "one file is a configuration" log_says 'ready in ' 1 20
tells() {
    local fd status
    dial fd "$b" 2>/dev/null || return 1
    asks "$fd" "$1"
    status=$?
    hang_up "$fd"
    return $status
}
greets() { [ "$(tells greeting)" = "$1" ]; }
code_is() { [ "$(tells code)" = "$1" ]; }
holds "it serves" greets first
all "greeting = second"
holds "a change of the file is seen" within 3 greets second
mkdir "$T/conf.d/more.ini"
echo 'nonsense' >"$T/conf.d/other.ini"
holds "what lies beside it is none of it" ctl reload
holds "and changes nothing" greets second

# What is in the folder and no plugin file.
printf 'x' >"$T/plugins/.hidden.so"
printf 'x' >"$T/plugins/notes.txt"
printf 'x' >"$T/plugins/so"
mkdir "$T/plugins/folder.so"
ln -s "$T/nowhere" "$T/plugins/dangling.so"
cp "$BUILD/plugins/discard.so" "$T/plugins/a name.so"
said() { ctl plugins | grep -q "$1"; }
holds "a name with a space is said" within 3 said 'name with characters other than letters'
holds "so is a folder with such a name" said 'folder.so'
holds "and a link that leads nowhere" said 'dangling.so *cannot be read: No such file'
unlike "other files are passed over" 'hidden|notes' "$(ctl plugins)"

# Two files of one plugin: the first stays; when it goes, the other takes its place.
tell second.so -DCODE='"two"'
holds "two files of one plugin: said" within 3 said 'is plugin tell, and so is tell.so: remove one'
holds "the first serves on" code_is one
rm "$T/plugins/tell.so"
holds "it is removed, and the other takes its place" within 3 code_is two
tell odd.so -DNAME='"Odd Name"'
holds "a plugin whose name is none" within 3 said "has the name 'Odd Name'"
count=$(grep -c 'odd.so' "$LOG")
touch "$T/plugins/odd.so"
holds "touched: it is looked at again" ctl reload
same "but not told again" "$count" "$(grep -c 'odd.so' "$LOG")"
first=$(service tell)
touch "$T/plugins/second.so"
holds "the same bytes again" ctl reload
same "are no new plugin" "$first" "$(service tell)"

# A plugin that never finishes loading holds up nobody who serves.
tell slow.so -DLOAD_WAITS -DNAME='"slow"'
same "meanwhile the others serve" two "$(tells code)"
holds "it is given up" log_says 'slow.so does not finish loading' 1 10

# The folder goes, and comes back.
mv "$T/plugins" "$T/away"
holds "without the folder" ctl reload
holds "it is said" log_says 'cannot be read'
same "what runs goes on" two "$(tells code)"
ctl reload >/dev/null
same "said once" 1 "$(grep -c 'plugin folder .* cannot be read' "$LOG")"
mkdir "$T/plugins"
cp "$T/away/echo.so" "$T/away/second.so" "$T/plugins/"
holds "with the folder again" ctl reload
tell second.so -DCODE='"three"'
holds "it is watched again" within 3 code_is three
holds "nothing crashed" alive
stop
same "it stops with 0" 0 "$STATUS"
