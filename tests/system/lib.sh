# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# lib.sh - what every system test uses; sourced first, by bash.
#
# Owns: the temp folder $T with conf.d, plugins and run, and every process that start began; all of
# it goes when the test ends. Prints "ok NAME: what" or "FAIL NAME: what: why" for each check.
# Nothing here sleeps: it waits for a line in a log, the end of a process, or an answer.
set -u
NAME=$(basename "$0" .sh)
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
TOP=$PWD
BUILD=$(cd "${BUILD:-build}" && pwd) || exit 2
export -n BUILD # a make that a test runs is on its own
unset MAKEFLAGS MAKELEVEL MFLAGS
PATIENCE=${PATIENCE:-1} # multiplies all limits of time
T=$(mktemp -d "${TMPDIR:-/tmp}/gyre-$NAME.XXXXXX") || exit 2
umask 022
mkdir "$T/conf.d" "$T/plugins" "$T/run"
FAILED=0
PID=       # of the server that runs
STARTED=() # every process to be gone at the end
RUN_BY=()
LOG=$T/log
# Only the released build is measured and installed; one with sanitizers is larger and slower.
RELEASED=$([ "$BUILD" = "$TOP/build" ] && echo yes)

clean_up() {
    local pid
    for pid in "${STARTED[@]}"; do
        [ -d "/proc/$pid" ] || continue
        kill -TERM "$pid" 2>/dev/null
        await 10 end "$pid" || kill -KILL "$pid" 2>/dev/null
    done
    wait 2>/dev/null
    if grep -aqE 'Sanitizer|runtime error:' "$LOG" 2>/dev/null; then
        fail "the sanitizer is content" "$(grep -aE -A 12 -m 1 'Sanitizer|runtime error:' "$LOG")"
    fi
    rm -rf "$T"
}
# The last command of a test: removes what it made and says whether it passed.
trap 'clean_up; exit $FAILED' EXIT
trap 'FAILED=1; exit 1' INT TERM
trap : PIPE # a peer that has gone is a finding, not the end of the test

await() { "$BUILD/tests/await" $(($1 * PATIENCE)) "${@:2}" >/dev/null; }
timeout() { command timeout $(($1 * PATIENCE)) "${@:2}"; }

# ---- saying what was found ----

ok() { echo "ok $NAME: $1"; }
fail() { # fail WHAT [WHY]
    local why=${2:-}
    why=${why:0:900}
    echo "FAIL $NAME: $1${why:+: ${why//$'\n'/ | }}"
    FAILED=1
}
skip() { echo "skip $NAME: $1"; }

# same WHAT WANTED GOT
same() {
    if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "wanted '$2', got '$3'"; fi
}
# like WHAT PATTERN TEXT: the text has a line that matches the extended regular expression
like() {
    if grep -Eq -- "$2" <<<"$3"; then ok "$1"; else fail "$1" "no '$2' in '${3:0:600}'"; fi
}
unlike() {
    if grep -Eq -- "$2" <<<"$3"; then fail "$1" "'$2' in '${3:0:600}'"; else ok "$1"; fi
}
# holds WHAT COMMAND …: the command succeeds
holds() {
    local what=$1 said
    shift
    if said=$("$@" 2>&1); then ok "$what"; else fail "$what" "${said:-$*}"; fi
}
# within SECONDS COMMAND …: until it succeeds. Each try asks the server something first, and so
# lets it run: a try is a round trip, not a nap.
within() {
    local until=$((SECONDS + $1 * PATIENCE + 1))
    shift
    while ! "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $until ] || return 1
        [ -z "$PID" ] || ctl status >/dev/null 2>&1
    done
    return 0 # not what the last status said
}

# ---- the server ----

