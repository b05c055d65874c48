#!/usr/bin/env bats
# Three faults in one configuration are three lines, each with file, line and column, in the
# file's order.

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

@test "three faults are three lines, and nothing else is said" {
    conf=$BATS_TEST_TMPDIR/scantide.yaml
    cat >"$conf" <<'EOF'
# a comment
inputs:
  - file: /var/log/kern.log
    timezon: UTC
commit_every: [5s]
series:
  max_ports: many
EOF
    status=0
    "$SCANTIDE" check --config "$conf" --data "$BATS_TEST_TMPDIR" >out 2>err || status=$?
    [ "$status" -eq 2 ]
    [ ! -s out ]
    diff err - <<EOF
$conf:4:5: key 'timezon' is unknown; did you mean 'timezone'?
$conf:5:15: 'commit_every' must be one value, not a list
$conf:7:14: 'series.max_ports' must be a whole number, not 'many'
EOF
}

@test "what the schema can't say is said alike: a relative path, a duration, a port" {
    conf=$BATS_TEST_TMPDIR/scantide.yaml
    cat >"$conf" <<'EOF'
data: facts
late: 2 minutes
series:
  ports: [23/tcp, telnet]
EOF
    run "$SCANTIDE" check --config "$conf"
    [ "$status" -eq 2 ]
    diff - <<EOF <(printf '%s\n' "$output")
$conf:1:7: 'data' must be a whole path that begins with '/', not 'facts'
$conf:2:7: 'late' must be a number and s, m or h, such as 5s or 2m, not '2 minutes'
$conf:4:19: 'telnet' is no port; write it like 23/tcp, 53/udp, 8/icmp, 128/icmp6 or 47/ip
EOF
}
