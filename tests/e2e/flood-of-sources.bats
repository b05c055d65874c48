#!/usr/bin/env bats
# An hour with more sources than the facts list one by one: the smallest flood that is bounded, tests/soak/flood.sh.

@test "two million sources in an hour are counted, the heavy ones listed, memory and facts bounded" {
    cd "$BATS_TEST_DIRNAME/../.."
    run tests/soak/flood.sh 2200000
    echo "$output"
    [ "$status" -eq 0 ]
}
