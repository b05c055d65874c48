#!/usr/bin/env bats
# The command that `graph --print` prints, run by a shell, draws the very picture that `graph` draws.

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}" "${TOOLS:=$BATS_TEST_DIRNAME/../../build/tests}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=UTC XDG_CACHE_HOME=$BATS_TEST_TMPDIR # fontconfig's
    printf '%s\n' '1.0.0.0/8 CN' '5.0.0.0/8 RU' '45.0.0.0/8 US' '80.0.0.0/4 NL' |
        "$TOOLS/mkmmdb" --schema iso >country.mmdb
    echo "geo: {country: $PWD/country.mmdb}" >conf.yaml
    "$SCANTIDE" simulate --days 1.2 --rate 0.5 --end 2026-11-24T00:20:00Z >kern.log
    # A folder whose name a shell and rrdtool could trip over.
    data="it's a:data \$(folder)"
    "$SCANTIDE" import --config conf.yaml --data "$data" kern.log >/dev/null
}

graph() {
    "$SCANTIDE" graph --config conf.yaml --data "$data" --from 2026-11-23 --to 2026-11-24T00:20:00Z "$@"
}

same_picture() { # FILE, then graph's arguments
    file=$1
    shift
    graph "$@" -o "$file"
    mv "$file" drawn
    graph "$@" -o "$file" --print >command.sh
    [ ! -e "$file" ]
    sh ./command.sh >/dev/null
    # cairo numbers the surfaces of a process; nothing else may differ.
    case $file in
    *.svg) sed -i 's/"surface[0-9]*"/"surface"/' drawn "$file" ;;
    esac
    cmp drawn "$file"
}

@test "a port by country" { same_picture a.png port 22/tcp --band; }
@test "a country by port, dark" { same_picture a.png country CN --theme dark; }
@test "the total by port, small, as SVG" { same_picture a.svg total --by port --size 300x120 --layers 14; }
@test "nothing stacked, uncut" { same_picture a.png total --by none --full; }

@test "in another zone, told by its name" {
    export TZ=Asia/Kathmandu
    same_picture a.png port 22/tcp --note 'a "note": <b>50%</b>'
    grep -q '^TZ=Asia/Kathmandu ' command.sh
    grep -q 'Asia/Kathmandu (UTC+05&#58;45)' command.sh
}
