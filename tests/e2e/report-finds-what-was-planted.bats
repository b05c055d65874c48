# scantide report: of happenings of all verdicts that are planted into a simulated log nearly all are told, and hardly anything else.
# tests/tools/plants.c makes them, tests/score.jq holds the one against the other.

bats_require_minimum_version 1.5.0

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}" "${TOOLS:=$BATS_TEST_DIRNAME/../../build/tests}"
    cd "$BATS_TEST_TMPDIR"
    export TZ=UTC
    # The simulated world's countries, as a database.
    sed -n 's/^ *{"\([A-Z][A-Z]\)".*{{\(.*\)}}},$/\1 \2/p' "$BATS_TEST_DIRNAME/../../src/command/simworld.c" |
        awk '{ code = $1; gsub(/[{},]/, " "); $0 = substr($0, 3); for (i = 1; i < NF; i += 3) print $i "." $(i + 1) ".0.0/" $(i + 2), code }' |
        sort -u | "$TOOLS/mkmmdb" --schema iso >country.mmdb
    printf 'geo: {country: %s/country.mmdb}\n' "$PWD" >conf.yaml
}

# score SEED DAYS COUNT RATE: the log ends at 2026-11-21T00:00:00Z.
score() {
    "$TOOLS/plants" "$1" "$2" "$3" 1795219200 >planted
    "$SCANTIDE" simulate --days "$2" --rate "$4" --seed "$1" --end 2026-11-21T00:00:00Z --plant planted >log
    "$SCANTIDE" --config conf.yaml --data d import log >out 2>&1
    for day in $(seq $((21 - $2)) 20); do
        "$SCANTIDE" --config conf.yaml --data d report --format json --date "2026-11-$day" -n 1
    done >reports
    jq -nc --slurpfile planted planted --slurpfile reports reports -f "$BATS_TEST_DIRNAME/../score.jq" >score
    cat score
}

@test "of forty over five days all but two are told, and no more than two others" {
    score 3 5 40 1
    jq -se '.[0] | .planted == 40 and .missed <= 2 and .extra <= 2' score
}

@test "calm days have none" {
    : >nothing
    "$SCANTIDE" simulate --days 4 --rate 1 --seed 5 --end 2026-11-21T00:00:00Z --plant nothing >log
    "$SCANTIDE" --config conf.yaml --data d import log >out 2>&1
    for day in 17 18 19 20; do
        "$SCANTIDE" --config conf.yaml --data d report --format json --date "2026-11-$day"
    done >reports
    [ "$(jq -c '.findings[]' reports)" = "" ]
}

@test "what can't be planted is said with its line, exit 2" {
    echo '{"verdict":"deluge","from":"2026-11-20T10:00:00Z","to":"2026-11-20T11:00:00Z","events":9}' >planted
    run --separate-stderr -2 "$SCANTIDE" simulate --plant planted
    [ -z "$output" ]
    [ "$stderr" = "planted:1: no verdict is called 'deluge'" ]
}
