# scantide run: rotated in every way at random moments, and killed with -9 in between: each line is counted once. The short
# form of tests/soak/rotations.sh.

@test "every rotation at random moments, killed and started again, with the folder's events and without" {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}" "${TOOLS:=$BATS_TEST_DIRNAME/../../build/tests}"
    export SCANTIDE TOOLS
    export TMPDIR=$BATS_TEST_TMPDIR
    "$BATS_TEST_DIRNAME/../soak/rotations.sh" 20000 24 6 10 4
}
