# SPDX-License-Identifier: GPL-3.0-or-later
# abi_layout.awk - from the headers of the SDK to a C program that prints their layout.
#
# Reads what `cc -E -dD` makes of them (sdk: their folder; attributes defined away). The program
# prints a line for each struct, member, enum, constant, function, type and macro; it asks the
# compiler for every number, and does not compile when a type was read wrongly. What this parser
# does not know (unions, bit fields, structs within structs) becomes an #error.
# Names of parameters are no part of a type, and are left out.

BEGIN {
    string = "\"([^\"\\\\]|\\\\.)*\"|\047([^\047\\\\]|\\\\.)*\047"
    a_token = "[A-Za-z_][A-Za-z_0-9]*|[0-9][0-9A-Za-z]*|" string "|\\.\\.\\.|[^ \t]"
}
/^# [0-9]+ "/ {
    file = $3
    gsub(/"/, "", file)
    ours = index(file, sdk "/") == 1
    next
}
!ours { next }
/^#define / { macro(substr($0, 9)); next }
/^#/ { next }
{
    line = $0
    while (match(line, a_token)) {
        token[++n] = substr(line, RSTART, RLENGTH)
        if (token[n] == "_Bool") token[n] = "bool"
        line = substr(line, RSTART + RLENGTH)
    }
}

# Guards, and names that end in _, are private. A value of capitals and digits is a number.
function macro(text,   name, value) {
    match(text, /^[A-Za-z_0-9]+(\([^)]*\))?/)
    name = substr(text, 1, RLENGTH)
    value = substr(text, RLENGTH + 2)
    if (name ~ /_$|_\(|_H$/ || name == "GYRE_TARGET") return
    if (value ~ /^[-+*|<>() 0-9A-Z_]*[0-9A-Z]/ && value !~ /[a-z{}.;]/ && name !~ /\(/)
        say("NUMBER(" name ")")
    else say("MACRO(" name ")")
}

function say(text) { program = program "    " text ";\n" }
function wrong(text) { program = program "#error " text "\n" }
function is_word(t) { return t ~ /^[A-Za-z_0-9]/ }
function past(i,   depth) { # behind the bracket that closes the one at i
    for (depth = 0; i <= n; i++) {
        if (token[i] ~ /^[({[]$/) depth++
        if (token[i] ~ /^[)}\]]$/ && --depth == 0) return i + 1
    }
    return i
}

# The tokens from a to b as a type, without those that were dropped.
function text(a, b,   s, last, t, i) {
    s = ""
    for (i = a; i <= b; i++) {
        if (dropped[i]) continue
        t = token[i]
        last = substr(s, length(s))
        if (s == "" || last == "(" || last == "[" || t ~ /^[),\]]$/) s = s t
        else if (t == "[" || last == "*" || (t == "(" && last == ")")) s = s t
        else s = s " " t
    }
    return s
}

# Where the declarators begin: behind `const struct x`, `uint32_t` and the like.
function past_base(i) {
    while (token[i] ~ /^(const|volatile|static|inline|extern)$/) {
        if (token[i] !~ /^(const|volatile)$/) dropped[i] = 1
        i++
    }
    i += token[i] ~ /^(struct|enum|union)$/ ? 2 : 1
    while (token[i] ~ /^(const|volatile)$/) i++
    return i
}

# Drops the name of what is declared from a to b, and the names of its parameters; returns it.
function take_name(a, b,   i, name) {
    for (i = a; i < b && token[i] ~ /^(\*|const)$/; i++) continue
    if (token[i] == "(" && token[i + 1] == "*") {
        name = i + 2
        drop_parameters(past(i))
    } else if (i <= b && token[i] ~ /^[A-Za-z_]/) {
        name = i
        if (token[i + 1] == "(") drop_parameters(i + 1)
    } else return ""
    dropped[name] = 1
    return token[name]
}
function drop_parameters(open,   end, i, from) {
    end = past(open) - 1
    for (i = from = open + 1; i <= end; i++) {
        if (token[i] == "(") i = past(i) - 1
        else if (token[i] == "," || i == end) {
            if (token[from] != "...") take_name(past_base(from), i - 1)
            from = i + 1
        }
    }
}

