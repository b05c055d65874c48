# Fourteen days, taken in two at a time in shuffled order, are what they are in order. tests/soak/year.sh does it with a year.

setup() {
    BUILD=$(dirname "${SCANTIDE:-$BATS_TEST_DIRNAME/../../build/scantide}")
    # Others may be at work on this machine.
    export BUILD RATE=0.3 PART=2 MS_DAY=1000 MS_ALL=4000 TMPDIR=$BATS_TEST_TMPDIR
}

@test "sums of days, every RRD, integrity and the time of rankings" {
    run "$BATS_TEST_DIRNAME/../soak/year.sh" 7
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"days with another sum: 0 "* && $output == *"made in order: 0 "* ]]
}
