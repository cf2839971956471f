#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The headers of the SDK compile in every language and with every compiler that a plugin may use,
# each alone and without a warning; and what must not compile does not.
set -u
cd "$(dirname "$0")/../.." || exit 2
T=$(mktemp -d) || exit 2
trap 'rm -rf "$T"' EXIT
strict="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
failed=0

say() { # say NAME STATUS: what the compiler wrote stands in $T/out
    if [ "$2" -eq 0 ]; then echo "ok $1"; return; fi
    echo "FAIL $1: $(head -n 3 "$T/out" | tr '\n' ' ')"
    failed=1
}

# compile COMPILER STANDARD LANGUAGE SOURCE
compile() {
    # shellcheck disable=SC2086 # a list of words
    "$1" -std="$2" -x "$3" $strict -Isdk -c -o "$T/out.o" "$4" >"$T/out" 2>&1
}

# A header alone, then twice: it brings what it needs, and can be included again.
for header in sdk/*.h sdk/services/*.h; do
    name=${header#sdk/}
    printf '#include "%s"\n#include "%s"\n' "$name" "$name" >"$T/one.c"
    for row in "gcc c11 c" "gcc c17 c" "g++ c++17 c++" "clang c11 c" "clang c17 c" \
        "clang++ c++17 c++"; do
        read -r compiler standard language <<<"$row"
        command -v "$compiler" >/dev/null || { echo "FAIL $compiler: not installed"; exit 1; }
        compile "$compiler" "$standard" "$language" "$T/one.c"
        say "$name with $compiler as $standard" $?
    done
done

# A whole plugin, with every kind of option, and the services. C++ sets members by name since C++20.
cat >"$T/plugin.c" <<'C'
#include "gyre.h"
#include "services/bus.h"
#include "services/file.h"
#include "services/shared.h"
#include "services/work.h"

struct try_conf {
    int64_t flag, count, size, wait, pick;
    gyre_view text, path, secret;
    struct gyre_list many;
};
static const struct gyre_option options[] = {
    GYRE_OPT_BOOL(try_conf, flag, "yes", "A flag"),
    GYRE_OPT_INT(try_conf, count, "1", "1..9", "A count"),
    GYRE_OPT_SIZE(try_conf, size, "1k", "1k..1m", "A size"),
    GYRE_OPT_TIME(try_conf, wait, "5s", "1s..1m", "A time"),
    GYRE_OPT_CHOICE(try_conf, pick, "off", "off|on", "A choice"),
    GYRE_OPT_TEXT(try_conf, text, "hello", "A text"),
    GYRE_OPT_PATH(try_conf, path, NULL, "A path"),
    GYRE_OPT_SECRET(try_conf, secret, "A secret"),
    GYRE_OPT_LIST(try_conf, many, "A list"),
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static enum gyre_step on_data(struct gyre_actor *a, gyre_view *in)
{
    gyre_view line;
    if (!gyre_line(in, &line)) return GYRE_MORE;
    gyre->write(a, line);
    return GYRE_TOOK;
}

static const struct gyre_proto proto = {GYRE_PROTO, .message_max = 512, .on_data = on_data};

GYRE_PLUGIN(.conf_size = sizeof(struct try_conf), .name = "try", .version = "1.0",
            .summary = "Every kind of option", .stream = &proto, .options = options);
C
for row in "gcc c11" "gcc c17" "clang c11" "clang c17"; do
    read -r compiler standard <<<"$row"
    # A row of zeroes for the members that are not named is what the SDK asks for.
    strict="$strict -Wno-missing-field-initializers" compile "$compiler" "$standard" c "$T/plugin.c"
    say "a plugin with $compiler as $standard" $?
done
strict="-Wall -Wextra -Werror -Wno-missing-field-initializers"
for compiler in g++ clang++; do
    compile "$compiler" c++20 c++ "$T/plugin.c"
    say "a plugin with $compiler as c++20" $?
    nm --extern-only --defined-only "$T/out.o" | grep -q ' gyre_plugin_v1$' >"$T/out"
    say "a plugin with $compiler exports its descriptor" $?
done

# refuse NAME BODY: that does not compile.
refuse() {
    printf '#include "gyre.h"\nstruct c { int64_t n; gyre_view v; };\n%s\n' "$2" >"$T/bad.c"
    : >"$T/out"
    if compile gcc c17 c "$T/bad.c" || compile clang c17 c "$T/bad.c"; then
        echo "it compiled" >"$T/out"
        say "$1" 1
    else say "$1" 0; fi
}
strict="-Wall -Wextra -Werror -Wno-unused-function -Wno-unused-const-variable"
printf '#include "gyre.h"\nvoid f(gyre_view v); void f(gyre_view v) { (void)gyre_all(&v); }\n' \
    >"$T/good.c"
compile gcc c17 c "$T/good.c" && compile clang c17 c "$T/good.c"
say "what follows is refused for its mistake alone" $?
refuse "a number option on a text field is refused" \
    'static const struct gyre_option o[] = {GYRE_OPT_INT(c, v, "1", "1..9", "x"), {0}};'
refuse "a text option on a number field is refused" \
    'static const struct gyre_option o[] = {GYRE_OPT_TEXT(c, n, "1", "x"), {0}};'
refuse "a builder over a pointer is refused" \
    'void f(uint8_t *p); void f(uint8_t *p) { gyre_out o = GYRE_OUT(p); (void)o; }'
refuse "a literal that is none is refused" \
    'void f(const char *p); void f(const char *p) { gyre_view v = GYRE_LIT(p); (void)v; }'
refuse "a forgotten result is refused" \
    'void f(gyre_view v); void f(gyre_view v) { gyre_view l; gyre_line(&v, &l); }'
exit $failed
