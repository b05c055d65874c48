#!/bin/sh
# run.sh - `scantide import` against mawk counting the same million lines by protocol and port; `make bench` calls it.
#
# In turn, ROUNDS (3) times, so that both see the same machine; what is compared is the ratio of the medians. The import
# writes facts and round-robin databases to disk, mawk prints its counts to a file.
set -eu

build=${BUILD:-build}
rounds=${ROUNDS:-3}
lines=${LINES:-1000000}
dir=$build/bench
log=$dir/$lines.log
mkdir -p "$dir"
make --no-print-directory BUILD="$build" "$build/tests/benchlog" "$build/tests/measure" >/dev/null
if [ ! -s "$log" ]; then
    "$build/tests/benchlog" "$lines" >"$log.new"
    mv "$log.new" "$log"
fi
cat "$log" >/dev/null # into the page cache

# Prints "SECONDS KIB" of the middle round.
median() {
    sort -n "$1" | sed -n "$((rounds / 2 + 1))p"
}

rm -f "$dir/mawk" "$dir/scantide"
round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    "$build/tests/measure" "$dir/mawk" mawk -f tests/bench/port.awk "$log" >"$dir/ports"
    rm -rf "$dir/state"
    "$build/tests/measure" "$dir/scantide" \
        "$build/scantide" import --data "$dir/state" --timezone UTC "$log" >"$dir/report" 2>&1 || {
        cat "$dir/report" >&2
        echo "bench: the import failed (above)" >&2
        exit 1
    }
done
cat "$dir/report"
echo
{
    echo "mawk $(median "$dir/mawk")"
    echo "scantide $(median "$dir/scantide")"
} | awk -v lines="$lines" -v rounds="$rounds" '
    {
        if (NR == 1) first = $2
        printf "%-10s %7.3f s  %9.0f lines/s  %6.1f MB at its peak\n", $1, $2, lines / $2, $3 / 1024
        ratio = $2 / first
    }
    END { printf "ratio      %7.2f    medians of %d rounds; at most 1 is the goal\n", ratio, rounds }'
