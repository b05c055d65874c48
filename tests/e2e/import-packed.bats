# scantide import: compressed logs, archives, folders and patterns; what is known is known whatever it is packed in.

load run-helper

import() { # ARGUMENT...
    run --separate-stderr "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC "$@"
}

counted() { # LINES
    [[ $output == *"lines "*" $1"$'\n'* ]]
}

@test "every compression is the log that it was" {
    lines 1 20000 >log
    for pack in gzip xz zstd bzip2; do
        $pack -kq log
    done
    import log.gz
    [ "$status" -eq 0 ]
    counted 20000
    for packed in log log.xz log.zst log.bz2 log.gz; do
        import "$packed"
        [ "$status" -eq 0 ]
        counted 0
        [[ $stderr == *"$packed: taken in before, nothing new"* ]]
    done
    same_as_import log
}

@test "a compressed copy that is longer goes on, a shorter one is known, two in one file are one log" {
    lines 1 20000 >log
    import log
    lines 20001 50000 | gzip >more.gz
    gzip -k log
    cat log.gz more.gz >log.2.gz
    import log.2.gz
    counted 30000
    [[ $stderr == *"log.2.gz: the first $(stat -c %s log) bytes were taken in before"* ]]
    lines 1 30000 | xz >log.3.xz
    import log.3.xz
    counted 0
    lines 1 50000 >whole
    same_as_import whole
}

@test "the oldest comes first, whatever its name; a pattern may be quoted" {
    lines 1 10 >log.a
    lines 2001 2010 | gzip >log.b.gz
    lines 1001 1010 >log.c
    import 'log.?' log.b.gz log.c
    [ "$status" -eq 0 ]
    counted 30
    [ "$(sqlite3 data/facts.db "SELECT group_concat(replace(path, rtrim(path, replace(path, '/', '')), ''), ' ') FROM position ORDER BY id")" = "log.a log.c log.b.gz" ]
    import 'nothing.*'
    [ "$status" -eq 2 ]
    [[ $stderr == *"nothing.*: there is no file of such a name"* ]]
}

@test "of a folder and of an archive what a parser knows is taken in, the rest is named" {
    mkdir logs logs/sub
    lines 1 1000 >logs/kern.log
    lines 1001 2000 | gzip >logs/kern.log.2.gz
    echo 'no firewall here' >logs/notes
    : >logs/empty
    import logs
    [ "$status" -eq 0 ]
    counted 2000
    [[ $stderr == *"logs/notes: passed over, no parser knows a line"* ]]
    [[ $stderr == *"logs/empty: passed over, it is empty"* ]]
    [[ $stderr == *"logs/sub: passed over, it is no regular file"* ]]
    tar -czf logs.tgz logs
    (cd logs && zip -q ../logs.zip kern.log notes)
    for archive in logs.tgz logs.zip; do
        import "$archive"
        [ "$status" -eq 0 ]
        counted 0
        [[ $stderr == *"$archive: "*"kern.log: taken in before, nothing new"* ]]
        [[ $stderr == *"$archive: "*"notes: passed over"* ]]
    done
    "$SCANTIDE" import --config conf.yaml --data "$PWD/fresh" --sensor gw --timezone UTC logs.tgz >/dev/null
    [ "$(events "$PWD/fresh")" -eq 2000 ]
    import logs/sub
    [ "$status" -eq 2 ]
}

@test "what ends too early is taken in as far as it can be read, and the whole copy goes on" {
    lines 1 50000 >log
    for pack in gzip xz zstd bzip2; do
        $pack -kq log
    done
    for packed in log.gz log.xz log.zst log.bz2; do
        rm -rf data
        head -c $(($(stat -c %s "$packed") / 2)) "$packed" >cut
        import cut
        [ "$status" -eq 1 ]
        [[ $stderr == *"cut: it is damaged or ends too early ("*"bytes of its content, is taken in"* ]]
        some=$(events)
        [ "$some" -gt 0 ]
        [ "$some" -lt 50000 ]
        import "$packed"
        [ "$status" -eq 0 ]
        same_as_import log
    done
}

# One byte, COUNT before the end of the file, is another one.
flip() { # FILE COUNT
    size=$(stat -c %s "$1")
    byte=$(od -An -tu1 -j $((size - $2)) -N 1 "$1")
    printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek=$((size - $2)) conv=notrunc status=none
}

@test "a flipped bit is noticed: what was taken in is said not to be sure" {
    lines 1 1000 >log
    for pack in gzip xz zstd bzip2; do
        $pack -kq log
    done
    zip -q0 log.zip log
    gzip -c log >twice && cat twice >>twice.gz && cat twice >>twice.gz
    flip log.gz 8 # its checksum
    flip twice.gz $(($(stat -c %s twice) + 8))
    flip log.xz 200
    flip log.zst 200
    flip log.bz2 200
    flip log.zip 5000
    tar -cf log.tar log.gz
    for packed in log.gz twice.gz log.xz log.zst log.bz2 log.zip log.tar; do
        rm -rf data
        import "$packed"
        [ "$status" -eq 1 ] || { echo "$packed: $status"; false; }
        [[ $stderr =~ "$packed"[^$'\n']*"it "("is damaged or ends too early"|"can't be unpacked")" (" ]]
    done
    gzip -kf log
    tar -cf log.tar log.gz
    { cat log.gz; head -c 100 /dev/zero; } >padded.gz # by tapes
    for packed in log.tar padded.gz; do
        rm -rf data
        import "$packed"
        [ "$status" -eq 0 ]
        counted 1000
    done
}

@test "the year of a compressed log without years is that of its own time" {
    lines 1 10 >log
    touch -d 2021-11-25T00:00:00Z log
    gzip log
    touch log.gz
    import log.gz
    [[ $output == *"span        2021-11-24 "* ]]
    mkdir tarred && cd tarred
    zcat ../log.gz >log
    touch -d 2019-11-25T00:00:00Z log
    tar -cf ../old.tar log && cd ..
    "$SCANTIDE" import --data fresh --timezone UTC old.tar >out
    grep 'span        2019-11-24 ' out
}

@test "an archive a thousand times its size takes no memory and no disk" {
    { lines 1 1000; head -c 300000000 /dev/zero | tr '\0' 'x'; echo; lines 1001 2000; } | gzip -1 >bomb.gz
    "$TOOLS/measure" measured "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC bomb.gz >out
    grep 'events  *2000$' out
    grep -q __asan_init "$SCANTIDE" || [ "$(awk '{ print $2 }' measured)" -lt 200000 ]
}

@test "a last line without its end waits while the file is written, and is counted once" {
    lines 1 3 >log
    head -c -20 log >grown
    import grown
    counted 2
    [[ $stderr == *"grown: its last line ("*" bytes) has no end yet"* ]]
    cat log >grown
    import grown
    counted 1
    head -c -1 log >quiet
    touch -d '-10 minutes' quiet
    "$SCANTIDE" import --config conf.yaml --data "$PWD/fresh" --sensor gw --timezone UTC quiet
    [ "$(events "$PWD/fresh")" -eq 3 ]
    same_as_import log
}
