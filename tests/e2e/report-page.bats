#!/usr/bin/env bats
# The daily overview as a page that stands alone, as Markdown with pictures, and as text for mail: all say the same.

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=UTC XDG_CACHE_HOME=$BATS_TEST_TMPDIR TMPDIR=$BATS_TEST_TMPDIR
    "$SCANTIDE" simulate --days 2 --rate 0.3 --end 2026-11-24T00:00:00Z >kern.log
    "$SCANTIDE" import --data data kern.log >/dev/null
    "$SCANTIDE" note '<b>patching & waiting</b>' --data data --from '2026-11-23 12:00' --to '2026-11-23 12:50'
}

@test "one day, three formats" {
    for format in html md text; do
        "$SCANTIDE" report --data data --date 2026-11-23 --format $format -o out
    done
    grep -q '2026-11-23 12:00 – 12:50: <b>patching & waiting</b>' out/2026-11-23.txt
    first=$("$SCANTIDE" top ports --data data --from 2026-11-23 --to 2026-11-24 -n 1 --format json | jq -r '.rows[0].key')
    grep -qE "^ +1 .* $first " out/2026-11-23.txt
    grep -q "| $first |" out/2026-11-23.md
    # The page has no tag that a note brought, no script, no file beside it; its pictures are within.
    grep -q '&lt;b&gt;patching &amp; waiting&lt;/b&gt;' out/2026-11-23.html
    [ "$(grep -cE '<script|<b>|(src|href)="[^d"]' out/2026-11-23.html)" -eq 0 ]
    grep -q 'src="data:image/svg+xml,%3C' out/2026-11-23.html
    [ -z "$(ls -d scantide-* 2>/dev/null)" ]
    # Each picture that Markdown names is there.
    grep -o '](<[^>]*>)' out/2026-11-23.md | tr -d '](<>)' >pictures
    [ -s pictures ]
    while read -r picture; do [ -s "out/$picture" ]; done <pictures
}

@test "what is read for all parts at once is what top says of each" {
    "$SCANTIDE" report --data data --date 2026-11-23 --format md >page.md
    span=(--data data --from 2026-11-23 --to 2026-11-24 -n 1 --format json)
    country=$("$SCANTIDE" top countries "${span[@]}" | jq -r '.rows[0].key')
    # The part of the country: its ports, then its sources, each with the heaviest in the first row.
    awk -v part="($country)" '/^### /{in_part = index($0, part)} in_part' page.md >part.md
    "$SCANTIDE" top ports --country "$country" "${span[@]}" |
        jq -r '.rows[0] | "| 1 | \(.key) |"' >want
    "$SCANTIDE" top sources --country "$country" "${span[@]}" | jq -r '.rows[0] | "| \(.key) |"' >>want
    [ "$(wc -l <want)" -eq 2 ]
    while read -r row; do grep -qF "$row" part.md; done <want
}

@test "the page is sound HTML (npm's html-validate, where it is installed: npm install -g html-validate)" {
    command -v html-validate >/dev/null || skip "html-validate isn't installed"
    "$SCANTIDE" report --data data --date 2026-11-23 --format html >page.html
    # Pictures are long, and the validator is slow with long attributes.
    perl -pe 's/(src="data:image.svg.xml,)[^"]*/$1/g' page.html >short.html
    echo '{"root": true, "extends": ["html-validate:recommended"]}' >.htmlvalidate.json
    html-validate --max-warnings 0 short.html
}
