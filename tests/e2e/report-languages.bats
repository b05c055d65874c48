#!/usr/bin/env bats
# Reports in Japanese: every sentence has its translation, nothing is left in English, and where it can't be Japanese that is said.

bats_require_minimum_version 1.5.0

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}" "${TOOLS:=$BATS_TEST_DIRNAME/../../build/tests}"
    top=$BATS_TEST_DIRNAME/../..
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=Asia/Tokyo XDG_CACHE_HOME=$BATS_TEST_TMPDIR TMPDIR=$BATS_TEST_TMPDIR
    unset LANG LC_MESSAGES LANGUAGE
}

take_in_a_log() {
    # The simulated world's countries, as a database.
    sed -n 's/^ *{"\([A-Z][A-Z]\)".*{{\(.*\)}}},$/\1 \2/p' "$top/src/command/simworld.c" |
        awk '{ code = $1; gsub(/[{},]/, " "); $0 = substr($0, 3); for (i = 1; i < NF; i += 3) print $i "." $(i + 1) ".0.0/" $(i + 2), code }' |
        sort -u | "$TOOLS/mkmmdb" --schema iso >country.mmdb
    printf 'geo: {country: %s/country.mmdb}\n' "$PWD" >conf.yaml
    (cat conf.yaml; echo 'lang: en') >en.yaml
    "$SCANTIDE" simulate --days 2 --rate 0.5 --end 2026-11-24T00:00:00+09:00 >kern.log
    "$SCANTIDE" import --config conf.yaml --data data kern.log >/dev/null
    "$SCANTIDE" note 'patching' --data data --from '2026-11-23 12:00' --to '2026-11-23 12:50'
}

report() {
    "$SCANTIDE" report --config conf.yaml --data data --date 2026-11-23 "$@"
}

@test "the catalog has what the sources say ('make pot' brings it up to date), with the same arguments" {
    "$top/src/po/gather.sh" "$PWD" "$PWD/new.pot"
    diff "$top/src/po/scantide.pot" new.pot
    for po in "$top"/src/po/*.po; do
        msgcmp "$po" new.pot
        msgfmt --check --output-file=/dev/null "$po"
        # Names in braces are filled in by ourselves. Within a sentence a country may have its name besides its code.
        msgattrib --no-wrap --no-location "$po" | awk '
            function names(text,    list) {
                while (match(text, /\{[a-z_]*\}/)) {
                    list[substr(text, RSTART, RLENGTH)]
                    text = substr(text, RSTART + RLENGTH)
                }
                count = 0
                for (name in list) { all[side, name]; count++ }
                return count
            }
            /^msgctxt "country"/ { skip = 1 }
            /^msgid / { side = "id"; delete all; n = names($0) }
            /^msgstr/ {
                side = "str"; m = names($0)
                for (key in all) { split(key, part, SUBSEP); if (!(("id", part[2]) in all)) m = -1 }
                if (m != n && !skip) { print "other names in braces: " $0; bad = 1 }
                skip = 0
            }
            END { exit bad }'
    done
}

@test "a Japanese report leaves no sentence in English, in any format" {
    take_in_a_log
    for format in html md text json; do
        report --lang ja --format $format -o out
    done
    grep -q '^ポートスキャン概況 2026年11月23日$' out/2026-11-23.txt
    grep -q '時刻はAsia/Tokyo (UTC+09:00)' out/2026-11-23.txt
    grep -q '11月23日 12:00～12:50: patching' out/2026-11-23.txt
    grep -q '中国（CN）' out/2026-11-23.md
    grep -q '<html lang="ja">' out/2026-11-23.html
    grep -q '全検知件数 送信元国別' out/2026-11-23.md
    # Three words in a row would be English, but for what is the operator's or a network's.
    sed 's/<style>.*<.style>//; s/src="[^"]*"//g' out/2026-11-23.txt out/2026-11-23.md out/2026-11-23.html >text
    run -1 grep -E '[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}' text
    jq -e '.findings | length > 0 and all(.text | test("[ぁ-ん]"))' out/2026-11-23.json
}

@test "the language is the call's, else the configuration's, else the environment's" {
    take_in_a_log
    LC_ALL=ja_JP.UTF-8 report | grep -q 概況
    LC_ALL=C LANG=ja_JP.UTF-8 report | grep -q Overview
    LC_ALL=ja_JP.UTF-8 report --config en.yaml | grep -q Overview
    report --config en.yaml --lang ja | grep -q 概況
    "$SCANTIDE" graph total --data data --lang ja --from 2026-11-23 --print -o a.png | grep -q '全検知件数 送信元国別'
    run --separate-stderr -2 report --lang fr
    [ "${stderr%%$'\n'*}" = "scantide report: --lang fr: en or ja is meant" ]
}

@test "without a catalog, or a font for the charts, it is English, and that is said" {
    take_in_a_log
    mkdir bin
    cp "$SCANTIDE" bin/scantide
    SCANTIDE_SHARE=$top run --separate-stderr -0 bin/scantide report --data data --date 2026-11-23 --lang ja
    [[ "${stderr%%$'\n'*}" = "scantide: there is no catalog for 'ja' in "*", so it is English" ]]
    [[ "$output" = "Overview of 2026-11-23"* ]]

    # A fontconfig that knows this font alone.
    mkdir fonts
    cp "$(fc-match -f '%{file}' 'DejaVu Sans Mono')" fonts/
    printf '<fontconfig><dir>%s/fonts</dir><cachedir>%s/cache</cachedir></fontconfig>' "$PWD" "$PWD" >fonts.conf
    export FONTCONFIG_FILE=$PWD/fonts.conf
    run --separate-stderr -0 report --lang ja --format html -o out
    [[ "${stderr%%$'\n'*}" = "scantide: no font here has the letters of 'ja' for the charts"*", so it is English" ]]
    grep -q 'lang="en"' out/2026-11-23.html
    report --lang ja | grep -q 概況 # which needs none
}
