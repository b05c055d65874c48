# parsers: of an input: only these are tried; a name that isn't there is the user's mistake.

load run-helper

@test "another format's lines aren't counted" {
    sed -i 's/timezone: UTC/timezone: UTC, parsers: [cisco-asa]/' conf.yaml
    lines 1 10 >log
    echo '2026-11-24T10:00:00Z fw %ASA-4-106023: Deny tcp src outside:198.51.100.7/4000 dst inside:192.0.2.10/23 by access-group "outside" [0x0, 0x0]' >>log
    start
    until_true has_events 1
    stop
    grep -q 'ended: 11 lines: 1 events, 0 ignored, 10 unmatched' said
}

@test "no such parser" {
    sed -i 's/timezone: UTC/timezone: UTC, parsers: [iptable]/' conf.yaml
    run "$SCANTIDE" run --config conf.yaml
    [ "$status" -eq 2 ]
    [[ $output == *"inputs[0]: there is no parser 'iptable'; did you mean 'iptables'?"* ]]
}
