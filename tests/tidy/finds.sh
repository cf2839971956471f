#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Each rule of tools/tidy finds what it is there to find, and leaves alone what only looks like it.
set -u
cd "$(dirname "$0")/../.." || exit 2
T=$(mktemp -d) || exit 2
trap 'rm -rf "$T"' EXIT
failed=0
gpl="/* SPDX-License-Identifier: GPL-3.0-or-later"

# tree: a small checkout with nothing wrong. Then a test breaks it, and looks.
tree() {
    rm -rf "$T/tree"
    mkdir -p "$T"/tree/{server,plugins/p,sdk,tools/bench,tests,.ci}
    printf '%s\n * a.c - a room.\n */\nint a;\n' "$gpl" >"$T/tree/server/a.c"
    printf '%s\n * p.c - a plugin.\n */\nint p;\n' "$gpl" >"$T/tree/plugins/p/p.c"
    echo "server: a.c" >"$T/tree/README.md"
}
result() { # result WHAT STATUS
    if [ "$2" -eq 0 ]; then echo "ok $1"; return; fi
    echo "FAIL $1: $(tr '\n' '|' <"$T/out" | cut -c1-300)"
    failed=1
}
# finds RULE WHAT: the tree as it is now breaks that rule
finds() {
    if tools/tidy "$T/tree" >"$T/out" 2>&1; then result "finds $2" 1
    else
        grep -q "^FAIL [^ ]*: $1: " "$T/out"
        result "finds $2" $?
    fi
}
passes() {
    tools/tidy "$T/tree" >"$T/out" 2>&1
    result "passes $1" $?
}
server() { tree && printf '%s\n' "$@" >>"$T/tree/server/a.c"; }
plugin() { tree && printf '%s\n' "$@" >>"$T/tree/plugins/p/p.c"; }
lines() { awk -v n="$1" 'BEGIN { while (n-- > 0) print "int x" n ";" }'; }
hundred=$(printf 'x%.0s' {1..95})

tree
passes "a clean tree"
tree && echo "int x;" >"$T/tree/server/b.c"
finds head "a file without a licence"
tree && printf '%s\n * b.c - a room.\n */\n' "$gpl" >"$T/tree/sdk/b.h"
finds head "the wrong licence in sdk/"
tree && printf '%s\n * other.c - a room.\n */\n' "$gpl" >"$T/tree/server/a.c"
finds head "a head with another name"
tree && printf '#!/bin/sh\necho\n' >"$T/tree/tools/x"
finds head "a script without a licence"

tree && lines 500 >>"$T/tree/server/a.c"
finds length "a file of 504 lines"
tree && lines 496 >>"$T/tree/server/a.c"
passes "a file of 500 lines"
server "void f(void)" "{" "$(lines 71)" "}"
finds function "a function of 71 lines"
server "void f(void)" "{" "$(lines 70)" "}"
passes "a function of 70 lines"

server "int $hundred;x"
finds columns "101 columns"
server "int $hundred;"
passes "100 columns"
server "/* $(printf '…%.0s' {1..90}) */"
passes "96 columns of wide characters"
server "int	x;"
finds space "a tab"
server "int x; "
finds space "a space at the end"
server "/* TO""DO: later */"
finds leftover "a leftover"
server 'char t[] = "/tmp/a.XXX''XXX";'
passes "a template of mkstemp"

for call in strcpy strcat sprintf vsprintf gets atoi alloca strtok; do
    server "int y = $call(a);"
    finds "banned call" "$call"
done
server "int y = snprintf(a); x->gets(y); my_atoi(2); /* strcpy(a) */ char *s = \"strcat(b)\";"
passes "calls that only look like banned ones"
server "/* it's" "strcpy(a);" "*/"
passes "a call in a comment over lines"
server "/* it's */ strcpy(a);"
finds "banned call" "a call behind a comment with an apostrophe"

for call in malloc free realloc strdup asprintf mmap dlopen pthread_mutex_lock sem_wait fork \
    execve posix_spawn system kill signal exit abort assert socket connect recv sendto \
    getaddrinfo poll open openat read write close stat fopen printf puts getenv usleep time \
    clock_gettime random strncpy strtoul sscanf; do
    plugin "void *y = $call(1);"
    finds "plugin call" "$call in a plugin"
done
plugin "int y = gyre->write(a, b) + file->open(a) + table.send(a) + gyre->random(p, 4);"
passes "calls of the host in a plugin"

server "#include <liburing.h>"
finds include "liburing.h outside ring.c"
server "#include <dlfcn.h>"
finds include "dlfcn.h outside plugin.c"
server "#include <ini.h>"
finds include "ini.h outside ini.c"
tree && printf '%s\n * t.c - a test.\n */\nint x = usleep(1);\n' "$gpl" >"$T/tree/tests/t.c"
finds sleep "a test that sleeps"
tree && printf '#!/bin/sh\n# SPDX-License-Identifier: GPL-3.0-or-later\n# A test.\nsle''ep 1\n' \
    >"$T/tree/tests/t.sh"
finds sleep "a script that sleeps"
tree && echo "nothing" >"$T/tree/README.md"
finds readme "a room that the README does not name"
mkdir "$T/empty"
tools/tidy "$T/empty" >"$T/out" 2>&1
[ $? -eq 1 ]
result "fails without sources" $?
exit $failed
