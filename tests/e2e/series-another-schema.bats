# A changed schema: the daemon makes all files again, from the facts, while charts are drawn.

load run-helper

has_rows() { # FILE ROWS
    rrdtool info "data/rrd/gw/$1" | grep -q "^rra.0..rows = $2$"
}

all_have() { # ROWS
    find data/rrd -name '*.rrd' | while read -r file; do
        rrdtool info "$file" | grep -q "^rra.0..rows = $1$" || exit 1
    done
}

events_of_total() {
    last=$(last_of_total)
    rrdtool fetch data/rrd/gw/total.rrd AVERAGE -r 300 -s "$((last - 172500))" -e "$((last - 300))" |
        awk '$2 ~ /[0-9]/ { n += sprintf("%.0f", $2 * 300) } END { print n + 0 }'
}

last_of_total() {
    rrdtool last data/rrd/gw/total.rrd
}

@test "all files get its shape, with the counts they had" {
    "$SCANTIDE" simulate --days 1 --rate 0.2 --seed 4 --end "$(date -u -d '-10 min' +%Y-%m-%dT%H:%M:%SZ)" >log
    "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC log >/dev/null 2>&1
    all_have 2880
    counted=$(events_of_total)
    share=${SCANTIDE_SHARE:-$BATS_TEST_DIRNAME/../..}
    mkdir share
    cp -r "$share/parsers" "$share/rrd" share/
    sed -i 's/days: 10$/days: 30/' share/rrd/schema.yaml
    export SCANTIDE_SHARE=$PWD/share
    start
    "$SCANTIDE" graph port 23/tcp --config conf.yaml --last 6h -o port.svg 2>/dev/null
    has_rows port/23-tcp.rrd 8640
    until_true all_have 8640
    [ "$(events_of_total)" -eq "$counted" ]
    stop
    run find data/rrd -name '*.new*'
    [ -z "$output" ]
}
