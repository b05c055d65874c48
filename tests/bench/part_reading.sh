# What reading costs: rankings of a month and of a year, reports, charts beside `rrdtool graph` itself.
# shellcheck shell=sh disable=SC2154 # run.sh's variables

# past NAME DAYS RATE YEAR: NAME.data has so much of a made-up world; it is kept until what writes facts changes
past() {
    conf "$dir/$1.data" >"$dir/$1.yaml"
    made="$2 $3 $(cat src/store/*.[ch] src/tally/*.[ch] | cksum)"
    if [ "$(cat "$dir/$1.made" 2>/dev/null)" != "$made" ]; then
        rm -rf "$dir/$1.data"
        "$scantide" simulate --days "$2" --rate "$3" --end 2026-11-24T10:00:00Z |
            "$scantide" import --config "$dir/$1.yaml" --timezone UTC --sensor gw --year "$4" - >"$dir/report" 2>&1 || fail "$1: $(cat "$dir/report")"
        echo "$made" >"$dir/$1.made"
    fi
    row "$1: events" "$("$scantide" sql --config "$dir/$1.yaml" --format csv 'SELECT sum(events) FROM bins' 2>/dev/null | tail -n 1)" ""
}

ranked() {
    timed top "$scantide" top --config "$dir/$span.yaml" --all "$@" >"$dir/top.out" 2>/dev/null
}
# rankings NAME GOAL
rankings() {
    span=$1
    for what in ports countries targets sources as pairs "ports --exact"; do
        rm -f "$dir/top.times"
        # shellcheck disable=SC2086 # two words
        in_turn "ranked $what"
        case $what in
        ports | countries) row "$1: top $what: wall" "$(compute "$(of top wall) * 1000" %.0f)" ms "$2" ;;
        *) row "$1: top $what: wall" "$(compute "$(of top wall) * 1000" %.0f)" ms ;;
        esac
        row "$1: top $what: processor; peak $(of top memory) MB" "$(compute "$(of top cpu) * 1000" %.0f)" ms
    done
}

month_rate=10 year_rate=${YEAR_RATE:-2} # events a second
[ "${BENCH-}" != small ] || month_rate=1 year_rate=0.1

part_top() {
    section top "rankings of long spans"
    past month 30 "$month_rate" 2026
    rankings month "under 100, of 10 events a second"
    past year 364 "$year_rate" 2025
    rankings year "under 1000"
}

report_run() {
    timed report "$scantide" report --config "$dir/month.yaml" --date 2026-11-23 >"$dir/report.out" 2>&1
}
part_reports() {
    section reports "a report"
    past month 30 "$month_rate" 2026
    rm -f "$dir/report.times"
    in_turn report_run
    row "report of a day: processor" "$(compute "$(of report cpu) * 1000" %.0f)" ms
    row "report of a day: peak" "$(of report memory)" MB
}

chart_ours() {
    # shellcheck disable=SC2086 # words
    timed chart_ours "$scantide" graph --config "$dir/month.yaml" $chart -o "$dir/chart.png" >/dev/null 2>&1
}
chart_theirs() {
    timed chart_theirs sh "$dir/chart.sh" >/dev/null 2>&1
}
part_charts() {
    section charts "charts, beside rrdtool drawing the same"
    past month 30 "$month_rate" 2026
    for what in "total --by country" "total --by port" "port 22/tcp"; do
        chart="$what --from 2026-11-23 --to 2026-11-24"
        # shellcheck disable=SC2086 # words
        "$scantide" graph --config "$dir/month.yaml" $chart -o "$dir/theirs.png" --print >"$dir/chart.sh"
        rm -f "$dir"/chart_*.times
        in_turn chart_ours chart_theirs
        row "graph $what: processor" "$(compute "$(of chart_ours cpu) * 1000" %.0f)" ms
        row "graph $what, of rrdtool's" "$(compute "$(of chart_ours cpu) / $(of chart_theirs cpu)")" times "at most 1.3"
    done
}
