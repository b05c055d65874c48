# scantide prune: a wrong import undone and repeated leaves the facts and series of the right one alone.

load run-helper

import() { # DATA ARGUMENT...
    "$SCANTIDE" import --config conf.yaml --data "$@" >/dev/null 2>&1
}

prune() { # ARGUMENT...
    "$SCANTIDE" prune --config conf.yaml --data data --yes "$@" >told 2>told.err
}

# All facts and all series, as text.
dump() { # DATA
    for table in bins sources targets coverage "(SELECT path, bytes, first, last FROM logs)"; do
        "$SCANTIDE" sql --config conf.yaml --data "$1" --format csv "SELECT * FROM $table" | sort
    done
    for what in ports countries; do
        "$SCANTIDE" top $what --config conf.yaml --data "$1" --all -n 0 --format csv 2>/dev/null
    done
    (
        cd "$1/rrd" && find . -name '*.rrd' | sort | while read -r file; do
            echo "$file"
            rrdtool dump "$file" | sed '/<lastupdate>/d' | grep -v 'NaN' | md5sum
        done
    )
}

same() { # DATA DATA
    dump "$1" >one
    dump "$2" >two
    diff one two
}

year=$(date +%Y)

@test "a log of the wrong zone is removed and taken in again" {
    lines 1 20000 >log # 00:00 to 01:06
    lines 30000 40000 >other # 01:40 to 02:13
    import data --sensor gw --timezone UTC log
    import data --sensor gw --timezone Asia/Tokyo other # the day before
    [ "$(events)" -eq 30001 ]
    prune --sensor gw --from "$year-11-23" --to "$year-11-24"
    grep -q 'events  *10001' told
    grep -q 'forgotten .*other' told
    import right --sensor gw --timezone UTC log
    [ "$(events)" -eq 20000 ]
    dump data | grep -v '\.rrd\|-$' >one
    dump right | grep -v '\.rrd\|-$' | diff one -
    import data --sensor gw --timezone UTC other
    import right --sensor gw --timezone UTC other
    same data right
}

@test "a span that cuts hours leaves what lies outside" {
    lines 1 40000 >log # 00:00 to 02:13
    import data --sensor gw --timezone UTC log
    # 00:20 to 02:05: two hours are cut, one goes whole.
    prune --sensor gw --from "$year-11-24 00:20" --to "$year-11-24 02:05"
    grep -q 'targets of 2 hours' told
    grep -q 'known still .*log: its lines reach beyond' told
    lines 1 40000 | awk '$3 < "00:20:00" || $3 >= "02:05:00"' >rest
    import right --sensor gw --timezone UTC rest
    for query in "SELECT * FROM bins" "SELECT hour, source, port, class, country, events FROM sources ORDER BY 1, 2, 3" \
        "SELECT min(first), max(last) FROM sources" "SELECT DISTINCT hour FROM targets ORDER BY 1"; do
        for data in data right; do
            "$SCANTIDE" sql --config conf.yaml --data $data --format csv "$query" >$data.csv
        done
        cmp data.csv right.csv
    done
    [ "$("$SCANTIDE" sql --config conf.yaml --format csv "SELECT first, last FROM coverage" | tail -n +2 | xargs)" = \
        "$year-11-24 00:00:00,$year-11-24 00:19:59 $year-11-24 02:05:00,$year-11-24 02:13:20" ]
    for what in ports countries sources; do
        for data in data right; do
            "$SCANTIDE" top $what --config conf.yaml --data $data --all -n 0 --format json 2>/dev/null |
                jq -c '.rows[] | [.key, .events, .sources]' >$data.json
        done
        cmp data.json right.json
    done
}

