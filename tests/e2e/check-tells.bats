#!/usr/bin/env bats
# Without a fault, check tells what would be read, from where, and where it would be kept; it
# changes nothing.

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    printf '198.51.100.0/24 CN\n' | "$TOOLS/mkmmdb" --schema iso >country.mmdb
    cat >conf.yaml <<EOF
geo: {country: $PWD/country.mmdb}
data: $PWD/data
inputs:
  - {file: $PWD/kern.log, sensor: gate, timezone: Asia/Tokyo}
  - {file: $PWD/later.log}
prefixes: [{prefix: 'PASS', action: accept}]
series: {ports: [53/udp, 23/tcp]}
EOF
    echo line >kern.log
}

@test "everything that counts is told" {
    "$SCANTIDE" check --config conf.yaml >out 2>err
    cat out
    [ ! -s err ]
    grep -q "^Configuration  *conf.yaml$" out
    grep -q "$PWD/kern.log$" out
    grep -q "5 bytes, last written " out
    grep -q "sensor: gate" out
    grep -q "Asia/Tokyo (now UTC+09:00)" out
    grep -A1 "$PWD/later.log$" out | grep -q "isn't there yet"
    grep -q "iptables: " out
    grep -q "'PASS' in a LOG prefix means accept" out
    grep -q "$PWD/country.mmdb$" out
    grep -q ", built on 20" out
    grep -A1 "$PWD/data$" out | grep -q "isn't there yet; it can be made"
    grep -q "always 23/tcp, 53/udp" out
}

@test "nothing is made" {
    "$SCANTIDE" check --config conf.yaml >out
    [ ! -e data ]
}

@test "--data goes before the configuration" {
    mkdir other
    "$SCANTIDE" check --config conf.yaml --data "$PWD/other" >out
    grep -A1 "$PWD/other$" out | grep -q "can be written, .* free"
    [ "$(grep -c "$PWD/data" out)" -eq 0 ]
}

@test "the shipped configuration has no fault" {
    run "$SCANTIDE" check --config "$(dirname "$BATS_TEST_DIRNAME")/../conf/scantide.yaml" --data "$PWD"
    [ "$status" -eq 0 ]
}

@test "--help goes to stdout, a stray word is the user's mistake" {
    run "$SCANTIDE" check --help
    [ "$status" -eq 0 ]
    [[ $output == "scantide check - "* ]]
    run "$SCANTIDE" check other.yaml
    [ "$status" -eq 2 ]
    [[ $output == *"--config other.yaml"* ]]
}
