#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# README's "first plugin in five minutes", command for command, in a copy of the tree; only its port
# numbers are others, because those of the README may be in use here.
. "$(dirname "$0")/lib.sh"
[ -n "$RELEASED" ] || { skip "the README is about the released build"; exit 0; }
mkdir "$T/tree"
tar -c --exclude=./build --exclude=./.git . | tar -x -C "$T/tree"
cd "$T/tree" || exit 2
# What is built is up to date: `make` in the block has nothing left to do.
mkdir build
cp -a "$BUILD/." build/
rm -rf build/run build/asan build/tsan

block=$(awk '
    /^## / { here = /five minutes/ }
    here && /^```/ { if (open) exit; open = 1; next }
    open' README.md)
count=$(grep -c '^\$ ' <<<"$block")
if [ "$count" -lt 5 ]; then fail "the README has the block" "$count commands"; exit 1; fi

ports http dns chat echo hello
swap="s/:8080/:$http/g; s/:5300/:$dns/g; s/:6000/:$chat/g; s/:7000/:$echo/g; s/\b7100\b/$hello/g"
sed -i "$swap" conf.d/*.ini
tool=$T/tree/build/gyrectl

# Each "$ command" is run by one shell, in order; the lines below it are what it must print.
n=0
run_command() { # run_command COMMAND EXPECTED
    local said status
    n=$((n + 1))
    case $1 in
    *'&')
        eval "${1%&} >$LOG 2>&1 </dev/null &"
        PID=$!
        STARTED+=("$PID")
        holds "$n: $1" await 30 text "$LOG" 'ready in'
        return
        ;;
    esac
    said=$(eval "$1" 2>&1 </dev/null)
    status=$?
    if [ $status -eq 0 ]; then ok "$n: $1"; else fail "$n: $1" "status $status: $said"; fi
    [ -z "$2" ] || holds "$n: prints $2" grep -qxF -- "$2" <(tr -d '\r' <<<"$said")
}
command='' expected=''
while IFS= read -r text; do
    case $text in
    '$ '*)
        [ -z "$command" ] || run_command "$command" "$expected"
        command=$(sed "$swap" <<<"${text#'$ '}") expected=''
        ;;
    ?*) expected=$text ;;
    esac
done <<<"$block"
run_command "$command" "$expected"

[ -n "$PID" ] && holds "the server still answers" "$tool" status
[ -z "$PID" ] || {
    kill -INT "$PID"
    holds "and ends" await 15 end "$PID"
    wait "$PID"
    same "with 0" 0 $?
    PID=
}