# ports VARIABLE …: a free port for each
ports() {
    local all
    mapfile -t all < <("$BUILD/tests/freeport" $#)
    while [ $# -gt 0 ]; do
        printf -v "$1" %s "${all[-$#]}"
        shift
    done
}
# conf FILE: what stands on standard input becomes that file of the configuration, whole
conf() { cat >"$T/.conf" && mv "$T/.conf" "$T/conf.d/$1"; }
# plugins NAME …: these are in the plugin folder
plugins() {
    local name
    for name; do plugin_put "$BUILD/plugins/$name.so" "$name.so"; done
}
# tell FILE [FLAG …]: the test plugin, compiled so, is in the plugin folder under that file name
tell() {
    local file=$1
    shift
    cc -std=c17 -O1 -Wall -Wextra -Werror -Isdk -fPIC -fvisibility=hidden -shared "$@" \
        -o "$T/tell.so" tests/plugins/tell.c || { fail "tell.c compiles"; exit 1; }
    plugin_put "$T/tell.so" "$file"
}
# plugin_put FROM FILE: in place at one stroke, as installers should
plugin_put() { cp "$1" "$T/plugins/.$2.new" && mv "$T/plugins/.$2.new" "$T/plugins/$2"; }
# server [LINE …]: the [server] section with these lines. RING=epoll in the environment makes every
# test one of that kernel.
server() {
    [ -z "${RING:-}" ] || [[ "$*" == *"ring ="* ]] || set -- "$@" "ring = $RING"
    [[ "$*" == *drain_time* ]] || set -- "$@" "drain_time = 4s"
    conf 10-server.ini < <(printf '%s\n' '[server]' "plugins = $T/plugins" "run = $T/run" "$@")
}
# start [ARGUMENT …]: runs gyre, by way of the command in RUN_BY, on the configuration and waits until
# it serves
start() {
    [ -e "$T/conf.d/10-server.ini" ] || server
    : >"$LOG"
    "${RUN_BY[@]}" "$BUILD/gyre" "$@" "$T/conf.d" >>"$LOG" 2>&1 </dev/null &
    PID=$!
    STARTED+=("$PID")
    if await 20 text "$LOG" 'ready in'; then return 0; fi
    fail "the server starts" "$(tail -n 5 "$LOG")"
    exit 1
}
# stop [SIGNAL]: ends the server; its exit status is in STATUS
stop() {
    kill "-${1:-INT}" "$PID"
    if ! await 15 end "$PID"; then
        fail "the server stops" "still there after 15 s: $(tail -n 3 "$LOG")"
        kill -KILL "$PID"
    fi
    wait "$PID" 2>/dev/null
    STATUS=$?
    PID=
}
ctl() { timeout 10 "$BUILD/gyrectl" --run "$T/run" "$@"; }
log_says() { await "${3:-5}" text "$LOG" "$1" "${2:-1}"; }
# alive: the server and every service it had, and no crash in the log
alive() {
    kill -0 "$PID" 2>/dev/null && ! grep -Eiq 'crash|killed by|signal 6|signal 11' "$LOG"
}
# service NAME: the process of that service, "" when there is none; of two generations the newer
service() {
    local pid argv found=
    for pid in $(services); do
        mapfile -d '' argv <"/proc/$pid/cmdline"
        [ "${argv[2]:-}" != "$1" ] || found=$pid
    done 2>/dev/null
    echo "$found"
}
# The processes of the services, one a line, in order of age.
services() { tr ' ' '\n' <"/proc/$PID/task/$PID/children" | sed '/^$/d'; }

# generation NAME: of the newest process of that service that is ready; 0: none is
generation() {
    ctl status | awk -v name="$1" '$1 == name && $2 == "ready" && $3 > n { n = $3 }
        END { print n + 0 }'
}
newer() { [ "$(generation "$1")" -gt "$2" ]; } # newer NAME N

# ---- clients ----

# talk PORT TEXT: sends it, ends, and prints all that comes back
talk() { printf '%b' "$2" | timeout 10 nc -N -w $((8 * PATIENCE)) 127.0.0.1 "$1"; }
# dial VARIABLE PORT: a connection as a descriptor of this shell
dial() {
    local opened_here
    exec {opened_here}<>"/dev/tcp/127.0.0.1/$2" || return 1
    printf -v "$1" %s "$opened_here"
}
# line FD: the next line from it, without its end; fails after 5 s
line() {
    local text
    IFS= read -r -t $((5 * PATIENCE)) -u "$1" text || return 1
    printf '%s' "${text%$'\r'}"
}
# asks FD LINE: the line that answers it
asks() { printf '%s\n' "$2" >&"$1" && line "$1"; }
# datagram FD: the next one, whole; fails after 5 s
datagram() { timeout 5 dd bs=65536 count=1 status=none <&"$1"; }
# ended FD: what was left came, and then the end, within 8 s
ended() {
    local status
    timeout 8 cat <&"$1" >"$T/left" 2>/dev/null
    status=$?
    [ $status -ne 124 ]
}
# hang_up FD
hang_up() {
    local fd=$1
    exec {fd}>&-
}
