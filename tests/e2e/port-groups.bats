#!/usr/bin/env bats
# Ports of one group are ranked and drawn as one; their distinct sources are a union, no sum.

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=UTC LC_ALL=C
    line() { echo "2026-11-24T0$1:00:09Z gw kernel: DROP IN=eth0 OUT= SRC=$2 DST=192.0.2.$4 LEN=60 PROTO=TCP SPT=4000 DPT=$3 SYN"; }
    {
        for i in $(seq 12); do
            line 1 203.0.113.1 445 1
            line 1 203.0.113.2 445 1
            line 2 203.0.113.1 139 2
        done
        line 2 8.8.8.8 139 1
        line 2 203.0.113.3 23 1
        line 3 203.0.113.1 22 1
    } >log
    "$SCANTIDE" import --data "$PWD/data" log >/dev/null 2>&1
}

csv() { # WHAT OPTION...
    "$SCANTIDE" top "$1" --data "$PWD/data" --all --format csv "${@:2}" 2>/dev/null |
        awk -F, 'NR > 1 { printf "%s %s %s;", $2, $3, $5 }'
}

@test "rankings: a group is a row, with the union of its sources; other ports stay themselves" {
    [ "$(csv ports)" = "445/tcp 24 2;139/tcp 13 2;22/tcp 1 1;23/tcp 1 1;" ]
    [ "$(csv ports --groups)" = "smb 37 3;ssh 1 1;telnet 1 1;" ]
    [ "$(csv pairs --groups | cut -d';' -f 1-3)" = "smb -- 36 2;ssh -- 1 1;telnet -- 1 1" ]
    [ "$("$SCANTIDE" top ports --groups --data "$PWD/data" --all --format json 2>/dev/null | jq -c '.rows[0].group')" = '["139/tcp","445/tcp"]' ]
}

@test "--port takes a group" {
    [ "$(csv countries --port smb | cut -d';' -f1)" = "-- 36 2" ]
    [ "$(csv sources --port smb)" = "203.0.113.1 24 2;203.0.113.2 12 1;8.8.8.8 1 1;" ] ||
        [ "$(csv sources --port smb | cut -d' ' -f1,2)" = "203.0.113.1 24" ]
    [ "$(csv targets --port smb)" = "192.0.2.1 25 3;192.0.2.2 12 1;" ]
    [ "$(csv ports --port smb)" = "445/tcp 24 2;139/tcp 13 2;" ]
    run "$SCANTIDE" top ports --data "$PWD/data" --port smd
    [ "$status" -eq 2 ]
    [[ $output == *"--port smd: there is no such group; did you mean 'smb'?"* ]]
}

@test "a chart of a group is the sum of its ports' series" {
    "$SCANTIDE" graph port smb --data "$PWD/data" --all --print -o out.png >out.sh 2>err
    grep -q 'port/445-tcp.rrd' out.sh
    grep -q 'port/139-tcp.rrd' out.sh
    grep -q 'pair/445-tcp/--.rrd' out.sh
    grep -q 'pair/139-tcp/--.rrd' out.sh
    grep -q 'smb (139/tcp, 445/tcp)' out.sh
    "$SCANTIDE" graph port smb --by port --data "$PWD/data" --all --print -o out.png 2>err | grep -c 'DEF:.*port/[14][43][59]-tcp.rrd'
    "$SCANTIDE" graph port smb --data "$PWD/data" --all -o out.png 2>err
    [ -s out.png ]
    "$SCANTIDE" graph port mail --data "$PWD/data" --all -o mail.png 2>err && false
    grep -q 'no port of mail has a series' err
}

@test "an own file decides" {
    cp -r "$BATS_TEST_DIRNAME/../../rrd" "$BATS_TEST_DIRNAME/../../parsers" .
    printf 'ports:\n  - {port: 22/tcp, name: a, why: b, group: mine}\n  - {port: 23/tcp, name: c, why: d, group: mine}\n' >rrd/ports.yaml
    export SCANTIDE_SHARE=$PWD
    [ "$(csv ports --groups)" = "445/tcp 24 2;139/tcp 13 2;mine 2 2;" ]
    echo 'ports: [{port: 22/tcp}]' >rrd/ports.yaml
    run "$SCANTIDE" top ports --groups --data "$PWD/data"
    [ "$status" -eq 2 ]
    [[ $output == *"rrd/ports.yaml:1:9: "* ]]
    run "$SCANTIDE" check --data "$PWD/data"
    [[ $output == *"rrd/ports.yaml:1:9: "* ]]
}
