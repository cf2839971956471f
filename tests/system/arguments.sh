#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What gyre says to arguments that are wrong, and where it and gyrectl look for a server when nobody
# tells them.
. "$(dirname "$0")/lib.sh"
# says WHAT STATUS PATTERN ARGUMENT …: in a shell of its own, with no descriptors but 0, 1 and 2
says() {
    local what=$1 status=$2 pattern=$3 said got
    shift 3
    said=$(timeout 10 "$BUILD/gyre" "$@" 3<&- 4<&- 2>&1)
    got=$?
    same "$what: status" "$status" "$got"
    like "$what" "$pattern" "$said"
}
says "no configuration" 2 'which configuration\?'
says "an option that is none" 2 'unknown option' --nonsense "$T/conf.d"
says "two configurations" 2 'one configuration' "$T/conf.d" "$T/conf.d"
says "--check of two" 2 'one configuration' --check "$T/conf.d" "$T/conf.d"
says "--single of none" 2 'one configuration' --single
says "--help" 0 'gyre --check CONF' --help
says "-h" 0 'gyrectl talks to a server' -h
says "--version" 0 '^gyre [0-9]+\.[0-9]+' --version
says "--describe without a file" 2 'unknown option' --describe
for wrong in "" "echo 1" "echo x 1" "echo 1 0" "echo 1 65" "echo 1 1"; do
    # shellcheck disable=SC2086 # words
    says "--service ${wrong:-alone}" 2 'is for the supervisor' --service $wrong
done
same "without standard descriptors" "gyre" \
    "$("$BUILD/gyre" --version 2>&1 <&- | cut -d ' ' -f 1)"
"$BUILD/gyre" --version >&- 2>&- <&-
ok "and without any of them it ends"

# A program outside of a build tree: as root /run/gyre, else the user's own folder.
mkdir "$T/bin"
cp "$BUILD/gyrectl" "$T/bin/"
looks() { # looks UID VARIABLES …: where gyrectl looks
    local uid=$1
    shift
    env -u XDG_RUNTIME_DIR "$@" setpriv --reuid="$uid" --clear-groups "$T/bin/gyrectl" status 2>&1
}
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    chmod 755 "$T" "$T/bin"
    like "root: /run/gyre" '/run/gyre/control' "$(looks 0 A=b)"
    like "a user: XDG_RUNTIME_DIR" "$T/user/gyre/control" \
        "$(looks 65534 XDG_RUNTIME_DIR="$T/user")"
    like "one that is no absolute path is passed over" '/tmp/gyre-65534/control' \
        "$(looks 65534 XDG_RUNTIME_DIR=user)"
    like "a user without one: /tmp" '/tmp/gyre-65534/control' "$(looks 65534 A=b)"
    mkdir "$T/bin/plugins"
    like "beside plugins, but not ours to write: the same" '/tmp/gyre-65534/control' \
        "$(looks 65534 A=b)"
    like "ours: beside the program" "$T/bin/run/control" "$(looks 0 A=b)"
else skip "only root can be another user"; fi

# What keeps it from beginning.
plugins echo
server
mkdir "$T/shared"
chmod 777 "$T/shared"
conf 10-server.ini <<END
[server]
plugins = $T/plugins
run = $T/shared
END
says "a run folder that others can write" 1 'writable by nobody else' "$T/conf.d"
conf 10-server.ini <<END
[server]
plugins = $T/plugins
run = /$(printf '%0120d' 0)
END
says "a run folder whose path is too long for a socket" 1 'set a shorter run' "$T/conf.d"
conf 10-server.ini <<END
[server]
plugins = $T/none
run = $T/run
END
says "a plugin folder that is not there" 0 'plugin folder .*none cannot be read' \
    --check "$T/conf.d"
TMPDIR=/nowhere says "--check needs a folder of its own, and has it in /tmp" 0 'sections ok' \
    --check "$T/conf.d"
server
ports port
conf 30.ini <<END
[echo]
listen = tcp:localhost:$port
END
start
says "a second server in the same run folder" 1 'another gyre runs with this run folder' \
    "$T/conf.d"
holds "leaves the first alone" ctl status
stop
same "it stops with 0" 0 "$STATUS"
