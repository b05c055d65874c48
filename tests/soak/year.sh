#!/bin/bash
# year.sh [MONTHS] - a sensor of 5 events a second for a year, taken in by pipes a month at a time, in shuffled order and in order.
#
# Of the shuffled one: facts and RRDs are below 1.5 GB; the events of each day are those of the log; each RRD says the same as
# where the months came in order; a ranking of a day takes less than
# MS_DAY (200) ms and one of all less than MS_ALL (2000) ms (ports, countries, targets); integrity_check is clean.
# Environment: RATE (5) events a second, PART (month) or a number of days.
set -eu

build=$(cd "${BUILD:-build}" && pwd)
program=${SCANTIDE:-$build/scantide}
parts=${1:-12} rate=${RATE:-5} part=${PART:-month}
dir=$(mktemp -d "${TMPDIR:-/tmp}/scantide-year.XXXXXX")
trap 'rm -rf "$dir"' EXIT
export TZ=UTC LC_ALL=C
failed=0

check() { # WHAT VALUE MOST
    awk -v what="$1" -v value="$2" -v most="$3" 'BEGIN {
        printf "year: %s: %s (at most %s)\n", what, value, most
        exit !(value <= most)
    }' || failed=1
}

begin_of() { # PART, counted from the newest, which is 1
    if [ "$part" = month ]; then
        date -d "$(date +%Y-%m-01) -$1 months" +%Y-%m-%d
    else
        date -d "$(date +%Y-%m-%d) -$(($1 * part)) days" +%Y-%m-%d
    fi
}

log_of() { # PART
    local from to
    from=$(begin_of "$1") to=$(begin_of $(($1 - 1)))
    "$program" simulate --days $((($(date -d "$to" +%s) - $(date -d "$from" +%s)) / 86400)) --rate "$rate" \
        --seed "$1" --end "${to}T00:00:00Z"
}

take_in() { # PART DATA
    log_of "$1" | "$program" import --data "$2" --sensor gw --timezone UTC --year "$(date -d "$(begin_of "$1")" +%Y)" - \
        >"$dir/report" 2>&1 || {
        cat "$dir/report" >&2
        exit 1
    }
}

# The events of each day, as the log's lines have them; no two parts share a day.
days_of() { # PART
    log_of "$1" | awk -v year="$(date -d "$(begin_of "$1")" +%Y)" '
        / DROP IN=/ { n[$1 " " $2]++ }
        END {
            split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", names)
            for (i in names) number[names[i]] = i
            for (day in n) { split(day, d); printf "%04d-%02d-%02d,%d\n", year, number[d[1]], d[2], n[day] }
        }'
}

# What the RRDs say: events and sources, to the thousandth.
series_of() { # DATA
    local file
    (cd "$1/rrd/gw" && find . -name '*.rrd' | sort) | while read -r file; do
        echo "$file" >&3
        for step in 300 3600 86400; do
            echo "fetch $1/rrd/gw/$file AVERAGE -r $step -s $(date -d "$(begin_of "$parts")" +%s) -e $(date -d "$(begin_of 0)" +%s)"
        done
    done 3>"$dir/names" >"$dir/fetches"
    cat "$dir/names"
    rrdtool - <"$dir/fetches" | awk '/^ERROR/ { print } NF == 3 || NF == 2 {
        printf "%s", $1
        for (i = 2; i <= NF; i++) printf " %s", $i ~ /nan/ ? "-" : sprintf("%.3f", $i * 1000)
        print ""
    }'
}

timed() { # ARGUMENT...: seconds of the quicker of two rankings
    local i
    for i in 1 2; do
        begun=$(date +%s%N)
        "$program" top "$@" --data "$dir/shuffled" >"$dir/top" 2>"$dir/said"
        echo $((($(date +%s%N) - begun) / 1000000))
    done | sort -n | head -n 1
}

for i in $(seq "$parts" | shuf --random-source=<(yes)); do
    take_in "$i" "$dir/shuffled"
done
check "MB of facts and RRDs" "$(du -sm "$dir/shuffled" | cut -f1)" 1500
for i in $(seq "$parts"); do days_of "$i"; done | sort >"$dir/want"
"$program" sql --data "$dir/shuffled" --format csv "SELECT date(time) AS day, sum(events) FROM bins GROUP BY day ORDER BY day" |
    tail -n +2 | tr -d '\r"' >"$dir/got"
[ "$(wc -l <"$dir/want")" -ge "$parts" ]
check "days with another sum" "$(diff "$dir/want" "$dir/got" | grep -c '^[<>]' || true)" 0
day=$(begin_of 1)
for what in ports countries sources targets pairs; do
    check "ms for the day's $what" "$(timed "$what" --from "$day" --to "$(date -d "$day +1 day" +%Y-%m-%d)")" "${MS_DAY:-200}"
done
for what in ports countries targets; do
    check "ms for all $what" "$(timed "$what" --all)" "${MS_ALL:-2000}"
done
[ "$(sqlite3 -readonly "$dir/shuffled/facts.db" 'PRAGMA integrity_check')" = ok ] || {
    echo "year: integrity_check isn't clean" >&2
    failed=1
}
for i in $(seq "$parts" -1 1); do
    take_in "$i" "$dir/ordered"
done
for data in shuffled ordered; do
    series_of "$dir/$data" >"$dir/$data.series"
done
[ "$(wc -l <"$dir/ordered.series")" -gt 1000 ]
check "RRDs" "$(wc -l <"$dir/names")" 3000
check "lines in which they differ from those made in order" "$(diff "$dir/shuffled.series" "$dir/ordered.series" | grep -c '^[<>]' || true)" 0
[ "$failed" -eq 0 ]
