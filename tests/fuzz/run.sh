#!/bin/sh
# run.sh - FUZZ_S (60) seconds of libFuzzer over tests/fuzz/line.c; `make fuzz` calls it.
#
# It begins with the kept corpus, all samples of the parser files and what earlier runs here found worth keeping. A line that
# crashes it, or takes longer than a second, is left in $BUILD/crashes: mend it, and keep it in tests/fuzz/corpus.
set -eu

build=${BUILD:-build/fuzz}
seconds=${FUZZ_S:-60}
mkdir -p "$build/seeds" "$build/found" "$build/crashes"
FUZZ_SEEDS=$build/seeds "$build/line" -runs=0 "$build/seeds" 2>/dev/null || true
if ! "$build/line" -max_total_time="$seconds" -timeout=1 -max_len=4096 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="$build/crashes/" "$build/found" tests/fuzz/corpus "$build/seeds" >"$build/log" 2>&1; then
    tail -n 40 "$build/log" >&2
    echo "fuzz: it broke (above); the line is in $build/crashes" >&2
    exit 1
fi
grep '^stat::' "$build/log" | sed 's/^stat:://'
