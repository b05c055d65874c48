# Killed at the chief steps on the way from a line to a series: a restart ends exact. `make faults` does it at all of them and at
# length, and its build is needed here.

setup() {
    BUILD=$(dirname "${FAULTS:-$BATS_TEST_DIRNAME/../../build/faults/scantide}")
    export BUILD ROUNDS=3 DAYS=0.2 RATE=0.3 JOBS=6 TMPDIR=$BATS_TEST_TMPDIR
    [ -x "$BUILD/scantide" ] || skip "no build of make faults"
}

prove() {
    run "$BATS_TEST_DIRNAME/../faults/run.sh" "$@"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ ${lines[-1]} =~ ^[1-9][0-9]*\ passed,\ 0\ failed$ ]]
}

@test "an import" {
    MODES=import prove opened segments commit committed marked torn rename slice lateness unfolded ruled pruned
}

@test "the daemon" {
    MODES=run prove answered swapped committed marked torn lateness unfolded stop
}
