# scantide run with a disk that is full for a while: said once, tried again, nothing lost, nothing twice.

load run-helper

@test "a commit that fails is made up for" {
    command -v prlimit >/dev/null || skip "no prlimit"
    lines 1 100 >log
    start
    until_true has_events 100
    prlimit --pid "$daemon" --fsize=4096:unlimited
    lines 101 5000 >>log
    until_true says 1 'the facts could not be written'
    until_true says 1 'is tried again every'
    lines 5001 5100 >>log
    [ "$(events)" -eq 100 ]
    prlimit --pid "$daemon" --fsize=unlimited:unlimited
    until_true says 1 'the facts can be written again'
    until_true has_events 5100
    stop
    [ "$(grep -c 'could not be written' said)" -eq 1 ]
    same_as_import log
}

@test "ended meanwhile: it says so, and the next start reads again" {
    command -v prlimit >/dev/null || skip "no prlimit"
    lines 1 100 >log
    start
    until_true has_events 100
    prlimit --pid "$daemon" --fsize=4096:unlimited
    lines 101 500 >>log
    until_true says 1 'is tried again every'
    kill -TERM "$daemon"
    status=0
    wait "$daemon" || status=$?
    daemon=
    [ "$status" -eq 1 ]
    says 1 'the next start reads again from the last commit'
    start
    until_true has_events 500
    stop
    same_as_import log
}
