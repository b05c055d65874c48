# A pattern of paths: those there are and those that come later, each once; rotated forms are how a log goes on.

load run-helper

@test "files of a pattern, also those that come later, and their rotated forms once" {
    mkdir logs
    configure 'logs/*.log*'
    lines 1 10 >logs/a.log.1
    lines 11 20 >logs/a.log
    gzip -c logs/a.log.1 >logs/z.log.gz
    start
    until_true has_events 10
    lines 31 40 >logs/b.log
    until_true has_events 20
    mv logs/b.log logs/b.log.1
    lines 41 50 >>logs/b.log.1
    lines 51 60 >logs/b.log
    until_true has_events 40
    [ "$(events)" -eq 40 ]
    stop
    same_as_import logs/a.log logs/b.log.1 logs/b.log
}

@test "no file of the pattern is there yet" {
    configure 'none/*.log'
    start
    until_true says 1 'none/\*.log: there is no such file yet; they are waited for'
    mkdir none
    lines 1 10 >none/a.log
    until_true has_events 10
    stop
    same_as_import none/a.log
}

@test "one file by two names is one log" {
    mkdir logs
    configure 'logs/*.log'
    lines 1 10 >logs/a.log
    ln -s a.log logs/b.log
    start
    until_true says 1 'b.log: is the same file as .*/a.log, and read there'
    until_true has_events 10
    lines 11 20 >>logs/a.log
    until_true has_events 20
    stop
    same_as_import logs/a.log
}
