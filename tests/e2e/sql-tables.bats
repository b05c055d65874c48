# scantide sql: what the tables say of a log of seven lines, and that nothing can be written.

bats_require_minimum_version 1.5.0

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=Europe/Berlin LC_ALL=C
    {
        line 'Nov 23 23:59:59' 198.51.100.7 192.0.2.1 22
        line 'Nov 24 10:00:00' 198.51.100.7 192.0.2.1 23
        line 'Nov 24 10:00:01' 198.51.100.7 192.0.2.2 23
        line 'Nov 24 10:04:59' 198.51.100.8 192.0.2.2 23
        line 'Nov 24 10:05:00' 198.51.100.8 192.0.2.2 22
        line 'Nov 24 11:30:00' 2001:db8::5 2001:db8::1 443
        line 'Nov 24 11:31:00' 198.51.100.7 192.0.2.1 23
    } >log
    touch -d '2026-11-24 12:00' log
    "$SCANTIDE" import --data data --timezone UTC log >/dev/null 2>&1
}

line() { # STAMP SOURCE TARGET PORT
    echo "$1 gw kernel: DROP IN=eth0 OUT= SRC=$2 DST=$3 LEN=40 TTL=244 ID=1 PROTO=TCP SPT=4000 DPT=$4 WINDOW=1024 RES=0x00 SYN URGP=0"
}

sql() { # [OPTION]... QUERY
    "$SCANTIDE" sql --data data "$@"
}

@test "bins: a row a key, times in UTC" {
    diff - <(sql --format csv "SELECT sensor, time, epoch, class, port, country, events FROM bins") <<'EOF'
sensor,time,epoch,class,port,country,events
gw,2026-11-23 23:55:00,1795478100,scan,22/tcp,--,1
gw,2026-11-24 10:00:00,1795514400,scan,23/tcp,--,3
gw,2026-11-24 10:05:00,1795514700,scan,22/tcp,--,1
gw,2026-11-24 11:30:00,1795519800,scan,23/tcp,--,1
gw,2026-11-24 11:30:00,1795519800,scan,443/tcp,--,1
EOF
}

@test "sources and targets by the hour" {
    diff - <(sql --format csv "SELECT hour, source, port, first, last, events FROM sources WHERE hour >= '2026-11-24'") <<'EOF'
hour,source,port,first,last,events
2026-11-24 10:00:00,198.51.100.7,23/tcp,2026-11-24 10:00:00,2026-11-24 10:00:01,2
2026-11-24 10:00:00,198.51.100.8,22/tcp,2026-11-24 10:05:00,2026-11-24 10:05:00,1
2026-11-24 10:00:00,198.51.100.8,23/tcp,2026-11-24 10:04:59,2026-11-24 10:04:59,1
2026-11-24 11:00:00,198.51.100.7,23/tcp,2026-11-24 11:31:00,2026-11-24 11:31:00,1
2026-11-24 11:00:00,2001:db8::5,443/tcp,2026-11-24 11:30:00,2026-11-24 11:30:00,1
EOF
    diff - <(sql --format csv "SELECT target, port, events, sources FROM targets WHERE hour = '2026-11-24 10:00:00'") <<'EOF'
target,port,events,sources
192.0.2.1,23/tcp,1,1
192.0.2.2,22/tcp,1,1
192.0.2.2,23/tcp,2,2
EOF
}

@test "delta rows of many commits are one row a key" {
    line 'Nov 24 10:04:58' 198.51.100.9 192.0.2.2 23 | "$SCANTIDE" import --data data --timezone UTC --year 2026 - >/dev/null 2>&1
    [ "$(sql --format csv "SELECT events FROM bins WHERE epoch = 1795514400" | tail -n +2)" = 4 ]
    [ "$(sql --format csv "SELECT sources FROM targets WHERE target = '192.0.2.2' AND port = '23/tcp'" | tail -n +2)" = 3 ]
}

@test "every kind of bound gives what a scan of all rows gives" {
    for bound in "time > '2026-11-24 10:00:00'" "time >= '2026-11-24 10:00:00'" "time < '2026-11-24 10:05:00'" "time <= '2026-11-24 10:05:00'" \
        "time = '2026-11-24 10:00:00'" "time BETWEEN '2026-11-24' AND '2026-11-25'" "time > '2026-11-24 10'" "time < 'x'" "time > ''" \
        "epoch > 1795514400" "epoch >= 1795514400" "epoch < 1795514700" "epoch <= 1795514700" "epoch = 1795514400" "epoch >= 1795514400.5" \
        "sensor = 'gw'" "sensor = 'nobody'" "sensor IN ('gw', 'x')" "port = '22/tcp'" "port = 'nonsense'" "country = '--'" "country = 'CN'" \
        "port = NULL" "sensor = 'gw' AND port = '23/tcp' AND time >= '2026-11-24 11:00:00'"; do
        # +x is no column any more, so it can't be pushed down.
        whole=$(sed -E 's/\b(time|epoch|sensor|port|country)\b/+\1/g' <<<"$bound")
        [ "$(sql --format csv "SELECT * FROM bins WHERE $bound")" = "$(sql --format csv "SELECT * FROM bins WHERE $whole")" ] || {
            echo "$bound"
            false
        }
    done
    [ "$(sql --format csv "SELECT count(*) FROM bins WHERE time > '2026-11-24 10:00:00'" | tail -n 1)" = 3 ]
}

