#!/usr/bin/env bats
# Sources made anonymous keep country, AS number and rule, and are counted as rightly as their new form allows.

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    : "${TOOLS:=$BATS_TEST_DIRNAME/../../build/tests}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=UTC LC_ALL=C
    printf '%s\n' '8.8.0.0/16 64500 One' '9.9.9.0/24 64501 Two' '2a00::/16 64502 Six' | "$TOOLS/mkmmdb" --schema asn >asn.mmdb
    printf '%s\n' '8.8.8.0/25 US' '8.8.8.128/25 NL' '9.9.9.0/24 FR' '2a00::/16 SE' | "$TOOLS/mkmmdb" >country.mmdb
    line() { echo "2026-11-24T0$1:00:09Z gw kernel: DROP IN=eth0 OUT= SRC=$2 DST=192.0.2.$4 LEN=60 PROTO=TCP SPT=4000 DPT=$3 SYN"; }
    {
        line 1 8.8.8.8 22 1
        line 1 8.8.8.9 22 1
        line 1 8.8.8.200 22 1
        line 1 8.8.8.8 23 1
        line 2 8.8.4.4 22 2
        line 2 9.9.9.9 22 2
        line 2 9.9.9.10 22 2
        line 3 2a00::1 22 1
        line 3 2a00::2 22 1
        line 3 8.8.8.8 22 1
    } >log
    printf '9.9.9.9\n' >list
}

take() { # FOLDER, HOW: with 9.9.9.9 a known scanner and 8.8.8.9 excluded
    printf 'geo: {asn: %s/asn.mmdb, country: %s/country.mmdb}\nanonymize: %s\nexclude: [8.8.8.9]\nscanners: [{name: list, file: %s/list}]\n' \
        "$PWD" "$PWD" "$2" "$PWD" >"$1.yaml"
    "$SCANTIDE" import --data "$PWD/$1" --config "$1.yaml" log >/dev/null 2>said
}

csv() { # FOLDER WHAT OPTION...
    "$SCANTIDE" top "$2" --data "$PWD/$1" --config "$1.yaml" --all --format csv "${@:3}" 2>/dev/null |
        awk -F, 'NR > 1 { printf "%s %s %s;", $2, $3, $5 }'
}

sql() { # FOLDER QUERY
    "$SCANTIDE" sql --data "$PWD/$1" --format csv "$2" | tail -n +2
}

@test "hash: every count is that of the true addresses, with and without excluded ones and scanners" {
    take true none
    take hash hash
    grep -q 'their key was made now' said
    for options in '' --with-excluded --without-scanners; do
        for what in ports countries pairs as targets; do
            [ -n "$(csv true $what $options)" ]
            [ "$(csv hash $what $options)" = "$(csv true $what $options)" ]
        done
        [ "$(csv hash sources $options | grep -o ' [0-9]* [0-9]*;' | paste -sd' ')" = "$(csv true sources $options | grep -o ' [0-9]* [0-9]*;' | paste -sd' ')" ]
    done
    "$SCANTIDE" top sources --data "$PWD/hash" --config hash.yaml --all 2>/dev/null | grep -Eq '  list  +AS64501 +Two$'
    [ "$(sql hash "SELECT count(*) FROM sources WHERE source NOT LIKE 'fd5c:a471:de0%'")" = 0 ]
    [ "$(sql hash "SELECT count(DISTINCT source) FROM sources WHERE source LIKE 'fd5c:a471:de06:%'")" = 2 ]
}

@test "hash: one source has one hash, in another run too" {
    take hash hash
    before=$(sql hash 'SELECT DISTINCT source FROM sources ORDER BY source')
    sed 's/T0/T1/' log >later
    "$SCANTIDE" import --data "$PWD/hash" --config hash.yaml later >/dev/null 2>&1
    [ "$(sql hash 'SELECT count(*) FROM sources')" -eq 20 ]
    [ "$(sql hash 'SELECT DISTINCT source FROM sources ORDER BY source')" = "$before" ]
    [ "$(stat -c %a hash/anonymize.key)" = 600 ]
}

@test "prefix: networks, in each country and under each rule that their sources had" {
    take net prefix
    [ "$(csv net sources)" = "8.8.8.0/24 4 1;9.9.9.0/24 2 1;2a00::/48 2 1;8.8.4.0/24 1 1;" ] ||
        [ "$(csv net sources)" = "8.8.8.0/24 4 1;2a00::/48 2 1;9.9.9.0/24 2 1;8.8.4.0/24 1 1;" ]
    [ "$(csv net countries)" = "US 3 1;FR 2 1;SE 2 1;NL 1 1;ZZ 1 1;" ]
    [ "$(csv net sources --without-scanners --port 22/tcp --country FR)" = "9.9.9.0/24 1 1;" ]
    [ "$(csv net ports)" = "22/tcp 8 4;23/tcp 1 1;" ]
    "$SCANTIDE" top ports --data "$PWD/net" --config net.yaml --all 2>/dev/null | head -1 | grep -q ', 4 sources that may be networks (anonymize: prefix)'
    [ "$("$SCANTIDE" top ports --data "$PWD/net" --config net.yaml --all --format json 2>/dev/null | jq .sources_are_networks)" = true ]
}

@test "a change of the rules leaves anonymous sources as they were counted, and says so" {
    take hash hash
    excluded=$(csv hash sources --with-excluded) seen=$(csv hash sources) ports=$(csv hash ports)
    sed -i 's/^exclude: .*/exclude: [8.8.8.8]/' hash.yaml
    "$SCANTIDE" import --data "$PWD/hash" --config hash.yaml log >/dev/null 2>said
    cat said
    grep -q 'made anonymous keep what they were counted as' said
    grep -q ' 0 events are counted anew' said
    [ "$(csv hash sources)" = "$seen" ]
    [ "$(csv hash ports)" = "$ports" ]
    [ "$(csv hash sources --with-excluded)" = "$excluded" ]
}

@test "a key that is none refuses an import" {
    mkdir hash
    echo key >hash/anonymize.key
    run take hash hash
    [ "$status" -eq 2 ]
    grep -q 'anonymize.key: this is no key' said
}
