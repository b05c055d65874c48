#!/bin/sh
# run.sh [--json] [PART...] - what scantide costs, beside what others cost on the same lines; `make bench` calls it.
#
# Parts, all where none is named: import peers stages formats cores size sources top reports charts start idle live syslog.
# What is compared runs in turn, ROUNDS (3) times, so that both see the same machine, and ratios are those of medians. Results that
# can be compared must be equal, and whatever an import of ours leaves behind must be whole: its facts, and the sums of its RRDs.
# BENCH=small takes a tenth of the lines. The table is printed and stands in build/bench/table.json, which --json prints, too.
# Logs and what is fetched from Debian's archive, unpacked and never installed, stay in build/bench.
# shellcheck disable=SC2034 # some variables are the parts'
set -eu
cd "$(dirname "$0")/../.."

build=$(cd "${BUILD:-build}" && pwd)
rounds=${ROUNDS:-3}
million=1000000
[ "${BENCH-}" != small ] || million=100000
dir=$build/bench
tools=$build/tests
scantide=$build/scantide
peers=$dir/peers
export TZ=UTC LC_ALL=C.UTF-8 HOME="$dir/home"
mkdir -p "$dir" "$HOME"
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true' EXIT
rm -f "$dir"/*.times
make --no-print-directory BUILD="$build" "$tools/benchlog" "$tools/measure" "$tools/stages" "$tools/pelt" "$tools/pour" >/dev/null

# ---- rows ----

section() {
    part=$1
    printf '\n%s\n' "$2"
}

# row NAME VALUE UNIT [GOAL]
row() {
    printf '  %-58s %10s %-8s %s\n' "$1" "$2" "$3" "${4-}"
    printf '%s\t%s\t%s\t%s\t%s\n' "$part" "$1" "$2" "$3" "${4-}" >>"$dir/rows"
}

note() {
    printf '  %s\n' "$1"
    printf '%s\n' "$1" >>"$dir/notes"
}

fail() {
    echo "bench: $*" >&2
    exit 1
}

# compute EXPRESSION [FORMAT]
compute() {
    awk "BEGIN { printf \"${2-%.2f}\", $1 }"
}

# ---- measuring: seconds, KiB at the peak, seconds of the processor ----

# timed NAME COMMAND...: one run's, into NAME.times
timed() {
    name=$1
    shift
    "$tools/measure" "$dir/$name.times" "$@"
}

# of NAME wall|memory|cpu: the median, of memory the most
of() {
    case $2 in
    wall) sort -n "$dir/$1.times" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }' ;;
    cpu) awk '{ print $3 }' "$dir/$1.times" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }' ;;
    memory) awk '$2 > n { n = $2 } END { printf "%.0f", n / 1024 }' "$dir/$1.times" ;;
    esac
}

# in_turn COMMAND...: each, ROUNDS times
in_turn() {
    round=0
    while [ "$round" -lt "$rounds" ]; do
        round=$((round + 1))
        for turn in "$@"; do
            $turn
        done
    done
}

# Of a running process: seconds of the processor; with COMM, of its threads of that name.
cpu_of() { # PID
    awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / tick }' "/proc/$1/stat"
}
cpu_of_loop() { # PID
    awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / tick }' "/proc/$1/task/$1/stat"
}
wakeups_of() { # PID: of all its threads
    awk '$1 ~ /ctxt_switches:$/ { n += $2 } END { print n }' "/proc/$1"/task/*/status
}

# ---- what is measured ----

# make_log FILE COMMAND...: made once, then read into the page cache
make_log() {
    log=$dir/$1
    shift
    [ -s "$log" ] || { "$@" >"$log.new" && mv "$log.new" "$log"; }
    cat "$log" >/dev/null
}

geo=$(find "$build/geo" -name '*ountry*.mmdb' 2>/dev/null | head -n 1)
conf() { # DATA [LINE...]: a configuration below DATA's name
    data=$1
    shift
    printf 'data: %s\n' "$data"
    [ -z "$geo" ] || printf 'geo: {country: "%s"}\n' "$geo"
    printf '%s\n' "$@"
}

