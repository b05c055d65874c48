#!/usr/bin/env bats
# With a database of AS numbers each source is counted with its number; names are looked up when they are shown.

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    : "${TOOLS:=$BATS_TEST_DIRNAME/../../build/tests}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=UTC LC_ALL=C
    printf '%s\n' '8.8.0.0/16 64500 "Example" Net, Inc.' '9.9.9.0/24 64501 Other' | "$TOOLS/mkmmdb" --schema asn >asn.mmdb
    line() { echo "2026-11-24T0$1:00:09Z gw kernel: DROP IN=eth0 OUT= SRC=$2 DST=192.0.2.1 LEN=60 PROTO=TCP SPT=4000 DPT=$3 SYN"; }
    {
        line 1 8.8.8.8 22
        line 1 8.8.8.8 23
        line 2 8.8.4.4 22
        line 2 9.9.9.9 22
        line 3 7.7.7.7 22
    } >log
    printf 'geo: {asn: %s/asn.mmdb}\n' "$PWD" >conf.yaml
    "$SCANTIDE" import --data "$PWD/data" --config conf.yaml log >/dev/null 2>&1
}

top() { # WHAT OPTION...
    "$SCANTIDE" top "$1" --data "$PWD/data" --config conf.yaml --all "${@:2}" 2>/dev/null
}

csv() { # WHAT OPTION...
    top "$@" --format csv | awk -F, 'NR > 1 { printf "%s %s %s;", $2, $3, $5 }'
}

@test "top as ranks them by events, with distinct sources" {
    [ "$(csv as)" = "AS64500 3 2;unknown 1 1;AS64501 1 1;" ]
    [ "$(csv as --port 23/tcp)" = "AS64500 1 1;" ]
    top as | grep -Eq '^ +1  AS64500 .*  "Example" Net, Inc\.$'
    top as --format csv | grep -q ',64500,"""Example"" Net, Inc."$'
}

@test "a source shows its number and name, JSON with the names of ECS" {
    top sources | grep -Eq '^ +1  8\.8\.8\.8 .*  AS64500 +"Example" Net, Inc\.$'
    [ "$(top sources --format json | jq -c '.rows[0].source.as')" = '{"number":64500,"organization":{"name":"\"Example\" Net, Inc."}}' ]
    [ "$(top sources --format json | jq -c '.rows[] | select(.key == "7.7.7.7") | .source')" = null ]
}

@test "the number stays as it was counted, names follow the database" {
    printf '%s\n' '8.8.0.0/16 64999 Moved' '1.0.0.0/24 64500 Renamed' | "$TOOLS/mkmmdb" --schema asn >asn.mmdb
    top as --format csv | grep -q '^1,AS64500,.*"Renamed"$'
    [ "$(top as --format json | jq -c '.rows[] | select(.key == "AS64501") | .source.as')" = '{"number":64501}' ]
    [ "$("$SCANTIDE" sql --data "$PWD/data" --format csv 'SELECT asn, sum(events) FROM sources GROUP BY asn ORDER BY asn' | tail -n +2 | paste -sd' ')" = ",1 64500,3 64501,1" ]
}

@test "explain tells it, and check where it comes from" {
    "$SCANTIDE" explain --config conf.yaml log 2>/dev/null | head -1 | grep -q ' as AS64500 ""Example" Net, Inc."'
    [ "$("$SCANTIDE" explain --config conf.yaml --format json log 2>/dev/null | head -1 | jq -c .source.as)" = '{"number":64500,"organization":{"name":"\"Example\" Net, Inc."}}' ]
    "$SCANTIDE" check --config conf.yaml --data "$PWD/data" | grep -A1 '^AS numbers .*/asn.mmdb$' | grep -q 'scantide-test-ASN, built on 2026-01-01'
}

@test "a damaged database refuses an import, and a ranking only does without its names" {
    echo nothing >asn.mmdb
    run "$SCANTIDE" import --data "$PWD/data" --config conf.yaml log
    [ "$status" -eq 2 ]
    [[ $output == *"asn.mmdb: this database of AS numbers can't be used"*"'geo: asn:'"* ]]
    [ "$(csv as)" = "AS64500 3 2;unknown 1 1;AS64501 1 1;" ]
}
