# scantide run killed with -9 ten times under load: exactly the counts of an undisturbed import, and no more read again than
# what wasn't committed.

load run-helper

write_log() {
    for ((i = 0; i < 4000; i++)); do
        [ -e "$BATS_TEST_TMPDIR/enough" ] && break
        lines $((i * 100 + 1)) $((i * 100 + 100)) >>log
        sleep 0.01
    done
    : >written
}

log_has() {
    [ "$(stat -c %s log)" -ge "$1" ] || [ -e written ]
}

@test "ten kills" {
    : >log
    write_log 3>&- &
    writer=$!
    until_true test -s log
    for ((round = 1; round <= 10; round++)); do
        start
        until_true says "$round" "$PWD/log: \(new, is read\|reads on\)"
        if [ $((round % 2)) -eq 1 ]; then # after the commit of what is there now
            whole=$(wc -l <log) # the writer may be within a line, and positions are at ends of lines
            committed=$(head -n "$whole" log | wc -c)
            until_true has_events "$whole"
        fi
        until_true log_has "$(($(stat -c %s log) + RANDOM * 20))" # at any moment
        kill -9 "$daemon"
        wait "$daemon" || true
        daemon=
        reads_on=$(sed -n 's/.*: reads on at byte \([0-9]*\) of.*/\1/p' said | tail -n 1)
        echo "round $round: committed $committed, read on at ${reads_on:-0}, size $(stat -c %s log)"
        [ $((round % 2)) -eq 1 ] || [ "$reads_on" -ge "$committed" ] || return
    done
    : >enough
    until_true test -e written
    start
    until_true has_events "$(wc -l <log)"
    stop
    same_as_import log
}
