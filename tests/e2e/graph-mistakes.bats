#!/usr/bin/env bats
# What can't be drawn ends in a sentence that says what to do; a mistake in the call is 2, a missing thing is 1.

bats_require_minimum_version 1.5.0

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=UTC XDG_CACHE_HOME=$BATS_TEST_TMPDIR
}

facts() {
    "$SCANTIDE" simulate --days 0.2 --rate 0.2 --end 2026-11-24T00:00:00Z >kern.log
    "$SCANTIDE" import --data data kern.log >/dev/null
}

says() { # STATUS TEXT, then graph's arguments
    status_wanted=$1 text=$2
    shift 2
    run --separate-stderr "$SCANTIDE" graph --data data "$@"
    echo "status $status: $stderr"
    [ "$status" -eq "$status_wanted" ]
    [ -z "$output" ]
    case $stderr in *"$text"*) ;; *) return 1 ;; esac
}

@test "a call that means nothing" {
    says 2 'say what to draw' -o a.png
    says 2 "'everything' can't be drawn" everything -o a.png
    says 2 'a port is meant' port nothing -o a.png
    says 2 'two letters are meant' country China -o a.png
    says 2 'one word too many' total 23/tcp -o a.png
    says 2 'a port has one port' port 23/tcp --by port -o a.png
    says 2 'a country is one country' country CN --by country -o a.png
    says 2 'country, port, none or spread is meant' total --by sensor -o a.png
    says 2 'say where the picture goes' total
    says 2 'must end in .png or .svg' total -o a.gif
    facts
    says 2 'pixels are meant' total --size 900 -o a.png
    says 2 'a number from 1 to 20 is meant' total --layers 21 -o a.png
    says 2 'there is no such theme' total --theme pink -o a.png
    says 2 'there is no such sensor' total --sensor nobody -o a.png
    [ ! -e a.png ]
}

@test "without facts no data folder is made" {
    says 1 '' total -o a.png
    [ -n "$stderr" ]
    [ ! -e data ]
}

@test "a port without a series is told how it gets one" {
    facts
    says 1 "1/udp has no series: a port needs 10 events" port 1/udp -o a.png
    [ ! -e a.png ]
}

@test "a picture that can't be written leaves the old one" {
    facts
    mkdir full
    says 1 'full/no/a.png' total -o full/no/a.png
    echo old >a.png
    says 1 '' port 1/udp -o a.png
    [ "$(cat a.png)" = old ]
}
