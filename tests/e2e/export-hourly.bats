# scantide export: hourly totals by port and country, as CSV and as an object a line.

load run-helper

line() { # STAMP HOST PORT
    echo "Nov 24 $1 $2 kernel: DROP IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.1 LEN=40 TTL=244 ID=1 PROTO=TCP SPT=4000 DPT=$3 WINDOW=1024 RES=0x00 SYN URGP=0"
}

year=$(date +%Y)

given() {
    {
        line 09:59:59 gw 22
        line 10:00:00 gw 23
        line 10:30:00 fw2 23
        line 10:59:59 gw 23
        line 10:59:59 gw 22
        line 11:00:00 gw 23
    } >log
    "$SCANTIDE" import --config conf.yaml --timezone UTC log >/dev/null 2>&1
}

@test "csv" {
    given
    diff - <("$SCANTIDE" export --config conf.yaml) <<EOF
sensor,hour,port,country,events
gw,$year-11-24T09:00:00Z,22/tcp,--,1
gw,$year-11-24T10:00:00Z,22/tcp,--,1
gw,$year-11-24T10:00:00Z,23/tcp,--,2
gw,$year-11-24T11:00:00Z,23/tcp,--,1
fw2,$year-11-24T10:00:00Z,23/tcp,--,1
EOF
}

@test "json: an object a line" {
    given
    diff - <("$SCANTIDE" export --config conf.yaml --format json --sensor fw2) <<EOF
{"sensor":"fw2","hour":"$year-11-24T10:00:00Z","port":"23/tcp","country":"--","events":1}
EOF
}

@test "a span, and an hour that it cuts" {
    given
    diff - <("$SCANTIDE" export --config conf.yaml --from "$year-11-24 10:30" --to "$year-11-24 11:00" --sensor gw 2>/dev/null) <<EOF
sensor,hour,port,country,events
gw,$year-11-24T10:00:00Z,22/tcp,--,1
gw,$year-11-24T10:00:00Z,23/tcp,--,1
EOF
}

@test "the sum is that of top, over many hours and bins" {
    lines 1 40000 >log
    "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC log >/dev/null 2>&1
    "$SCANTIDE" export --config conf.yaml | awk -F, 'NR > 1 { n[$3] += $5 } END { for (p in n) print p "," n[p] }' | sort >exported
    "$SCANTIDE" top ports --config conf.yaml --all -n 0 --format csv 2>/dev/null | awk -F, 'NR > 1 { print $2 "," $3 }' | sort | diff exported -
    [ "$(awk -F, '{ n += $2 } END { print n }' exported)" -eq 40000 ]
}

@test "mistakes are told; a disk that is full is no success" {
    given
    run -2 --separate-stderr "$SCANTIDE" export --config conf.yaml --format text
    [[ $stderr == *"csv or json"* ]]
    run -2 --separate-stderr "$SCANTIDE" export --config conf.yaml --sensor gv
    [[ $stderr == *"there are: gw, fw2"* ]]
    [ -w /dev/full ] || skip "no /dev/full"
    run -1 --separate-stderr bash -c '"$SCANTIDE" export --config conf.yaml >/dev/full'
    [[ $stderr == *"couldn't be written (No space left on device)"* ]]
}
