#!/usr/bin/env bats
# `scantide parsers`: a parser file carries its proof, and whatever is wrong with that is said with its place. The worked example
# of parsers/README.md is one that passes.

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir own
    printf 'parsers: %s/own\n' "$PWD" >conf.yaml
    readme=$(dirname "$BATS_TEST_FILENAME")/../../parsers/README.md
    awk '/^```yaml/ { n++; on = n == 1; next } /^```/ { on = 0 } on' "$readme" >own/wallaby.yaml
}

@test "all shipped parsers are listed, and carry their proof" {
    rm own/*
    run "$SCANTIDE" parsers list --config conf.yaml
    [ "$status" -eq 0 ]
    [[ $output == *"iptables "*"/parsers/iptables.yaml"* ]]
    run "$SCANTIDE" parsers test --config conf.yaml
    [ "$status" -eq 0 ]
    [[ $output == *"iptables "* ]]
}

@test "the worked example passes, and its firewall's lines are counted" {
    run "$SCANTIDE" parsers test --config conf.yaml own/wallaby.yaml
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"wallaby "* ]]
    run "$SCANTIDE" explain --config conf.yaml - <<<"$(grep -m 1 -o "wallaby\[.*tcp.*[^']" own/wallaby.yaml)"
    [[ $output == *"event  parser wallaby"* ]]
}

@test "each kind of fault is said with file, line and column" {
    cat >own/wallaby.yaml <<'END'
name: wallaby
about: a test
literal: 'kicked out'
before: [iptabels]
patterns:
  - 'wallaby:\ kicked\ out\ (?<src>[0-9.]++)\ (?<proto>\w++)\ (?<dport>\d++)'
  - 'wallaby:\ boxed\ (?<src>[0-9.]++)\ (?<proto>\w++)\ (?<dport>\d++)'
anchor: message
verdict: {from: action}
samples:
  - line: 'Nov 24 10:00:01 gw wallaby: kicked out 198.51.100.7 tcp 23'
    gives: {dport: 24}
  - line: 'Nov 24 10:00:01 gw wallaby: boxed 198.51.100.7 gre 23'
    gives: {}
  - line: 'Nov 24 10:00:01 gw wallaby: nothing'
    gives: {}
refuses:
  - 'Nov 24 10:00:01 gw wallaby: kicked out 198.51.100.7 tcp 24'
END
    run "$SCANTIDE" parsers test --config conf.yaml own/wallaby.yaml
    echo "$output"
    [ "$status" -eq 2 ]
    [ "${#lines[@]}" -eq 6 ]
    [ "${lines[0]}" = "own/wallaby.yaml:4:10: there is no parser 'iptabels'; \`scantide parsers list\` names them all" ]
    [[ ${lines[1]} == "own/wallaby.yaml:7:5: no sample proves this pattern: "* ]]
    [ "${lines[2]}" = "own/wallaby.yaml:12:20: dport is '23', not '24'" ]
    [[ ${lines[3]} == "own/wallaby.yaml:13:11: pattern 2 would take this sample, but it holds no literal of the parser: "* ]]
    [ "${lines[4]}" = "own/wallaby.yaml:15:11: no pattern takes this sample" ]
    [ "${lines[5]}" = "own/wallaby.yaml:18:5: this line is to be refused, but pattern 1 takes it" ]
}

@test "a parser that takes another's lines must say which goes first" {
    sed -e 's/^name: .*/name: roo/' -e '/^about:/s/.*/about: the same again/' own/wallaby.yaml >own/roo.yaml
    run "$SCANTIDE" parsers test --config conf.yaml
    [ "$status" -eq 2 ]
    [[ $output == *"own/roo.yaml:"*": 'wallaby' takes this sample too: say \`before: [wallaby]\` here, or make its patterns stricter"* ]]
}

@test "without a sample a parser is no parser" {
    sed -i '/^samples:/,$d' own/wallaby.yaml
    run "$SCANTIDE" parsers test --config conf.yaml
    [ "$status" -eq 2 ]
    [[ $output == *"key 'samples' is missing"* ]]
}
