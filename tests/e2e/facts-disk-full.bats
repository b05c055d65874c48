# A disk that is full, at any moment of an import or a daemon's life: said, nothing half kept, and exact once there is room.

load run-helper

disk() { # SIZE: data/ on a disk of this size, kept when it grows
    mkdir -p data
    if mountpoint -q data; then
        mount -o "remount,size=$1" data
    else
        mount -t tmpfs -o "size=$1,mode=750" tmpfs data
    fi
}

inside() { # COMMAND...: in a namespace in which mounts are ours alone
    unshare -m true 2>/dev/null || skip "no mounts of one's own here"
    export -f disk lines start stop until_true events has_events says same_as_import configure import_log whole teardown
    export SCANTIDE
    unshare -m bash -euc 'mount --make-rprivate / && trap teardown EXIT && "$@"' bash "$@"
}

import_log() { # FILE
    "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC "$1"
}

# What is there is whole, and as many events as lines before the position.
whole() { # FILE
    # A copy is asked: a reader, too, needs some room beside the facts.
    rm -rf look && mkdir look && cp data/facts.db* look/
    [ "$(sqlite3 look/facts.db 'PRAGMA integrity_check')" = ok ]
    # Not even the tables found room.
    [ "$(sqlite3 look/facts.db 'SELECT count(*) FROM sqlite_master')" -gt 0 ] || return 0
    local offset
    offset=$(sqlite3 look/facts.db 'SELECT ifnull(max(offset), 0) FROM position')
    for kind in 1 2 3; do
        [ "$(sqlite3 look/facts.db "SELECT ifnull(sum(events), 0) FROM segment WHERE kind = $kind")" -eq "$(head -c "$offset" "$1" | wc -l)" ]
    done
}

imports() {
    lines 1 60000 >log
    for size in 16k 96k 160k 256k 400k 600k; do
        disk $size
        status=0
        import_log log >out 2>err || status=$?
        [ "$status" -ne 0 ] || break
        grep -qE 'full|No space left' err || { cat err; return 1; }
        [ ! -s data/facts.db ] || whole log
    done
    echo "failed up to $size"
    disk 64m
    import_log log >out 2>err || { cat err; return 1; }
    whole log
    same_as_import log
}

@test "import: larger and larger disks, then one that suffices" {
    export -f imports
    inside imports
}

follows() {
    disk 700k
    lines 1 100 >log
    start
    until_true has_events 100
    # Something else fills the disk.
    head -c 10m /dev/zero >data/filler 2>/dev/null || true
    lines 101 8000 >>log
    until_true says 1 'could.* not be written\|can.t be written'
    lines 8001 8100 >>log
    disk 64m
    until_true has_events 8100
    stop
    whole log
    same_as_import log
}

@test "run: it waits for room" {
    export -f follows
    inside follows
}

stops_full() {
    disk 700k
    lines 1 100 >log
    start
    until_true has_events 100
    head -c 10m /dev/zero >data/filler 2>/dev/null || true
    lines 101 8000 >>log
    until_true says 1 'could.* not be written\|can.t be written'
    kill "$daemon"
    wait "$daemon" || true
    daemon=
    whole log
    rm data/filler
    disk 64m
    start
    until_true has_events 8000
    stop
    same_as_import log
}

@test "run: ended while the disk is full, it goes on where it stopped" {
    export -f stops_full
    inside stops_full
}

reads_only() {
    disk 64m
    lines 1 1000 >log
    import_log log >/dev/null 2>&1
    mount -o remount,ro data
    [ "$(events)" -eq 1000 ]
    "$SCANTIDE" backup --config conf.yaml copy.db
    lines 1 2000 >log
    for command in "import --sensor gw --timezone UTC log" run "prune --yes --sensor gw --from 2020-01-01 --to 2020-01-02" rebuild; do
        status=0
        # shellcheck disable=SC2086 # words
        "$SCANTIDE" --config conf.yaml $command >out 2>err || status=$?
        [ "$status" -eq 2 ] || { echo "$command: $status"; cat err; return 1; }
        grep -q 'data' err
    done
    mount -o remount,rw data
    import_log log >/dev/null 2>&1
    same_as_import log
}

@test "a disk that was made read-only can be asked, and says that it can't be written" {
    export -f reads_only
    inside reads_only
}
