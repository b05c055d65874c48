# Through an rrdcached: the same counts, and a sentence where there is none.

bats_require_minimum_version 1.5.0

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR"
    export TZ=UTC LC_ALL=C
    # Its address has room for 107 bytes.
    socket=$(mktemp -d)/sock
    printf 'inputs: [{file: %s/log, sensor: gw}]\nseries: {rrdcached: %s}\n' "$PWD" "$socket" >conf.yaml
    "$SCANTIDE" simulate --days 1 --rate 0.3 --seed 5 --end 2026-11-24T10:07:00Z >whole
    head -n $(($(wc -l <whole) / 2)) whole >log
}

teardown() {
    [ ! -s pid ] || kill "$(cat pid)"
    rm -rf "${socket%/sock}"
}

# What the files say. Their scratch values (what was consolidated last) depend on how many rows came in one update,
# and nothing is made from them.
dumps() { # DATA
    (
        cd "$1/rrd/gw"
        find . -name '*.rrd' | sort | while read -r file; do
            echo "$file"
            rrdtool dump "$file" | grep -E '<row>|<lastupdate>|<value>|<unknown_sec>|<unknown_datapoints>'
        done
    )
}

@test "a log that grows" {
    program=$("$BATS_TEST_DIRNAME/../rrdcached.sh") || skip "no rrdcached here, and none could be fetched"
    "$program" -l "unix:$socket" -p "$PWD/pid" -w 3600 -f 7200 >/dev/null 2>&1 3>&-
    for ((tries = 0; tries < 500; tries++)); do
        [ ! -S "$socket" ] || break
        sleep 0.01
    done
    "$SCANTIDE" import --config conf.yaml --data data log >/dev/null 2>&1
    cp whole log
    "$SCANTIDE" import --config conf.yaml --data data log >/dev/null 2>&1
    "$SCANTIDE" graph total --config conf.yaml --data data --all -o total.svg 2>/dev/null
    "$SCANTIDE" import --data direct --sensor gw whole >/dev/null 2>&1
    dumps direct >wanted
    dumps data | cmp wanted -
}

@test "one that can't be reached" {
    run -1 --separate-stderr "$SCANTIDE" import --config conf.yaml --data data log
    # shellcheck disable=SC2154 # by bats
    [[ $stderr == *"rrdcached can't be reached"*"rrdcached -l unix:$socket"* ]]
    # The facts are there, and the series come when it is.
    [[ $output == *events* ]]
    sed -i '/series/d' conf.yaml
    "$SCANTIDE" import --config conf.yaml --data data log >/dev/null 2>&1
    [ -s data/rrd/gw/total.rrd ]
}
