# A log that grew within a bin that was written already: only the files of what came are made again.

bats_require_minimum_version 1.5.0

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR"
    export TZ=UTC LC_ALL=C
}

take_in() { # DATA
    "$SCANTIDE" import --data "$1" --sensor gw --timezone UTC log >/dev/null 2>&1
}

line() { # TIME SOURCE PORT
    echo "Nov 24 $1 gw kernel: DROP IN=eth0 OUT= SRC=$2 DST=192.0.2.1 LEN=40 TTL=244 ID=1 PROTO=TCP SPT=4000 DPT=$3 WINDOW=1024 SYN URGP=0"
}

inodes() { # without those named
    (cd data/rrd/gw && find . -name '*.rrd' | sort | grep -v -e "${1-^$}" | while read -r f; do stat -c '%n %i' "$f"; done)
}

@test "few files" {
    for port in 22 23 80 443; do
        for i in 1 2 3 4 5 6 7 8 9 10 11; do line "09:5$((i % 10)):00" "198.51.100.$i" $port; done
    done | sort >log
    line 10:01:00 198.51.100.7 22 >>log
    take_in data
    inodes 'total\|/23-tcp\|country' >before
    [ "$(grep -c . before)" -eq 3 ]
    line 10:02:30 198.51.100.9 23 >>log
    take_in data
    inodes 'total\|/23-tcp\|country' | diff before -
    take_in whole
    for f in total port/22-tcp port/23-tcp country/--; do
        rrdtool dump "whole/rrd/gw/$f.rrd" >wanted
        rrdtool dump "data/rrd/gw/$f.rrd" | diff -q wanted -
    done
}