@test "a source with one event left, and with two in different bins" {
    line() {
        echo "Nov 24 00:$1 gw kernel: DROP IN=eth0 OUT= SRC=198.51.100.$2 DST=192.0.2.1 LEN=40 TTL=244 ID=1 PROTO=TCP SPT=4000 DPT=22 WINDOW=1024 RES=0x00 SYN URGP=0"
    }
    {
        line 01:00 1; line 12:00 1; line 13:00 1
        line 01:00 2; line 12:00 2; line 30:00 2; line 31:00 2
        line 12:00 3; line 14:00 3
        line 02:00 4; line 12:00 4; line 31:00 4
        for s in 00 01 02 03; do line 03:$s 5; done; line 12:00 5; line 40:00 5
    } | sort >log
    import data --sensor gw --timezone UTC log
    prune --sensor gw --from "$year-11-24 00:10" --to "$year-11-24 00:15"
    diff - <("$SCANTIDE" sql --config conf.yaml --format csv "SELECT source, substr(first, 12) AS first, substr(last, 12) AS last, events FROM sources") <<'EOF'
source,first,last,events
198.51.100.1,00:01:00,00:01:00,1
198.51.100.2,00:01:00,00:31:00,3
198.51.100.4,00:02:00,00:31:00,2
198.51.100.5,00:03:00,00:40:00,5
EOF
}

@test "a log of several sensors is forgotten with the last of them" {
    { lines 1 100; lines 1 100 | sed 's/ gw / fw2 /'; } | sort >log
    import data --timezone UTC log
    prune --sensor gw --from "$year-11-24" --to "$year-11-25"
    grep -q 'known still .*log: it is of other sensors' told
    import data --timezone UTC log
    [ "$(events)" -eq 100 ]
    prune --sensor gw --sensor fw2 --sensor gw --from "$year-11-24" --to "$year-11-25"
    grep -q 'events  *100$' told
    grep -q 'forgotten ' told
    import data --timezone UTC log
    [ "$(events)" -eq 200 ]
}

@test "nothing left: no series either" {
    lines 1 1000 >log
    import data --sensor gw --timezone UTC log
    [ "$(find data/rrd -name '*.rrd' | wc -l)" -gt 1 ]
    prune --sensor gw --from "$year-11-24" --to "$year-11-25"
    [ "$(find data/rrd -name '*.rrd' | wc -l)" -eq 0 ]
    import data --sensor gw --timezone UTC log
    import right --sensor gw --timezone UTC log
    same data right
}

@test "it asks, and without a terminal it wants --yes" {
    lines 1 1000 >log
    import data --sensor gw --timezone UTC log
    run -2 --separate-stderr "$SCANTIDE" prune --config conf.yaml --sensor gw --from "$year-11-24" --to "$year-11-25" </dev/null
    [[ $stderr == *"say --yes"* ]]
    [[ $output == *"events"*1000* ]]
    [ "$(events)" -eq 1000 ]
    run -2 --separate-stderr "$SCANTIDE" prune --config conf.yaml --sensor gw --from "$year-11-24"
    [[ $stderr == *"must all be said"* ]]
    run -2 --separate-stderr "$SCANTIDE" prune --config conf.yaml --sensor gv --yes --from "$year-11-24" --to "$year-11-25"
    [[ $stderr == *"there are: gw"* ]]
    script -qec true /dev/null </dev/null >/dev/null 2>&1 || skip "no script(1), or no pseudo-terminals"
    printf 'n\n' | script -qec "'$SCANTIDE' prune --config conf.yaml --sensor gw --from $year-11-24 --to $year-11-25" /dev/null || true
    [ "$(events)" -eq 1000 ]
    printf 'y\n' | script -qec "'$SCANTIDE' prune --config conf.yaml --sensor gw --from $year-11-24 --to $year-11-25" /dev/null
    [ "$(events)" -eq 0 ]
}

@test "beside a daemon: a log that it follows is never counted twice" {
    lines 1 1000 >log
    lines 20000 21000 >other
    start
    until_true has_events 1000
    import data --sensor gw --timezone UTC other
    until_true has_events 2001
    prune --sensor gw --from "$year-11-24 01:00" --to "$year-11-24 02:00"
    [ "$(events)" -eq 1000 ]
    # Its own log as well: it is forgotten, so the daemon reads it again, once.
    prune --sensor gw --from "$year-11-24 00:00" --to "$year-11-24 01:00"
    lines 1001 1200 >>log
    until_true has_events 1200
    stop
    start
    lines 1201 1300 >>log
    until_true has_events 1300
    stop
    same_as_import log
}
