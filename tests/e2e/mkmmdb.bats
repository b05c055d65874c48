# The test's own writer of country databases, read by MaxMind's reader.

bats_require_minimum_version 1.5.0

setup() {
    : "${TOOLS:=$BATS_TEST_DIRNAME/../../build/tests}"
    export TOOLS
    cd "$BATS_TEST_TMPDIR"
    printf '%s\n' '# a comment' '1.2.3.4 RU' '1.2.3.0/24 CN' '1.2.0.0/16 NL' '2001:db8::/32 DE' >list
}

# Asks for one address; the answer is "{"country_code":"CN"}", or "none".
ask() {
    mmdblookup -f country.mmdb -i "$1" >answer 2>&1 && [ -n "$(tr -d ' \n' <answer)" ] || {
        echo none
        return
    }
    sed 's/<utf8_string>//' answer | tr -d ' \n'
}

check() {
    [ "$(ask 1.2.3.4)" = "$(printf "$1" RU)" ]
    [ "$(ask 1.2.3.5)" = "$(printf "$1" CN)" ]
    [ "$(ask 1.2.4.1)" = "$(printf "$1" NL)" ]
    [ "$(ask 2001:db8::1)" = "$(printf "$1" DE)" ]
    [ "$(ask 9.9.9.9)" = none ]
    [ "$(ask 2001:db9::1)" = none ]
}

@test "each schema, with records of each size" {
    for size in 24 28 32; do
        "$TOOLS/mkmmdb" --record-size $size <list >country.mmdb
        check '{"country":{"iso_code":"%s"}}'
        "$TOOLS/mkmmdb" --schema registered --record-size $size <list >country.mmdb
        check '{"registered_country":{"iso_code":"%s"}}'
        "$TOOLS/mkmmdb" --schema flat --record-size $size <list >country.mmdb
        check '{"country_code":"%s"}'
    done
}

@test "a line that is no prefix is said with its number" {
    run -2 sh -c 'printf "1.2.3.0/24 CN\n1.2.3.0/33 CN\n" | "$TOOLS/mkmmdb"'
    [ "$output" = "mkmmdb: line 2 is no 'PREFIX CC'" ]
}
