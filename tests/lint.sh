#!/bin/sh
# lint.sh - the checks that need no program to run; `make lint` calls it. All of them run, then it fails.
set -u

cc=${CC:-cc}
faults=0
fault() {
    faults=$((faults + 1))
    printf 'lint: %s\n' "$*" >&2
}
sources() {
    find src tests -name '*.[ch]' | sort
}

# 1. The format.
# shellcheck disable=SC2046 # names without blanks
clang-format --dry-run --Werror $(sources) || fault "run clang-format -i on the files above"

# 2. Each library is known in one place: HEADERS, then the files that may include them.
known_in() {
    found=$(grep -rnE "^ *# *include *[<\"]($1)[>\"]" src --include='*.[ch]' | grep -vE "^($2)") || return 0
    fault "$1 belongs to $2 and to no other file:"
    printf '%s\n' "$found" >&2
}
known_in 'pcre2\.h' 'src/parse/'
known_in 'maxminddb\.h' 'src/tag/'
known_in 'sqlite3\.h' 'src/store/'
known_in 'rrd[a-z_]*\.h' 'src/(series|chart)/'
known_in 'uv\.h' 'src/[a-z]+/[a-z0-9_]*_uv\.[ch]|src/command/run\.c|src/pipeline/feed\.h'
known_in 'archive(_entry)?\.h' 'src/input/packed\.c'
known_in 'zlib\.h' 'src/input/gunzip\.c'
known_in 'systemd/[a-z-]+\.h' 'src/input/journal\.c|src/base/notify\.c'
known_in 'openssl/[a-z0-9]+\.h' 'src/input/tls\.c'
known_in 'fontconfig/[a-z]+\.h' 'src/chart/font\.c'
known_in '(cairo|pango)/[a-z-]+\.h' 'src/chart/spread\.c'
known_in 'jansson\.h' 'src/(report|command)/'
known_in 'libxml/[a-z]+\.h' 'src/report/document_html\.c'
# A module that loads YAML declares its own cyaml schema; the parser underneath is config's alone.
known_in 'yaml\.h' 'src/config/'
known_in 'cyaml(/[a-z]+)?\.h' 'src/(config|parse|chart|series|tag)/'

# 3. Each header compiles alone.
libs="libssl libcrypto libsystemd libuv libarchive zlib libpcre2-8 libmaxminddb librrd sqlite3 libcyaml yaml-0.1 jansson libxml-2.0 fontconfig pangocairo"
# shellcheck disable=SC2086 # a list of names
flags=$(pkg-config --cflags $libs)
for header in $(find src -name '*.h' | sort); do
    # shellcheck disable=SC2086 # a list of flags
    printf '#include "%s"\n' "${header#src/}" |
        "$cc" -std=gnu11 -D_GNU_SOURCE -Isrc $flags -Wall -Wextra -fsyntax-only -x c - ||
        fault "$header does not compile alone"
    guard=SCANTIDE_$(printf '%s' "${header#src/}" | tr 'a-z/.-' 'A-Z___')
    grep -q "^#ifndef $guard\$" "$header" || fault "$header: its guard is not $guard"
done

# 4. An analyser, with what is an error and no question of taste. It doesn't know that ASSERT ends the program, nor that a
# caller's struct may hold the address of a local for the time of one call, nor that qsort leaves no elements alone.
cppcheck --quiet --std=c11 --language=c --error-exitcode=1 --inline-suppr -j 2 \
    --enable=warning,portability --suppress=missingIncludeSystem \
    --suppress=arrayIndexOutOfBoundsCond --suppress=autoVariables --suppress=uninitvar:src/chart/heading.c \
    -D_GNU_SOURCE -DSCANTIDE_SHARE='""' -DSCANTIDE_VERSION='""' -Isrc src tests/tools ||
    fault "cppcheck found the above"

# 5. The shell scripts.
for script in tests/*.sh tests/bench/*.sh tests/fuzz/*.sh tests/faults/*.sh tests/soak/*.sh src/*.sh src/po/*.sh .ci/run; do
    [ ! -f "$script" ] || shellcheck "$script" || fault "$script: shellcheck found the above"
done

[ "$faults" -eq 0 ] || {
    echo "lint: $faults checks failed" >&2
    exit 1
}
echo "lint: all is well"
