# What didn't get here is counted and told: in the summary, in status, in the coverage.

load run-helper

@test "loggers' notices of suppressed messages" {
    lines 1 10 >log
    echo 'Nov 24 00:00:05 gw kernel: [5.0] net_ratelimit: 40 callbacks suppressed' >>log
    echo 'Nov 24 00:00:06 gw systemd-journald[7]: Suppressed 2 messages from kernel' >>log
    "$SCANTIDE" import --config conf.yaml --sensor gw log | grep -q 'suppressed  *42 '
    [ "$("$SCANTIDE" sql --config conf.yaml --format csv "SELECT sum(lost) FROM coverage WHERE state = 'lost'" | tail -1)" -eq 42 ]
    [ "$(events)" -eq 10 ]
}
