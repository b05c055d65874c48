#!/usr/bin/env bats
# An exclusion that is added afterwards changes rankings and series exactly as one that was there from the
# start; taking it out again restores every count.

bats_require_minimum_version 1.5.0

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=UTC LC_ALL=C
    "$SCANTIDE" simulate --days 1 --rate 0.5 --seed 11 --end 2026-11-24T10:07:00Z >log
    for i in $(seq 40); do # a monitoring host of IPv6, all over the day
        printf '2026-11-24T%02d:%02d:09Z gw kernel: DROP IN=eth0 OUT= SRC=2001:db8:7::%d DST=2001:db8::1 LEN=60 PROTO=TCP SPT=4000 DPT=%d SYN\n' \
            $((i / 5)) $((i % 60)) $((i % 3)) $((22 + i % 2))
    done >log6
    "$SCANTIDE" import --data "$PWD/plain" --config /dev/null log log6 >/dev/null 2>&1
    heavy=$(top sources plain | awk -F, 'NR > 1 && NR < 5 { print $2 }' | paste -sd,)
    echo "exclude: [$heavy, 198.0.0.0/9, '2001:db8:7::/48']" >conf.yaml
}

top() { # WHAT DATA OPTION...
    what=$1 data=$2
    shift 2
    "$SCANTIDE" top "$what" --data "$PWD/$data" --all -n 0 --format csv "$@" 2>/dev/null
}

rankings() { # DATA OPTION...
    for ranked in ports countries pairs sources; do
        top "$ranked" "$@"
    done
}

# Every value of every file, and which files there are.
series() { # DATA
    (
        cd "$1/rrd/gw" || return
        find . -name '*.rrd' | sort | while read -r file; do
            last=$(rrdtool last "$file")
            echo "$file"
            rrdtool fetch "$file" AVERAGE -r 300 -s "$((last - 172800))" -e "$((last - 300))"
        done
    )
}

again() { # DATA CONFIG: an import that has nothing new
    "$SCANTIDE" import --data "$PWD/$1" --config "$2" log >/dev/null 2>said
}

same() { # DATA DATA
    rankings "$1" >a
    rankings "$2" | cmp a -
    series "$1" >a
    series "$2" | cmp a -
}

@test "afterwards is as from the start, and taking it out restores all" {
    "$SCANTIDE" import --data "$PWD/start" --config conf.yaml log log6 >/dev/null 2>&1
    cp -r plain after
    again after conf.yaml
    cat said
    grep -Eq 'exclusions and scanners have changed, [0-9]+ events are counted anew; they reach back to 2026-11-23 1[0-9]:[0-5][0-9], the first of the facts' said
    same start after
    rankings plain >a
    run ! cmp a <(rankings after)
    [ "$(series plain | grep -c rrd)" -gt "$(series after | grep -c rrd)" ] # 22 and 23 have gone with their only sources
    rankings after --with-excluded | cmp a -

    again after conf.yaml
    run ! grep -q excl said
    again after /dev/null
    grep -q 'events are counted anew' said
    same plain after
}

@test "one network of many" {
    cp -r plain after
    again after conf.yaml
    echo "exclude: [198.0.0.0/9]" >few.yaml
    again after few.yaml
    "$SCANTIDE" import --data "$PWD/start" --config few.yaml log log6 >/dev/null 2>&1
    same start after
}

@test "the head says how many events are hidden, targets that they count all" {
    again plain conf.yaml
    sum() { awk -F, 'NR > 1 { n += $3 } END { print n + 0 }'; }
    hidden=$(($(top ports plain --with-excluded | sum) - $(top ports plain | sum)))
    [ "$hidden" -gt 40 ]
    for ranked in ports countries pairs sources; do
        "$SCANTIDE" top $ranked --data "$PWD/plain" --all | head -1 | grep -q "; $hidden events are hidden$"
    done
    "$SCANTIDE" top ports --data "$PWD/plain" --all --format json | grep -q "\"hidden\":$hidden,"
    "$SCANTIDE" top targets --data "$PWD/plain" --all | head -1 | grep -q '; excluded sources are counted, too$'
    "$SCANTIDE" top ports --data "$PWD/plain" --all --with-excluded | head -1 >head
    run ! grep -q hidden head
}

@test "the output says where the reach ends" {
    command -v sqlite3 >/dev/null || skip "no sqlite3"
    sqlite3 plain/facts.db "DELETE FROM segment WHERE kind = 2 AND start < unixepoch('2026-11-24 03:00')"
    "$SCANTIDE" check --config conf.yaml --data "$PWD/plain" >out || true
    cat out
    grep -q "counts anew: they reach back to 2026-11-24 03:00, before which counts stay as they are" out
    top ports plain >before
    again plain conf.yaml
    grep -q "they reach back to 2026-11-24 03:00, before which counts stay as they are: their sources aren't known any more" said
    later() { "$SCANTIDE" top ports --data "$PWD/$1" --from "2026-11-24 03:00" --to "2026-11-24 11:00" -n 0 --format csv | cut -d, -f1-6; } # the period before differs
    "$SCANTIDE" import --data "$PWD/start" --config conf.yaml log log6 >/dev/null 2>&1
    later start | cmp - <(later plain)
    again plain /dev/null
    top ports plain | cmp - before
}

@test "explain names the rule" {
    echo '198.51.100.0/24 # all of it' >list
    printf 'exclude: [2001:db8:7::/48]\nscanners: [{name: the lab, file: %s/list}]\n' "$PWD" >conf.yaml
    sed 's/2001:db8:7::./198.51.100.9/; q' log6 >line
    head -1 log6 >>line
    sed 's/2001:db8:7::./2001:db8:8::1/; q' log6 >>line
    "$SCANTIDE" explain --config conf.yaml --format json line >out 2>/dev/null
    [ "$(sed -n 1p out | grep -o '"rule":"[^"]*"')" = '"rule":"scanner the lab"' ]
    [ "$(sed -n 2p out | grep -o '"rule":"[^"]*"')" = '"rule":"exclude"' ]
    [ "$(sed -n 3p out | grep -c '"rule"')" -eq 0 ]
    "$SCANTIDE" explain --config conf.yaml line 2>/dev/null | grep -q '^1: event .* rule "scanner the lab"$'
}

@test "what comes late from an excluded source makes no series" {
    again plain conf.yaml
    for i in $(seq 12); do
        echo "2026-11-24T02:00:$((10 + i))Z gw kernel: DROP IN=eth0 OUT= SRC=198.0.0.$i DST=192.0.2.1 LEN=60 PROTO=TCP SPT=4000 DPT=9999 SYN"
    done >late
    "$SCANTIDE" import --data "$PWD/plain" --config conf.yaml late >/dev/null 2>&1
    [ ! -e plain/rrd/gw/port/9999-tcp.rrd ]
    again plain /dev/null
    [ -e plain/rrd/gw/port/9999-tcp.rrd ]
}
