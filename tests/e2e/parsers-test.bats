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
  - line: 'Nov 24 10:00:01 gw wallaby: kicked out 198.51.100.7 tcp6 23'
    gives: {}
  - line: 'Nov 24 10:00:01 gw wallaby: kicked out 198.51.100.7 from tcp 23'
    gives: {}
refuses:
  - 'Nov 24 10:00:01 gw wallaby: kicked out 198.51.100.7 tcp 24'
END
    run "$SCANTIDE" parsers test --config conf.yaml own/wallaby.yaml
    echo "$output"
    [ "$status" -eq 2 ]
    [ "${#lines[@]}" -eq 8 ]
    [ "${lines[0]}" = "own/wallaby.yaml:4:10: there is no parser 'iptabels'; \`scantide parsers list\` names them all" ]
    [[ ${lines[1]} == "own/wallaby.yaml:7:5: no sample proves this pattern: "* ]]
    [ "${lines[2]}" = "own/wallaby.yaml:12:20: dport is '23', not '24'" ]
    [[ ${lines[3]} == "own/wallaby.yaml:13:11: pattern 2 would take this sample, but it holds no literal of the parser: "* ]]
    [[ ${lines[4]} == "own/wallaby.yaml:15:11: no pattern takes this sample: it holds no literal of the parser, "* ]]
    [ "${lines[5]}" = "own/wallaby.yaml:17:11: no pattern takes this sample; pattern 1: it fits wallaby: kicked out 198.51.100.7 tcp6 23 | and the line ends, but 'tcp6' is no proto" ]
    [ "${lines[6]}" = "own/wallaby.yaml:19:11: no pattern takes this sample; pattern 1: it could fit wallaby: kicked out 198.51.100.7 from  | but not tcp 23" ]
    [ "${lines[7]}" = "own/wallaby.yaml:22:5: this line is to be refused, but pattern 1 takes it" ]
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

@test "a # that was meant as a character is suspected where it makes a pattern wrong" {
    sed -i 's/kicked\\ out|let\\ in/kicked\\ out|#in/' own/wallaby.yaml
    run "$SCANTIDE" parsers test --config conf.yaml own/wallaby.yaml
    [ "$status" -eq 2 ]
    [[ ${lines[0]} == "own/wallaby.yaml:6:5: the pattern is wrong at character "*"; a # begins a comment, unless it is written \#" ]]
}

@test "programs get the list, and how near parsers came, as JSON" {
    run bash -c '"$SCANTIDE" parsers list --json --config conf.yaml | jq -r ".[0] | .name, .about, .file"'
    [ "$output" = "wallaby
Wallaby routers
$PWD/own/wallaby.yaml" ]
    run bash -c '"$SCANTIDE" explain --config conf.yaml --format json - 2>/dev/null <<<"Nov 24 10:00:01 gw wallaby[7]: let in 198.51.100.7 hopping to host" |
        jq -r ".outcome, (.near[] | .parser, .pattern, .text)"'
    [ "$output" = "unmatched
wallaby
1
it could fit let in 198.51.100.7 hopping to  | but not host" ]
}
