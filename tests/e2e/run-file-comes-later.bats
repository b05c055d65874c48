# scantide run waits for a log that doesn't exist yet, and for its folder.

load run-helper

@test "the file comes later, and so does its folder" {
    configure log deep/down/log
    start
    until_true says 1 "$PWD/log: isn't there yet; it is waited for"
    until_true says 1 "$PWD/deep/down/log: isn't there yet; it is waited for"
    lines 1 10 >log
    until_true has_events 10
    mkdir -p deep/down
    lines 11 20 >deep/down/log
    until_true has_events 20
    stop
    same_as_import log deep/down/log
}

@test "an empty file gets its first lines later" {
    : >log
    start
    until_true says 1 "$PWD/log: is empty yet; it is waited for"
    lines 1 10 >>log
    until_true has_events 10
    stop
    same_as_import log
}

@test "a file that is deleted and comes again" {
    lines 1 10 >log
    start
    until_true has_events 10
    cp log before
    rm log
    lines 11 20 >log
    until_true has_events 20
    stop
    same_as_import before log
}
