#!/bin/sh
# soak.sh [SCRIPT...] - runs the long tests, those named or all of tests/soak; `make soak` calls it.
#
# Each says itself what it found and ends with 0 where all was well. They find the program in $SCANTIDE and the folder of the
# test tools in $TOOLS, and work below $TMPDIR.
set -u

build=$(cd "${BUILD:-build}" && pwd) || exit 1
tools=$(cd "${TOOLS:-$build/tests}" && pwd) || exit 1
export SCANTIDE="$build/scantide" TOOLS="$tools"
[ $# -gt 0 ] || set -- "$(dirname "$0")"/soak/*.sh

passed=0 failed=0
for script in "$@"; do
    [ -f "$script" ] || continue
    echo "soak: $script"
    if "$script"; then
        passed=$((passed + 1))
    else
        echo "FAILED  $script (exit status $?)"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