import() { # NAME LOG [PREFIX COMMAND...]: into a fresh NAME.data
    import_name=$1 import_log=$2
    shift 2
    rm -rf "$dir/$import_name.data"
    conf "$dir/$import_name.data" >"$dir/$import_name.yaml"
    timed "$import_name" "$@" "$scantide" import --config "$dir/$import_name.yaml" --timezone UTC "$import_log" >"$dir/report" 2>&1 || {
        cat "$dir/report" >&2
        fail "the import failed (above)"
    }
}

# What an import left behind: facts that are whole, and RRDs of the total, of countries and of ports that sum to them.
whole() { # NAME
    [ "$(sqlite3 "$dir/$1.data/facts.db" 'PRAGMA integrity_check')" = ok ] || fail "$1: the facts aren't whole"
    events=$("$scantide" top ports --config "$dir/$1.yaml" --all -n 0 --format csv 2>/dev/null | awk -F, 'NR > 1 { n += $3 } END { print n }')
    sum=$(rrd_sum "$dir/$1.data/rrd/gw/total.rrd")
    [ "$sum" = "$events" ] || fail "$1: the total's RRD sums to $sum of $events events"
    sum=0
    for file in "$dir/$1.data/rrd/gw/country"/*.rrd; do
        sum=$((sum + $(rrd_sum "$file")))
    done
    [ "$sum" = "$events" ] || fail "$1: the countries' RRDs sum to $sum of $events events"
}

# Of the events that an RRD has by five minutes, which it keeps for days.
rrd_sum() {
    rrdtool fetch "$1" AVERAGE -r 300 -s end-3d -e "$(rrdtool last "$1")" |
        awk '/:/ && $2 !~ /nan/ { s += $2 * 300 } END { printf "%.0f", s }'
}

# "EVENTS PROTO PORT" as tests/bench/port.awk has it
our_ports() { # NAME
    "$scantide" top ports --config "$dir/$1.yaml" --all -n 0 --format csv 2>/dev/null |
        awk -F'[,/]' 'NR > 1 { p = toupper($3); print $4, p (p == "ICMP" ? "" : " " $2) }' | sort
}

same() { # WHOSE FILE: that list, in any order, against ours
    sort "$2" | cmp -s - "$dir/ports.want" || fail "$1 counts otherwise than scantide: diff $2 $dir/ports.want"
}

for file in tests/bench/part_*.sh; do
    # shellcheck source=/dev/null
    . "$file"
done

all="import peers stages formats cores size sources top reports charts start idle live syslog"
json=
chosen=
for argument in "$@"; do
    case " --json $all " in
    *" $argument "*) ;;
    *)
        echo "usage: run.sh [--json] [PART...], of: $all" >&2
        exit 2
        ;;
    esac
    if [ "$argument" = --json ]; then json=1; else chosen="$chosen $argument"; fi
done

rm -f "$dir/rows" "$dir/notes" "$dir/import.ns"
: >"$dir/notes"
machine=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed 1q)
echo "$("$scantide" --version 2>/dev/null || echo scantide); $(nproc) cores ($machine), load $(cut -d' ' -f1-3 /proc/loadavg); medians of $rounds rounds"
for part in ${chosen:-$all}; do
    "part_$part"
done
jq -R -s --arg cores "$(nproc)" --arg machine "$machine" --arg load "$(cut -d' ' -f1 /proc/loadavg)" --rawfile notes "$dir/notes" \
    '{machine: $machine, cores: $cores | tonumber, load: $load | tonumber, notes: [$notes | split("\n")[] | select(. != "")],
      rows: [split("\n")[] | select(. != "") | split("\t") | {part: .[0], name: .[1], value: (.[2] | tonumber? // .), unit: .[3]} +
        (if .[4] == "" then {} else {goal: .[4]} end)]}' "$dir/rows" >"$dir/table.json"
[ -z "$json" ] || cat "$dir/table.json"
