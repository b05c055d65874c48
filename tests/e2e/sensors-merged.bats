#!/usr/bin/env bats
# A sensor takes over the names of others, with all that was counted under them.

sensor() { # NAME SEED END: its log of five days, more than an import leaves unfolded
    "$SCANTIDE" simulate --seed "$2" --days 5 --rate 0.02 --end "$3" |
        awk -v name="$1" '/ kernel: / { $4 = name; print }'
}

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=UTC LC_ALL=C
    sensor one 7 2026-11-20T06:00:00Z >one.log
    sensor two 8 2026-11-20T09:00:00Z >two.log
    : >plain.yaml
    printf 'sensors: [{name: gate, was: [one, two]}]\n' >merged.yaml
}

take() { # FOLDER CONFIG LOG...
    "$SCANTIDE" import --data "$PWD/$1" --config "$2" --timezone UTC --year 2026 "${@:3}" >/dev/null 2>said
}

sql() { # FOLDER QUERY
    "$SCANTIDE" sql --data "$PWD/$1" --format csv "$2" | tail -n +2
}

# All that readers see, but the order in which sensors were made.
dump() { # FOLDER
    for table in bins sources targets coverage; do
        columns=$(sqlite3 :memory: "SELECT CASE '$table' WHEN 'bins' THEN 'sensor, epoch, class, rule, port, country, sum(events)'
            WHEN 'sources' THEN 'sensor, epoch, source, port, class, country, min(first_epoch), max(last_epoch), sum(events)'
            WHEN 'targets' THEN 'sensor, epoch, target, port, sum(events)' ELSE 'sensor, first_epoch, last_epoch' END")
        group=
        [ $table = coverage ] || group="GROUP BY sensor, epoch, $(case $table in bins) echo class, rule, port, country ;; sources) echo source, port, class, country ;; targets) echo target, port ;; esac)"
        sql "$1" "SELECT $columns FROM $table $group" | sort
    done
    for what in ports countries sources pairs targets; do
        "$SCANTIDE" top $what --data "$PWD/$1" --all -n 0 --format csv 2>/dev/null
    done
    "$SCANTIDE" top ports --data "$PWD/$1" --from 2026-11-20T02:00:00Z --to 2026-11-20T05:30:00Z -n 0 --format csv 2>/dev/null
}

rrds() { # FOLDER
    (cd "$1/rrd" && find . -name '*.rrd' | sort | while read -r file; do
        echo "$file"
        rrdtool fetch "$file" AVERAGE -r 300 -s 1794700800 -e 1795168800
        rrdtool fetch "$file" AVERAGE -r 3600 -s 1794700800 -e 1795168800
    done)
}

@test "what was counted before is as if it had always been one sensor; series too" {
    take late plain.yaml one.log two.log
    take late merged.yaml one.log
    grep -q 'sensor one is gate now, and so is what was counted of it (.* events)' said
    grep -q 'sensor two is gate now' said
    take early merged.yaml one.log two.log
    [ "$(dump late | wc -l)" -gt 1000 ]
    diff <(dump late) <(dump early)
    [ "$(ls late/rrd)" = gate ]
    diff <(rrds late) <(rrds early)
    sqlite3 late/facts.db 'PRAGMA integrity_check' | grep -qx ok
}

@test "a log is known under the new name, given or by its lines; nothing is counted twice" {
    take data plain.yaml --sensor one one.log
    take data plain.yaml two.log
    events=$(sql data 'SELECT sum(events) FROM bins')
    take data merged.yaml --sensor gate one.log
    take data merged.yaml --sensor one one.log
    take data merged.yaml two.log
    [ "$(sql data 'SELECT sum(events) FROM bins')" = "$events" ]
    [ "$(sql data 'SELECT sensor FROM sensors')" = gate ]
    "$SCANTIDE" top ports --data "$PWD/data" --all --sensor two >out 2>/dev/null
    diff out <("$SCANTIDE" top ports --data "$PWD/data" --all --sensor gate 2>/dev/null)
}

@test "every table that is kept by sensor is moved" {
    take data plain.yaml one.log two.log
    gone=$(sqlite3 data/facts.db "SELECT group_concat(id) FROM sensor")
    take data merged.yaml one.log
    # A new one belongs into store/sensors.c before it belongs here.
    [ "$(sqlite3 data/facts.db "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
        WHERE m.type = 'table' AND c.name = 'sensor' AND c.type = 'INTEGER' ORDER BY 1" | paste -sd' ')" = \
        "burst coverage day gap late lean pair position_sensor segment series trace unfolded" ]
    for table in burst coverage day gap trace late lean pair position_sensor segment series unfolded; do
        [ "$(sqlite3 data/facts.db "SELECT count(*) FROM $table WHERE sensor NOT IN (0, (SELECT id FROM sensor))")" = 0 ]
    done
    [ "$gone" = 1,2 ]
}

@test "taken out of the configuration, a name is its own sensor for what comes then, and that is said" {
    take data merged.yaml one.log
    sensor one 9 2026-11-20T18:00:00Z >more.log
    before=$(sql data "SELECT sum(events) FROM bins")
    take data plain.yaml more.log
    grep -q "sensor one isn't gate any more for what comes from now on; what was counted so stays so" said
    [ "$(sql data "SELECT sum(events) FROM bins WHERE sensor = 'gate'")" = "$before" ]
    [ "$(sql data "SELECT count(*) > 0 FROM bins WHERE sensor = 'one'")" = 1 ]
}

@test "a daemon that is loaded anew goes on with the merged sensor, and removes the old one's series" {
    cp plain.yaml conf.yaml
    printf 'inputs: [{file: %s/grows.log, timezone: UTC}]\n' "$PWD" | tee -a conf.yaml >>merged.yaml
    sensor one 7 "$(date -u -d '-10 minutes' +%FT%TZ)" >whole.log
    head -n 3000 whole.log >grows.log
    "$SCANTIDE" run --data "$PWD/data" --config conf.yaml 2>said &
    pid=$!
    wait_for() { for _ in $(seq 300); do "$@" && return; sleep 0.1; done; kill $pid; return 1; }
    has() { [ "$(sql data 'SELECT sum(events) FROM bins' 2>/dev/null)" = "$1" ]; }
    wait_for has "$(grep -c ' kernel: .*DROP' <(head -n 3000 whole.log))"
    wait_for test -e data/rrd/one/total.rrd
    cp merged.yaml conf.yaml
    kill -HUP $pid
    wait_for grep -q 'sensor one is gate now' said
    tail -n +3001 whole.log >>grows.log
    wait_for has "$(grep -c ' kernel: .*DROP' whole.log)"
    "$SCANTIDE" graph total --data "$PWD/data" --all -o out.png
    [ -e data/rrd/gate/total.rrd ]
    [ ! -e data/rrd/one ]
    [ "$(sql data 'SELECT DISTINCT sensor FROM bins')" = gate ]
    [ "$(sqlite3 data/facts.db 'SELECT count(*) FROM coverage WHERE sensor NOT IN (SELECT id FROM sensor)')" = 0 ]
    kill $pid
    wait $pid
}

@test "a configuration that can't be taken over whole changes nothing" {
    take facts plain.yaml one.log two.log
    dump facts >before
    echo 'no key' >facts/anonymize.key
    printf 'sensors: [{name: gate, was: [one, two]}]\nanonymize: hash\nexclude: [0.0.0.0/1]\n' >bad.yaml
    run take facts bad.yaml one.log
    [ "$status" -ne 0 ]
    grep -q 'this is no key' said
    run ! grep -q 'is gate now' said
    diff before <(dump facts)
}
