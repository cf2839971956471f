# SPDX-License-Identifier: GPL-3.0-or-later
# tests/fuzz/lib.sh - the targets: their programs, inputs and lengths. Sourced, at the root.

FUZZ_BUILD=${FUZZ_BUILD:-build/fuzz}

# A plugin that has datagrams is two targets: name and name-udp.
fuzz_targets() {
    local file
    for file in plugins/*/; do
        file=${file#plugins/}
        echo "${file%/}"
    done
    echo echo-udp daytime-udp dns-udp
    echo bytes edit endpoint ini metadata message serve process words box wide
}

# set_target NAME: sets program, corpus (folders that are there), length, options, is_plugin.
set_target() {
    local folder
    program=${1%-udp} corpus=() length=128 options=() is_plugin=
    [ ! -d "plugins/$program" ] || is_plugin=yes
    export FUZZ_DATAGRAMS=
    if [ "$program" = "$1" ]; then unset FUZZ_DATAGRAMS; fi
    for folder in "plugins/$1/corpus" "tests/fuzz/corpus/$1"; do
        [ ! -d "$folder" ] || corpus+=("$folder")
    done
    case $1 in
    chat) length=256 ;;
    edit | http | ini | metadata | serve) length=1024 ;;
    process | message | dns*) length=512 ;;
    box) length=400 ;;
    endpoint) length=160 ;;
    esac
    [ ! -f "tests/fuzz/dict/$program" ] || options+=("-dict=tests/fuzz/dict/$program")
    case $1 in serve | process) options+=(-close_fd_mask=2) ;; esac
}

# The command that gives one file to the target that is set, for people to type.
again() {
    echo "${FUZZ_DATAGRAMS+FUZZ_DATAGRAMS= }$FUZZ_BUILD/targets/$program $1"
}
