# scantide simulate: a made-up sensor's kern.log, the same for the same seed.

bats_require_minimum_version 1.5.0

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR"
    export TZ=UTC
}

@test "the same seed and end give the same bytes, another seed gives others" {
    "$SCANTIDE" simulate --days 0.05 --end 2026-11-24T10:00:00Z >a
    "$SCANTIDE" simulate --days 0.05 --end=2026-11-24T10:00:00Z --seed=1 --rate 2 >b
    "$SCANTIDE" simulate --days 0.05 --end 2026-11-24T10:00:00Z --seed 2 >c
    cmp a b
    ! cmp -s a c
}

@test "its first line says that it is made up" {
    "$SCANTIDE" simulate --days 0.01 --end 2026-11-24T10:00:00Z >log
    [ "$(head -n 1 log)" = "Nov 24 09:45:36 gw scantide: this log is simulated (seed 1): none of its packets was ever sent" ]
}

@test "times never go back and stay within the span" {
    "$SCANTIDE" simulate --days 0.5 --end 2026-11-24T12:00:00Z >log
    cut -c1-15 log >stamps
    LC_ALL=C sort -c stamps
    [ "$(head -n 1 stamps)" = "Nov 24 00:00:00" ]
    [ "$(tail -n 1 stamps | cut -c1-9)" = "Nov 24 11" ]
    awk '$5 == "kernel:" { t = substr($0, index($0, "[") + 1) + 0; if (t < before) exit 1; before = t }' log
}

@test "times are local" {
    TZ=Asia/Tokyo "$SCANTIDE" simulate --days 0.01 --end "2026-11-24 10:00" | head -n 1 >log
    grep -q "^Nov 24 09:45:36 gw " log
    TZ=Asia/Tokyo "$SCANTIDE" simulate --days 0.01 --end "2026-11-24T10:00:00Z" | head -n 1 >log
    grep -q "^Nov 24 18:45:36 gw " log
}

@test "the rate is the mean of lines a second" {
    # 0.5 days at 4 lines a second are 172,800, and the burst adds twice the rate over 2,160 seconds: 17,280.
    lines=$("$SCANTIDE" simulate --days 0.5 --rate 4 --end 2026-11-24T12:00:00Z | wc -l)
    [ "$lines" -gt 180000 ]
    [ "$lines" -lt 200000 ]
}

@test "what a sensor sees is in it" {
    "$SCANTIDE" simulate --days 1 --rate 4 --end 2026-11-24T12:00:00Z >log
    lines=$(wc -l <log)
    count() {
        grep -c -E "$1" log
    }
    [ "$(count ' DROP IN=')" -gt $((lines * 96 / 100)) ]
    [ "$(count ' ACCEPT IN=')" -gt $((lines / 200)) ]
    [ "$(grep -vc ' SRC=' log)" -gt $((lines / 300)) ]
    [ "$(count ' DPT=23 ')" -gt $((lines * 5 / 100)) ]
    [ "$(count ' PROTO=UDP SPT=[0-9]+ DPT=[0-9]+ LEN=[0-9]+ $')" -gt $((lines / 100)) ]
    [ "$(count ' PROTO=ICMP TYPE=8 CODE=0 ID=[0-9]+ SEQ=[0-9]+ $')" -gt 0 ]
    [ "$(count ' TYPE=3 CODE=[0-9]+ \[SRC=192\.0\.2\.[0-9]+ DST=.*\] $')" -gt 0 ]
    [ "$(count ' RES=0x00 ACK SYN URGP=0 $')" -gt 0 ]
    [ "$(count ' RES=0x00 (ACK )?RST URGP=0 $')" -gt 0 ]
    [ "$(count ' SRC=([0-9a-f]{4}:){7}[0-9a-f]{4} DST=2001:0db8:')" -gt 0 ]
    [ "$(count ' FRAG:185 PROTO=UDP $')" -gt 0 ]
    # One source makes a burst; three scan far more ports than anybody else does.
    grep -o ' SRC=[^ ]*' log | sort | uniq -c | sort -rn >sources
    [ "$(awk 'NR == 1 { print $1 }' sources)" -gt 15000 ]
    ports=$(grep "$(awk 'NR == 2 { print $2 }' sources) " log | grep -o ' DPT=[0-9]*' | sort -u | wc -l)
    [ "$ports" -gt 10000 ]
}

@test "80/tcp and 443/tcp from forged sources arrive as pairs" {
    "$SCANTIDE" simulate --days 0.1 --end 2026-11-24T12:00:00Z >log
    # A pair shares the packet's id and is a microsecond apart.
    pairs=$(grep -E ' DPT=(80|443) ' log | grep -o ' TTL=[0-9]* ID=[0-9]* ' | uniq -d | wc -l)
    [ "$pairs" -gt 200 ]
}

@test "a mistake is said in a sentence, exit 2, and nothing goes to stdout" {
    for wrong in "--days x" "--days 0" "--days" "--rate 1e9" "--seed -1" "--end yesterday" "--speed 3" "log"; do
        run --separate-stderr -2 "$SCANTIDE" simulate $wrong
        [ -z "$output" ]
        [[ "$stderr" == "scantide simulate: "*"see scantide simulate --help" ]]
    done
}

@test "a full disk is said, exit 1" {
    [ -w /dev/full ] || skip "no /dev/full"
    run --separate-stderr -1 sh -c '"$0" simulate --days 0.1 >/dev/full' "$SCANTIDE"
    [[ "$stderr" == "scantide simulate: writing to stdout: No space left on device" ]]
}

@test "--help prints the usage" {
    run -0 "$SCANTIDE" simulate --help
    [[ "$output" == "usage: scantide simulate "* ]]
}
