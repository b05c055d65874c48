#!/usr/bin/env bats
# A folder of reports: an index by date that is made again with each report, and days that are missing are made up for.

bats_require_minimum_version 1.5.0

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=UTC LC_ALL=C
    # From 2026-10-29T12:00Z on.
    "$SCANTIDE" simulate --days 4.5 --rate 0.05 --end 2026-11-03T00:00:00Z >kern.log
    "$SCANTIDE" import --data data kern.log >/dev/null 2>&1
}

report() {
    "$SCANTIDE" report --data data -o out "$@" 2>said
}

days() { # of the index, as they stand there
    grep -o 'href="[^"]*"' out/index.html | tr '\n' ' '
}

@test "the index has each day once, the newest first, by month, and forgets what was taken away" {
    for day in 2026-11-01 2026-10-31 2026-11-02; do
        report --date "$day"
    done
    report --date 2026-11-01 --format json
    [ "$(days)" = 'href="2026-11-02.txt" href="2026-11-01.txt" href="2026-11-01.json" href="2026-10-31.txt" ' ]
    [ "$(grep -o '<h2>[^<]*' out/index.html | tr '\n' ' ')" = '<h2>November 2026 <h2>October 2026 ' ]
    events=$("$SCANTIDE" top ports --data data --from 2026-11-02 --to 2026-11-03 -n 0 --format json | jq '.rows | map(.events) | add')
    grep 'Mon, 2 Nov</a>' out/index.html | tr -d , | grep -q "</a> $events events"
    run -1 grep -E '<script|(src|href)="[^"]*/' out/index.html

    rm out/2026-11-02.txt
    report --date 2026-10-30
    [ "$(days)" = 'href="2026-11-01.txt" href="2026-11-01.json" href="2026-10-31.txt" href="2026-10-30.txt" ' ]
    # Nothing half written is left.
    [ "$(cd out && echo .[a-z]*)" = '.lock .summaries' ]
}

@test "--missing makes up for the days behind the newest report, and none before the facts" {
    report --missing --date 2026-10-30
    [ "$(days)" = 'href="2026-10-30.txt" ' ]
    report --missing --date 2026-11-02
    [ "$(days)" = 'href="2026-11-02.txt" href="2026-11-01.txt" href="2026-10-31.txt" href="2026-10-30.txt" ' ]
    rm -r out
    report --missing --date 2026-10-20
    [ "$(days)" = '' ]
    run -2 report --missing --last 24h
    grep -q -- '--missing is about days' said
}

@test "an index.html that somebody else made stays" {
    mkdir out
    echo mine >out/index.html
    report --date 2026-11-01
    [ -s out/2026-11-01.txt ]
    [ "$(cat out/index.html)" = mine ]
    grep -q 'out/index.html: somebody else made it' said
}

@test "reports at once wait for each other, and each is in the index" {
    for day in 30 31; do
        "$SCANTIDE" report --data data -o out --date "2026-10-$day" 2>/dev/null &
    done
    for day in 01 02; do
        "$SCANTIDE" report --data data -o out --date "2026-11-$day" 2>/dev/null &
    done
    wait
    [ "$(grep -c '<li>' out/index.html)" -eq 4 ]
    [ "$(wc -l <out/.summaries)" -eq 4 ]
}
