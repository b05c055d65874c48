#!/bin/sh
# run.sh - FUZZ_S (60) seconds of libFuzzer over each of tests/fuzz/*.c; `make fuzz` calls it.
#
# line.c begins with the kept corpus, all samples of the parser files and what earlier runs here found worth keeping; stream.c
# with its own. What crashes one, or takes longer than a second, is left in $BUILD/crashes: mend it, and keep it in the corpus.
set -eu

build=${BUILD:-build/fuzz}
seconds=${FUZZ_S:-60}

fuzz() { # TARGET FOLDER...
    target=$1
    shift
    if ! "$build/$target" -max_total_time="$seconds" -timeout=1 -max_len=20000 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="$build/crashes/$target-" "$@" >"$build/$target.log" 2>&1; then
        tail -n 40 "$build/$target.log" >&2
        echo "fuzz: $target broke (above); its input is in $build/crashes" >&2
        exit 1
    fi
    grep '^stat::' "$build/$target.log" | sed "s/^stat::/$target: /"
}

mkdir -p "$build/seeds" "$build/found" "$build/found-stream" "$build/crashes"
FUZZ_SEEDS=$build/seeds "$build/line" -runs=0 "$build/seeds" 2>/dev/null || true
fuzz line "$build/found" tests/fuzz/corpus "$build/seeds"
fuzz stream "$build/found-stream" tests/fuzz/corpus-stream
