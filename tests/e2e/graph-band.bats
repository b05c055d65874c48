#!/usr/bin/env bats
# The band that is drawn is the mean of the hourly counts of the 48 hours up to each bar, and 1.645 standard deviations about it:
# what rrdtool makes of the printed command, against the same from the facts' own counts, to 1e-6.

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=UTC XDG_CACHE_HOME=$BATS_TEST_TMPDIR
    "$SCANTIDE" simulate --days 4.5 --rate 0.5 --end 2026-11-24T12:00:00Z >kern.log
    "$SCANTIDE" import --data data kern.log >/dev/null
}

# In the place of rrdtool: the elements that the band is made of, as figures.
rrdtool() {
    local elements=() argument
    for argument in "$@"; do
        [[ $argument =~ ^C?DEF:(past|known|known_part|mean_any|square|mean_square|mean|spread|band_low|band_high|bars_total)(_0)?= ]] &&
            elements+=("$argument")
    done
    command rrdtool xport --json --start "$from" --end "$to" "${elements[@]}" XPORT:mean XPORT:band_low XPORT:band_high
}

band_is_of() {
    from=$(date -ud '2026-11-22' +%s) to=$(date -ud '2026-11-24' +%s)
    eval "$("$SCANTIDE" graph "$@" --data data --from 2026-11-22 --to 2026-11-24 --band --print -o x.svg)" >band.json
    jq -r '.data | to_entries[] | [.key, .value[]] | @tsv' band.json >drawn
    [ "$(wc -l <drawn)" -eq 48 ]
    # All hours of the log, those without an event, too.
    "$SCANTIDE" sql --data data --format csv "select epoch / 3600, sum(events) from bins where $where group by 1" >hourly
    awk -v first="$((from / 3600))" '
        FNR == NR { n[$1 + 0] = $2; next }
        {
            hour = first + $1; sum = square = 0
            for (h = hour - 47; h <= hour; h++) { sum += n[h]; square += n[h] * n[h] }
            mean = sum / 48; spread = 1.645 * sqrt(square / 48 - mean * mean)
            low = mean - spread < 0 ? 0 : mean - spread
            if (differ($2, mean) || differ($3, low) || differ($4, mean + spread)) { print; bad = 1 }
        }
        function differ(a, b) { return a - b > 1e-6 || b - a > 1e-6 }
        END { exit bad }' FS=, hourly FS="\t" drawn
}

@test "of the total" {
    where="1" band_is_of total
}

@test "of a port" {
    where="port = '23/tcp'" band_is_of port 23/tcp
}
