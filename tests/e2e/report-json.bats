# scantide report --format json: what a day's happenings are to a program.

bats_require_minimum_version 1.5.0

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR"
    export TZ=UTC
}

@test "a flood is told with port, source, target and time, and its port is marked in the ranking" {
    awk 'BEGIN { for (i = 0; i < 900; i++)
        printf "Nov 24 03:%02d:%02d gw kernel: [1.0] DROP IN=eth0 OUT= SRC=%s DST=192.0.2.10 LEN=40 TTL=50 ID=%d PROTO=TCP SPT=%d DPT=23 WINDOW=1024 RES=0x00 SYN URGP=0\n",
            i / 180, int(i / 3) % 60, "45.33.32.156", i, 1024 + i * 7919 % 60000 }' >log
    "$SCANTIDE" --data d import --year 2025 log >out 2>&1
    "$SCANTIDE" --data d report --date 2025-11-24 --format json >json
    [ "$(jq -c '.findings[] | [.verdict, .ports, .sources, .targets, .from, .to, .events, .sensor]' json)" = \
        '["flood",["23/tcp"],["45.33.32.156"],["192.0.2.10"],"2025-11-24T03:00:00Z","2025-11-24T03:05:00Z",900,"gw"]' ]
    [ "$(jq -c '[.day, .timezone, (.rankings.ports.day.rows[0] | [.port, .events, .sources, .burst, .newcomer])]' json)" = \
        '["2025-11-24","local",["23/tcp",900,1,true,true]]' ]
    # The day before has nothing of it; a day begins at its zone's midnight.
    [ "$("$SCANTIDE" --data d report --date 2025-11-23 --format json 2>/dev/null | jq -c .findings)" = "[]" ]
    [ "$("$SCANTIDE" --data d report --date 2025-11-23 --format json --timezone America/New_York | jq -c '[.findings[].verdict]')" = '["flood"]' ]
}

@test "a mistake is said in a sentence, exit 2" {
    for wrong in "--date yesterday" "--date 2025-11-24 --last 3d" "--format pdf" "-n x" "log"; do
        run --separate-stderr -2 "$SCANTIDE" --data d report $wrong
        [ -z "$output" ]
        [[ "$stderr" == "scantide report: "* ]]
    done
}
