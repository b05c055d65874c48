#!/bin/sh
# run.sh [--json] - what an import costs beside mawk counting the same lines, and what each of its stages does; `make bench` calls it.
#
# Import and mawk run in turn, ROUNDS (3) times, so that both see the same machine; what is compared is the ratio of the
# medians, of wall time and of processor time (the second says more on a machine that does other things as well). The import writes facts
# and round-robin databases to disk, mawk prints its counts to a file; both must have counted the same. All else is processor
# time on one core. LINES (1000000) is the size. --json: the table as JSON behind it; it stands in build/bench/table.json anyway.
set -eu

build=${BUILD:-build}
rounds=${ROUNDS:-3}
lines=${LINES:-1000000}
dir=$build/bench
tools=$build/tests
mkdir -p "$dir"
make --no-print-directory BUILD="$build" "$tools/benchlog" "$tools/measure" "$tools/stages" >/dev/null

# make_log NAME COMMAND...
make_log() {
    log=$dir/$1
    shift
    [ -s "$log" ] || { "$@" >"$log.new" && mv "$log.new" "$log"; }
    cat "$log" >/dev/null # into the page cache
}

# median FILE COLUMN
median() {
    awk -v c="$2" '{ print $c }' "$1" | sort -n | sed -n "$((rounds / 2 + 1))p"
}

# row NAME VALUE UNIT [GOAL]
row() {
    printf '%-44s %10s %-8s %s\n' "$1" "$2" "$3" "${4-}"
    printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${4-}" >>"$dir/rows"
}

divide() {
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}

fail() {
    echo "bench: $*" >&2
    exit 1
}

# parse_ns LOG PARSERS: of one line, all that matching it takes.
parse_ns() {
    rm -rf "$dir/state"
    "$tools/stages" --rounds 5 --to parse --parsers "$2" "$1" "$dir/state" | awk '$1 == "parse" { print $2 }'
}

import_beside_mawk() {
    rm -f "$dir/mawk" "$dir/scantide"
    round=0
    while [ "$round" -lt "$rounds" ]; do
        round=$((round + 1))
        "$tools/measure" "$dir/mawk" mawk -f tests/bench/port.awk "$1" >"$dir/ports"
        rm -rf "$dir/state"
        "$tools/measure" "$dir/scantide" "$build/scantide" import --data "$dir/state" --timezone UTC "$1" >"$dir/report" 2>&1 || {
            cat "$dir/report" >&2
            fail "the import failed (above)"
        }
    done
    [ "$(sqlite3 "$dir/state/facts.db" 'PRAGMA integrity_check')" = ok ] || fail "the facts aren't whole"
    theirs=$(awk '{ n += $1 } END { print n }' "$dir/ports")
    ours=$(awk '$1 == "events" { print $2 }' "$dir/report")
    [ "$theirs" = "$ours" ] || fail "mawk counted $theirs packets, scantide $ours"
    row "import, wall, of mawk's" "$(divide "$(median "$dir/scantide" 1)" "$(median "$dir/mawk" 1)")" times "at most 0.45"
    row "import, processor, of mawk's" "$(divide "$(median "$dir/scantide" 3)" "$(median "$dir/mawk" 3)")" times "at most 0.9 on two cores"
    row "import, its peak" "$(awk -v k="$(median "$dir/scantide" 2)" 'BEGIN { printf "%.0f", k / 1024 }')" MB "under 150"
    row "mawk, a line" "$(awk -v s="$(median "$dir/mawk" 3)" -v n="$lines" 'BEGIN { printf "%.0f", s * 1e9 / n }')" ns
}

stages() {
    rm -rf "$dir/state"
    geo=$(find "$build/geo" -name '*.mmdb' 2>/dev/null | head -n 1)
    "$tools/stages" ${geo:+--geo "$geo"} "$1" "$dir/state" >"$dir/stages"
    while read -r stage ns; do
        row "one core: $stage" "$ns" ns
    done <"$dir/stages"
    counted=$(awk '$1 != "store" && $1 != "series" { n += $2 } END { print n }' "$dir/stages")
    theirs=$(awk -v s="$(median "$dir/mawk" 3)" -v n="$lines" 'BEGIN { print s * 1e9 / n }')
    row "one core: split to tally, of mawk's" "$(divide "$counted" "$theirs")" times "at most 0.45"
}

formats() {
    make_log iptables.log mawk -v lines=200000 -v only=iptables -f tests/bench/samples.awk parsers/*.yaml
    pure=$log
    make_log mixed.log mawk -v lines=200000 -f tests/bench/samples.awk parsers/*.yaml
    mkdir -p "$dir/one"
    cp parsers/iptables.yaml "$dir/one"
    of_pure=$(parse_ns "$pure" parsers)
    of_mixed=$(parse_ns "$log" parsers)
    row "parsing iptables' samples" "$of_pure" ns
    row "parsing all formats', shuffled" "$of_mixed" ns
    row "shuffled, of iptables'" "$(divide "$of_mixed" "$of_pure")" times "at most 2"
    row "all parser files, of iptables' alone" "$(divide "$of_pure" "$(parse_ns "$pure" "$dir/one")")" times "at most 1.15"
}

first_line() {
    head -n 1 "$1" >"$dir/line"
    rm -f "$dir/start"
    round=0
    while [ "$round" -lt "$rounds" ]; do
        round=$((round + 1))
        "$tools/measure" "$dir/start" "$build/scantide" explain --timezone UTC "$dir/line" >/dev/null
    done
    row "start to the first line, processor" "$(awk -v s="$(median "$dir/start" 3)" 'BEGIN { printf "%.0f", s * 1000 }')" ms "under 50"
}

rm -f "$dir/rows"
make_log "$lines.log" "$tools/benchlog" "$lines"
echo "$lines lines; $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg); $(mawk -W version 2>&1 | head -n 1); medians of $rounds rounds"
import_beside_mawk "$dir/$lines.log"
stages "$dir/$lines.log"
formats
first_line "$dir/$lines.log"
jq -R -s --arg lines "$lines" --arg cores "$(nproc)" --arg load "$(cut -d' ' -f1 /proc/loadavg)" \
    '{lines: $lines | tonumber, cores: $cores | tonumber, load: $load | tonumber,
      rows: [split("\n")[] | select(. != "") | split("\t") | {name: .[0], value: .[1] | tonumber, unit: .[2]} +
        (if .[3] == "" then {} else {goal: .[3]} end)]}' "$dir/rows" >"$dir/table.json"
[ "${1-}" != --json ] || cat "$dir/table.json"