@test "a day's query reads that day's segments alone" {
    # What isn't read can't be found damaged.
    sqlite3 data/facts.db "UPDATE segment SET data = x'01ff' WHERE kind = 1 AND start < 1795478400"
    [ "$(sql --format csv "SELECT sum(events) FROM bins WHERE time >= '2026-11-24'" | tail -n 1)" = 6 ]
    [ "$(sql --format csv "SELECT sum(events) FROM bins WHERE epoch >= 1795478400" | tail -n 1)" = 6 ]
    run -1 --separate-stderr sql "SELECT sum(events) FROM bins"
    [[ $stderr == *"a segment (bin, 1795478100) is damaged"* ]]
}

@test "coverage, logs and sensors" {
    [ "$(sql --format csv "SELECT * FROM coverage" | tail -n +2)" = "gw,watched,2026-11-23 23:59:59,2026-11-24 11:31:00,,,,1795478399,1795519860" ]
    [ "$(sql --format csv "SELECT path LIKE '%log', bytes, first, last FROM logs" | tail -n +2)" = "1,$(stat -c %s log),2026-11-23 23:59:59,2026-11-24 11:31:00" ]
    [ "$(sql --format csv "SELECT * FROM sensors" | tail -n +2)" = "gw,2026-11-23 23:55:00,2026-11-24 11:30:00" ]
}

@test "text, json and csv; a query from stdin" {
    diff - <(echo "SELECT port, sum(events) AS n FROM bins GROUP BY port ORDER BY n DESC, port;" | sql -) <<'EOF'
port     n
23/tcp   4
22/tcp   2
443/tcp  1
EOF
    [ "$(sql --format json "SELECT 1 AS a, 'x\"y' AS b, NULL AS c, 0.5 AS d" | jq -c .)" = '[{"a":1,"b":"x\"y","c":null,"d":0.5}]' ]
    [ "$(sql --format json "SELECT 1 AS a WHERE 0" | jq -c .)" = '[]' ]
    diff - <(sql --format csv "SELECT 'a,b' AS x, 'say \"no\"' AS y, NULL AS z") <<'EOF'
x,y,z
"a,b","say ""no""",
EOF
}

@test "nothing can be written" {
    sha256sum data/facts.db >before
    for query in "DELETE FROM segment" "INSERT INTO sensor (name) VALUES ('x')" "UPDATE bins SET events = 0" "DROP TABLE segment" \
        "CREATE TABLE t (x)" "CREATE TEMP TABLE t (x)" "ATTACH 'other.db' AS o" "VACUUM INTO 'other.db'" "PRAGMA user_version = 9" \
        "PRAGMA journal_mode = DELETE" "PRAGMA query_only = OFF" "PRAGMA writable_schema = ON" "REINDEX" "BEGIN" "COMMIT"; do
        run --separate-stderr sql "$query"
        [ "$status" -eq 2 ] || { echo "$query"; false; }
        [ -z "$output" ]
        [[ $stderr == *"can only be read here"* ]] || { echo "$query: $stderr"; false; }
    done
    [ ! -e other.db ]
    sha256sum -c before
}

@test "mistakes are told" {
    run -2 --separate-stderr sql "SELECT * FROM bin"
    [[ $stderr == *"there is no table 'bin'; did you mean 'bins'?"* ]]
    run -2 --separate-stderr sql "SELECT porto FROM bins"
    [[ $stderr == *"no such column: porto"* ]]
    run -2 --separate-stderr sql "SELECT 1; SELECT 2"
    [[ $stderr == *"one query at a time"* ]]
    run -2 --separate-stderr sql
    [[ $stderr == *"a query is missing"* ]]
    run -2 --separate-stderr sql SELECT 1
    [[ $stderr == *"put it in quotes"* ]]
    run -2 --separate-stderr sql --format xml "SELECT 1"
    [[ $stderr == *"text, json or csv"* ]]
}

@test "the examples of --help are queries" {
    "$SCANTIDE" sql --help | tr '\n' ' ' | grep -o 'scantide sql [^"]*"[^"]*"' | sed 's/^[^"]*"//; s/"$//' >queries
    [ "$(wc -l <queries)" -eq 4 ]
    while read -r query; do
        sql "$query" >/dev/null
    done <queries
}
