#!/usr/bin/env bats
# `explain` helps whoever writes a parser: how near each came to a line that none takes, and what is left of a log, by its shape.

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    packet='IN=eth0 OUT= MAC= SRC=198.51.100.7 DST=192.0.2.10 LEN=28 TOS=0x00 PREC=0x00 TTL=1 ID=9'
}

@test "of an unmatched line it says how far a pattern fits, or that only the literal is missing" {
    mkdir own
    printf 'parsers: %s/own\n' "$PWD" >conf.yaml
    cat >own/wallaby.yaml <<'END'
name: wallaby
about: a test
literal: 'kicked out'
anchor: message
patterns: ['(?:kicked|boxed)\ out\ (?<src>[0-9.]++)\ (?<proto>\d++)\ on\ wan']
verdict: {from: action}
samples: [{line: 'kicked out 198.51.100.7 2 on wan', gives: {}}]
END
    {
        echo 'Nov 24 10:00:01 gw kicked out 198.51.100.7 2 on lan'
        echo 'Nov 24 10:00:01 gw boxed out 198.51.100.7 2 on wan'
        echo 'Nov 24 10:00:02 gw boxed out 198.51.100.9 2 on wan'
        echo "Nov 24 10:00:01 gw kernel: DROP $packet PROTO=TCP SPT=4000 DPT=2"
    } >log
    run "$SCANTIDE" explain --config conf.yaml log
    echo "$output"
    [[ $output == *"near wallaby, pattern 1: it could fit kicked out 198.51.100.7 2 on  | but not lan"* ]]
    [[ $output == *"near wallaby, pattern 1: it would fit, but the line lacks the literal 'kicked out'"* ]]
    [[ $output == *"near iptables, pattern 1: it fits ..."*" | and the line ends, but tells no dport"* ]]
    [ "$(grep -c "lacks the literal 'kicked out'" <<<"$output")" -eq 1 ] # the same shape again
}

@test "--summary counts by parser, names what no rule decided, and groups the rest by shape" {
    {
        for i in 1 2 3; do echo "Nov 24 10:00:0$i gw kernel: [$i.5] DROP $packet PROTO=2 "; done
        for i in 1 2; do echo "Nov 24 10:00:0$i gw kernel: [$i.5] rule $i: $packet PROTO=2 "; done
        echo "Nov 24 10:00:04 gw kernel: ACCEPT $packet PROTO=2 "
        for i in 1 2 3 4; do echo "Nov 24 10:00:0$i gw sshd[$i]: user $i from 192.0.2.$i and 2001:db8::$i by 52:54:00:12:34:5$i"; done
    } >log
    run "$SCANTIDE" explain --summary log
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output =~ " 10  lines" ]]
    [[ $output =~ " 5          1  iptables" ]]
    [[ $output =~ " 2  line 4         iptables         drop    \"rule #:\"" ]]
    [[ $output != *'"DROP"'* ]]
    [[ $output =~ " 4  line 7         user # from <ip> and <ip> by <mac>" ]]
}
