#!/usr/bin/env bats
# Everything that a user edits beside the configuration is checked: own parser files, which take
# the places of shipped ones by name, and the files of rrd/.

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir own data
    printf 'parsers: %s/own\ninputs: [{file: %s/kern.log}]\n' "$PWD" "$PWD" >conf.yaml
    : >kern.log
    shipped=$(dirname "$BATS_TEST_DIRNAME")/../parsers/iptables.yaml
}

@test "a fault in an own parser file is said with its place" {
    sed '/^literals:/s/literals/litterals/' "$shipped" >own/iptables.yaml
    line=$(grep -n '^litterals' own/iptables.yaml | cut -d: -f1)
    run "$SCANTIDE" check --config conf.yaml --data data
    [ "$status" -eq 2 ]
    [[ $output == *"$PWD/own/iptables.yaml:$line:1: key 'litterals' is unknown; did you mean 'literals'?"* ]]
    [[ $output == *"a parser needs \`literal:\` or \`literals:\`"* ]]
}

@test "an own file of a shipped one's name is read in its place, and said to be" {
    cp "$shipped" own/
    run "$SCANTIDE" check --config conf.yaml --data data
    [ "$status" -eq 0 ]
    [[ $output == *"$PWD/own/iptables.yaml (in place of the shipped one)"* ]]
    [ "$(grep -c 'iptables: ' <<<"$output")" -eq 1 ]
}

@test "no parser file at all is a fault" {
    mkdir -p empty/parsers empty/rrd
    cp "$(dirname "$shipped")"/../rrd/*.yaml empty/rrd/
    SCANTIDE_SHARE=$PWD/empty run "$SCANTIDE" check --config conf.yaml --data data
    [ "$status" -eq 2 ]
    [[ $output == "$PWD/empty/parsers: no parser file is here"* ]]
}

@test "the archives and the look of charts are checked with them" {
    mkdir share
    cp -r "$(dirname "$shipped")" "$(dirname "$shipped")/../rrd" share/
    sed -i 's/^step:/stepp:/' share/rrd/schema.yaml
    sed -i 's/^layers:.*/layers: many/' share/rrd/chart.yaml
    SCANTIDE_SHARE=$PWD/share run "$SCANTIDE" check --config conf.yaml --data data
    [ "$status" -eq 2 ]
    [[ $output == *"$PWD/share/rrd/chart.yaml:"*"'layers' must be a whole number, not 'many'"* ]]
    [[ $output == *"$PWD/share/rrd/schema.yaml:"*": key 'stepp' is unknown; did you mean 'step'?"* ]]
}

@test "a fault of a chart's schema hides none of its meaning, and a list that isn't known has no length" {
    mkdir share
    cp -r "$(dirname "$shipped")" "$(dirname "$shipped")/../rrd" share/
    chart=share/rrd/chart.yaml
    sed -i -e '0,/hues:/s/hues:/hoes:/' -e '0,/back: .*/s//back: white/' -e 's/^layers:.*/layers: many/' $chart
    place() { printf '%s:%s:%s' "$PWD/$chart" "$(grep -n "$1" $chart | head -n 1 | cut -d: -f1)" "$2"; }
    SCANTIDE_SHARE=$PWD/share run "$SCANTIDE" check --config conf.yaml --data data
    [ "$status" -eq 2 ]
    [ "${#lines[@]}" -eq 4 ]
    [[ $output == *"$(place layers: 9): 'layers' must be a whole number, not 'many'"* ]]
    [[ $output == *"$(place 'name: ' 5): key 'hues' is missing"* ]]
    [[ $output == *"$(place 'back: white' 11): 'white' is no colour: "* ]]
    [[ $output == *"$(place hoes: 5): key 'hoes' is unknown; did you mean 'hues'?"* ]]
}
