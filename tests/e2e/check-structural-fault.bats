#!/usr/bin/env bats
# A file that is no YAML has one fault, where the structure breaks; the other files are looked at
# all the same.

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    conf=$BATS_TEST_TMPDIR/scantide.yaml
}

@test "an open bracket is one fault, whatever else is wrong in the file" {
    printf 'nonsense: 1\nseries:\n  ports: [23/tcp\nlate: never\n' >"$conf"
    run "$SCANTIDE" check --config "$conf"
    [ "$status" -eq 2 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ ${lines[0]} == "$conf:4:"*": not YAML: "*"begins in line 3"* ]]
}

@test "a tab is called a tab" {
    printf 'series:\n\tmax_ports: 1\n' >"$conf"
    run "$SCANTIDE" check --config "$conf"
    [ "$status" -eq 2 ]
    [ "$output" = "$conf:2:1: not YAML: a tab; YAML is indented with spaces only" ]
}

@test "a broken configuration doesn't hide a broken parser file" {
    cp -r "$(dirname "$BATS_TEST_DIRNAME")/../parsers" "$(dirname "$BATS_TEST_DIRNAME")/../rrd" .
    printf 'name: mine\nabout: [\n' >parsers/mine.yaml
    printf 'late: {\n' >"$conf"
    SCANTIDE_SHARE=$PWD run "$SCANTIDE" check --config "$conf"
    [ "$status" -eq 2 ]
    [ "${#lines[@]}" -eq 2 ]
    [[ $output == *"$PWD/parsers/mine.yaml:3:"*": not YAML: "* ]]
    [[ $output == *"$conf:2:"*": not YAML: "* ]]
}
