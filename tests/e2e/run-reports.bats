#!/usr/bin/env bats
# scantide run makes the report of each day that is over, makes up for days when it was down, and says what keeps it from that.

load run-helper

# The kernel's lines of today's last DAYS days, and configure with `report:` as said.
days_until_now() { # DAYS REPORT
    "$SCANTIDE" simulate --days "$1" --rate 0.05 >log
    printf 'report: %s\n' "$2" >>conf.yaml
}

day() { # N days ago
    date -u -d "$1 days ago" +%F
}

@test "days are made up for once the logs are read, and the index has them" {
    days_until_now 4 "{folder: $PWD/reports, at: \"00:00\", format: text, lang: ja}"
    mkdir reports
    echo old >"reports/$(day 3).txt"
    start
    until_true says 1 "the reports in .*/reports go up to $(day 1)$"
    for n in 1 2; do
        head -1 "reports/$(day $n).txt" | grep -q '^ポートスキャン概況'
    done
    [ "$(cat "reports/$(day 3).txt")" = old ]
    [ ! -e "reports/$(day 4).txt" ] && [ ! -e "reports/$(day 0).txt" ]
    [ "$(grep -c '<li>' reports/index.html)" -eq 3 ]
    # It has the whole day: as many events as the facts have.
    events=$("$SCANTIDE" top ports --config conf.yaml --from "$(day 1)" --to "$(day 0)" -n 0 --format csv | awk -F, 'NR > 1 { n += $3 } END { print n }')
    tr -d , <"reports/$(day 1).txt" | grep -q "は${events}件"
    stop
    # Nothing is missing at the next start.
    start
    until_true says 2 "the reports in .*/reports go up to $(day 1)$"
    stop
}

@test "not before its hour: the day before has to do" {
    # An hour that hasn't come yet, but in the day's last minutes, when there is none.
    hour=$(date -u -d '10 minutes' +%H:%M)
    [ "$hour" \> 00:10 ] || skip "there is no later hour today"
    days_until_now 3 "{folder: $PWD/reports, at: \"$hour\", timezone: UTC, format: json}"
    start
    until_true says 1 "the reports in .*/reports go up to $(day 2)$"
    [ -s "reports/$(day 2).json" ] && [ ! -e "reports/$(day 1).json" ]
    stop
}

@test "what keeps a report from being made is said, and it is made after that" {
    days_until_now 2 "{folder: $PWD/reports, at: \"00:00\", format: json}"
    echo 'in the way' >reports
    start
    until_true says 1 "the report of $(day 1) can't be made; it is tried again every 5 minutes"
    grep -q 'report: .*/reports: ' said
    # Reading goes on meanwhile.
    has_events 1
    rm reports
    kill -HUP "$daemon"
    until_true says 1 "the reports in .*/reports go up to $(day 1)$"
    [ -s "reports/$(day 1).json" ]
    stop
}

@test "a configuration that asks for reports is taken over by SIGHUP" {
    days_until_now 2 "{folder: '', format: json}"
    start
    until_true says 1 'facts are kept'
    sed -i "s|folder: ''|folder: $PWD/reports, at: \"00:00\"|" conf.yaml
    kill -HUP "$daemon"
    until_true says 1 "the reports in .*/reports go up to $(day 1)$"
    stop
}
