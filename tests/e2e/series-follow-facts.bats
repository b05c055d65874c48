# The RRDs are a view of the facts: whatever happens on the way, in the end they say what the facts say.

bats_require_minimum_version 1.5.0

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR"
    export TZ=UTC LC_ALL=C
    "$SCANTIDE" simulate --days 2 --rate 0.5 --seed 11 --end 2026-11-24T10:07:00Z >log
    lines=$(wc -l <log)
    head -n $((lines / 2)) log >older
    tail -n +$((lines / 2 + 1)) log >newer
}

take_in() {
    data=$1
    shift
    "$SCANTIDE" import --data "$data" "$@" >/dev/null 2>&1
}

# "PATH SUM" of every file: rate times step over the 5-minute archive.
sums() {
    (
        cd "$1"/rrd/gw
        find . -name '*.rrd' | sort | while read -r file; do
            last=$(rrdtool last "$file")
            rrdtool fetch "$file" AVERAGE -r 300 -s "$((last - 863700))" -e "$((last - 300))" |
                awk -v file="$file" '$2 ~ /[0-9]/ { n += sprintf("%.0f", $2 * 300) } END { print file, n + 0 }'
        done
    )
}

# The same for the total, from the facts.
facts() {
    "$SCANTIDE" top ports --data "$1" --all -n 0 --format csv 2>/dev/null | awk -F, 'NR > 1 { n += $3 } END { print n }'
}

@test "an older log after a newer one gives the files that both at once give" {
    take_in whole older newer
    take_in parts newer
    take_in parts older
    sums whole >whole.sums
    sums parts | diff whole.sums -
    [ "$(grep -c . whole.sums)" -gt 20 ]
    grep -qx "./total.rrd $(facts whole)" whole.sums
}

@test "a log that grew past a bin's end is written on, not made again" {
    # It is cut where a bin ends, so nothing comes late.
    awk '$3 < "10:05:00" || $2 < 24' log >older
    echo 'Nov 24 10:04:59 gw CRON[1]: the last line of its bin' >>older
    take_in data older
    inode=$(stat -c %i data/rrd/gw/total.rrd)
    awk '!($3 < "10:05:00" || $2 < 24)' log >>older
    take_in data older
    [ "$(stat -c %i data/rrd/gw/total.rrd)" = "$inode" ]
    take_in whole older
    sums whole >whole.sums
    sums data | diff whole.sums -
}

@test "killed while it writes the series, ten times" {
    take_in whole log
    sums whole >whole.sums
    for i in 0 1 2 3 4 5 6 7 8 9; do
        "$SCANTIDE" import --data data log >/dev/null 2>&1 &
        sleep "0.0$((i * 7 + 10))"
        kill -9 $! 2>/dev/null || true
        wait $! || true
    done
    take_in data log
    sums data | diff whole.sums -
    run find data/rrd -name '*.new*'
    [ -z "$output" ]
}

@test "removed, cut and foreign files are made again by the next import" {
    take_in data log
    sums data >before
    rm data/rrd/gw/total.rrd
    truncate -s 1000 data/rrd/gw/port/23-tcp.rrd
    echo nonsense >data/rrd/gw/country/ZZ.rrd
    take_in data log
    sums data | diff before -
}

@test "a file that can't be written is named, and the others are written" {
    take_in data older
    rm data/rrd/gw/port/23-tcp.rrd
    mkdir -p data/rrd/gw/port/23-tcp.rrd/in-the-way
    run -1 --separate-stderr "$SCANTIDE" import --data data newer
    [[ $stderr == *"data/rrd/gw/port/23-tcp.rrd: can't be written: "* ]]
    rm -r data/rrd/gw/port/23-tcp.rrd
    take_in data newer
    take_in whole log
    sums whole >whole.sums
    sums data | diff whole.sums -
}
