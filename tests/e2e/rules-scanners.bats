#!/usr/bin/env bats
# Known scanners are counted as usual, shown by name, and left out at will.

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=UTC LC_ALL=C
    line() { echo "2026-11-24T0$1:00:09Z gw kernel: DROP IN=eth0 OUT= SRC=$2 DST=192.0.2.1 LEN=60 PROTO=TCP SPT=4000 DPT=$3 SYN"; }
    {
        line 1 203.0.113.5 22
        line 1 203.0.113.5 23
        line 2 203.0.113.5 22
        line 2 203.0.113.200 22
        line 3 198.51.100.7 22
    } >log
    printf '# the lab\n203.0.113.0/24\n' >lab
    printf '203.0.113.128/25\n' >other
    printf 'scanners:\n  - {name: the lab, file: %s/lab}\n  - {name: other, file: %s/other}\n' "$PWD" "$PWD" >conf.yaml
    "$SCANTIDE" import --data "$PWD/data" --config conf.yaml log >/dev/null 2>&1
}

top() { # WHAT OPTION...
    "$SCANTIDE" top "$1" --data "$PWD/data" --all "${@:2}" 2>/dev/null
}

csv() { # WHAT OPTION...
    top "$@" --format csv | awk -F, 'NR > 1 { printf "%s %s %s;", $2, $3, $5 }'
}

@test "they are counted as usual" {
    [ "$(csv ports)" = "22/tcp 4 3;23/tcp 1 1;" ]
    [ "$(csv sources)" = "203.0.113.5 3 1;198.51.100.7 1 1;203.0.113.200 1 1;" ]
    [ "$(rrdtool fetch data/rrd/gw/total.rrd AVERAGE -r 300 -s 1795478400 -e 1795500000 | awk '$2 ~ /[0-9]/ { n += $2 * 300 } END { printf "%.0f", n }')" = 5 ]
}

@test "the longest prefix gives the name" {
    top sources >out
    cat out
    grep -q '^ *rank .*  scanner$' out
    grep -Eq ' 203.0.113.5 .*  the lab$' out
    grep -Eq ' 203.0.113.200 .*  other$' out
    [ "$(grep -c '198.51.100.7 .*\(lab\|other\)' out)" -eq 0 ]
    top sources --format json | grep -q '"key":"203.0.113.200",.*"scanner":"other"'
    [ "$(top sources --format json | grep '198.51.100.7' | grep -c scanner)" -eq 0 ]
}

@test "--without-scanners leaves them out" {
    [ "$(csv ports --without-scanners)" = "22/tcp 1 1;" ]
    [ "$(csv sources --without-scanners)" = "198.51.100.7 1 1;" ]
    top pairs --without-scanners | head -1 | grep -q ': 1 events, 1 sources; 4 events are hidden$'
}

@test "a list that has changed on the disk is taken over, names stay apart" {
    echo '198.51.100.0/24' >>other
    "$SCANTIDE" import --data "$PWD/data" --config conf.yaml log >/dev/null 2>said
    grep -q ', 1 events are counted anew; they reach back to 2026-11-24 01:00' said
    [ -z "$(csv ports --without-scanners)" ]
    echo >lab
    "$SCANTIDE" import --data "$PWD/data" --config conf.yaml log >/dev/null 2>said
    grep -q ', 3 events are counted anew' said
    [ "$(csv sources --without-scanners)" = "203.0.113.5 3 1;" ]
}

@test "sql knows the rules of bins" {
    sql() { "$SCANTIDE" sql --data "$PWD/data" --format csv "$1"; }
    [ "$(sql 'SELECT rule, kind, networks FROM rules ORDER BY rule' | tail -n +2 | paste -sd' ')" = "1,scanner,203.0.113.0/24 2,scanner,203.0.113.128/25" ]
    [ "$(sql 'SELECT name, sum(events) FROM bins LEFT JOIN rules USING (rule) GROUP BY rule ORDER BY rule' | tail -n +2 | paste -sd' ')" = ",1 the lab,3 other,1" ]
}