function member(owner, a, b,   base, i, from, name) {
    base = past_base(a)
    for (i = from = base; i <= b + 1; i++) {
        if (i <= b && token[i] == "(") { i = past(i) - 1; continue }
        if (i <= b && token[i] ~ /^[:{]$/) wrong(owner ": a member that abi_layout.awk cannot read")
        if (i <= b && token[i] != ",") continue
        name = take_name(from, i - 1)
        if (name == "size" && first_of[owner] == "" && text(a, base - 1) == "uint32_t")
            class_of[owner] = "sized"
        if (first_of[owner] == "") first_of[owner] = name
        if (owner == "gyre_plugin" && name ~ /_size$/ && name !~ /^conf_/)
            class_of["gyre_" substr(name, 1, length(name) - 5)] = "rows"
        say("MEMBER(" owner ", " name ", " text(a, base - 1) \
            (from < i - 1 ? pad(text(from, i - 1)) : "") ")")
        from = i + 1
    }
}
function pad(type) { return type == "" || type ~ /^\[/ ? type : " " type }

function aggregate(kind, tag, open,   i, end, from) {
    end = past(open) - 1
    if (kind == "enum") {
        say("ENUM(" tag ")")
        for (i = from = open + 1; i <= end; i++)
            if (token[i] == "," || i == end) {
                if (from < i) say("VALUE(" tag ", " token[from] ")")
                from = i + 1
            }
        return
    }
    if (kind != "struct") wrong(tag ": a " kind)
    say("STRUCT(" tag ")")
    for (i = from = open + 1; i < end; i++) {
        if (token[i] == "(") i = past(i) - 1
        if (token[i] == ";") {
            member(tag, from, i - 1)
            from = i + 1
        }
    }
}

function declared(a, b,   what, at, name) {
    what = token[a] == "typedef" ? "type" : token[a] == "extern" ? "variable" : "function"
    if (what == "type") a++
    if (token[a] ~ /^(struct|enum|union)$/ && token[a + 2] == "{")
        return aggregate(token[a], token[a + 1], a + 2)
    if (token[a] ~ /^(struct|enum)$/ && b == a + 1) return # named before it is told
    at = past_base(a)
    name = take_name(at, b)
    if (name == "") wrong("abi_layout.awk cannot read: " token[a] " " token[a + 1])
    say("NAME(" what ", " name ", " text(a, at - 1) pad(text(at, b)) ")")
}

END {
    for (i = from = 1; i <= n; i++) {
        if (token[i] == "{" && token[i - 1] == ")") {
            declared(from, i - 1)
            from = past(i)
            i = from - 1
        } else if (token[i] ~ /^[({]$/) i = past(i) - 1
        else if (token[i] == ";") {
            declared(from, i - 1)
            from = i + 1
        }
    }
    print "#include <stdio.h>"
    for (i = 1; i <= split(headers, header, " "); i++) print "#include \"" header[i] "\""
    print "#define SAME(type, ...) \\"
    print "    _Static_assert(__builtin_types_compatible_p(type, __VA_ARGS__), #type)"
    print "#define OF(s, m) __typeof__(((struct s *)0)->m)"
    print "#define STRUCT(s) printf(\"%-38s size %3zu align %2zu  %s\\n\", \"struct \" #s, \\"
    print "    sizeof(struct s), _Alignof(struct s), grows_##s)"
    print "#define MEMBER(s, m, ...) do { SAME(OF(s, m), __VA_ARGS__); \\"
    print "    printf(\"%-30s at %3zu size %3zu align %2zu  %s\\n\", #s \".\" #m, \\"
    print "        offsetof(struct s, m), sizeof(OF(s, m)), _Alignof(OF(s, m)), \\"
    print "        #__VA_ARGS__); } while (0)"
    print "#define ENUM(e) printf(\"%-38s size %3zu\\n\", \"enum \" #e, sizeof(enum e))"
    print "#define VALUE(e, v) printf(\"%-38s = %lld\\n\", #e \".\" #v, (long long)(v))"
    print "#define NUMBER(m) printf(\"%-38s = %lld\\n\", \"macro \" #m, (long long)(m))"
    print "#define MACRO(...) printf(\"macro %s\\n\", #__VA_ARGS__)"
    print "#define NAME(what, n, ...) do { SAME(__typeof__(n), __VA_ARGS__); \\"
    print "    printf(\"%-38s %s\\n\", #what \" \" #n, #__VA_ARGS__); } while (0)"
    for (tag in first_of) print "static const char grows_" tag "[] = \"" class(tag) "\";"
    print "int main(void)\n{\n    printf(\"%-38s = " target "\\n\", \"macro GYRE_TARGET\");"
    printf "%s", program
    print "    return 0;\n}"
}
function class(tag) {
    if (tag in class_of) return class_of[tag]
    return index(" " host " ", " " tag " ") ? "host" : "fixed"
}
