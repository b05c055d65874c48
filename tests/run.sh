#!/bin/sh
# run.sh TEST... - runs unit tests (programs) and scenarios (*.bats); `make test` calls it.
#
# Both speak TAP, so both are counted the same way: a file that ends before its plan is through, or ends
# badly without a failed test, counts as one failure more. The last line sums up, and nothing follows it.
# Scenarios find the program in $SCANTIDE and the folder of the test tools in $TOOLS.
set -u

build=$(cd "${BUILD:-build}" && pwd)
logs=$build/test-logs
tools=$(cd "${TOOLS:-$build/tests}" && pwd)
export SCANTIDE="$build/scantide" TOOLS="$tools"
export CMOCKA_MESSAGE_OUTPUT=TAP LC_ALL=C.UTF-8
unset CMOCKA_XML_FILE BATS_LIB_PATH
mkdir -p "$logs"
[ $# -gt 0 ] || echo "run.sh: no tests given" >&2

# Counts one file's TAP: passed, failed, skipped.
# shellcheck disable=SC2016 # awk's own $
count='
/^1\.\.[0-9]+/ { split($1, ends, /\.\./); plan += ends[2] }
/^(not )?ok / {
    if (tolower($0) ~ /# skip/) skipped++ # cmocka calls a skipped test "not ok"
    else if ($1 == "ok") passed++
    else failed++
}
END {
    seen = passed + failed + skipped
    if (seen < plan) failed += plan - seen
    if (status != 0 && !failed || !plan) failed++
    print passed + 0, failed + 0, skipped + 0
}'

passed=0 failed=0 skipped=0
for file in "$@"; do
    name=$(basename "$file" .bats)
    log=$logs/$name.tap
    case "$file" in
    *.bats) timeout "${TEST_TIMEOUT_S:-600}" bats --tap "$file" >"$log" 2>&1 ;;
    *) timeout "${TEST_TIMEOUT_S:-600}" "$file" >"$log" 2>&1 ;;
    esac
    status=$?
    # shellcheck disable=SC2046 # three numbers
    set -- $(awk -v status="$status" "$count" "$log")
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    if [ "$2" -gt 0 ]; then
        echo "FAILED  $name ($2 of $(($1 + $2 + $3)), exit status $status)"
        grep -v '^ok ' "$log" | sed 's/^/        /'
    else
        echo "ok      $name ($1)"
    fi
done

summary="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || summary="$summary, $skipped skipped"
echo "$summary"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
