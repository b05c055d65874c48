# A disk with faults (EIO), or one that turns read-only under a running daemon (EROFS): said, nothing half kept, and exact afterwards.

load run-helper

setup() {
    : "${SCANTIDE:=$BATS_TEST_DIRNAME/../../build/scantide}"
    cd "$BATS_TEST_TMPDIR" || return
    export TZ=UTC LC_ALL=C ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS-}"
    configure
    command -v cc >/dev/null || skip "no compiler"
    # While the file FAULTS is there, what it names of the facts fails with the number that stands in it.
    cat >faults.c <<'EOF'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fails(int fd, int kind)
{
    char link[64], path[4096], what[16] = "";
    int before = errno, number = 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    FILE *f = n > 0 ? fopen("FAULTS", "r") : NULL;
    if (f) {
        path[n] = 0;
        if (!strstr(path, "/facts.db") || fscanf(f, "%15s %d", what, &number) != 2 || !strchr(what, kind))
            number = 0;
        fclose(f);
    }
    errno = number ? number : before;
    return number;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
ssize_t pwrite(int fd, const void *p, size_t n, off_t at) { return fails(fd, 'w') ? -1 : REAL(pwrite)(fd, p, n, at); }
ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at) { return fails(fd, 'w') ? -1 : REAL(pwrite64)(fd, p, n, at); }
ssize_t pread(int fd, void *p, size_t n, off_t at) { return fails(fd, 'r') ? -1 : REAL(pread)(fd, p, n, at); }
ssize_t pread64(int fd, void *p, size_t n, off64_t at) { return fails(fd, 'r') ? -1 : REAL(pread64)(fd, p, n, at); }
int fsync(int fd) { return fails(fd, 's') ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fails(fd, 's') ? -1 : REAL(fdatasync)(fd); }
EOF
    cc -shared -fPIC -o faults.so faults.c -ldl
}

EIO=5 EROFS=30

import_log() { # FILE
    LD_PRELOAD=$PWD/faults.so "$SCANTIDE" import --config conf.yaml --sensor gw --timezone UTC "$1"
}

with_faults() { # the daemon
    LD_PRELOAD=$PWD/faults.so "$SCANTIDE" run --config conf.yaml 2>>said >out 3>&- &
    daemon=$!
}

@test "import: a disk that can't be written, read or synced, in turn" {
    lines 1 3000 >log
    import_log log >/dev/null 2>&1
    lines 1 6000 >log
    for fault in "w $EIO" "w $EROFS" "r $EIO"; do
        echo "$fault" >FAULTS
        run -1 --separate-stderr import_log log
        [[ $stderr == *"facts"*"disk I/O error"* ]] || { echo "$fault: $stderr"; false; }
        rm FAULTS
        [ "$(events)" -eq 3000 ]
        [ "$(sqlite3 data/facts.db 'PRAGMA integrity_check')" = ok ]
    done
    # What is committed and can't be synced is said to be just that.
    echo "s $EIO" >FAULTS
    run --separate-stderr import_log log
    [[ $stderr == *"not yet synced"* || $stderr == *"could not be written"* ]]
    rm FAULTS
    import_log log >/dev/null 2>&1
    same_as_import log
}

@test "top and sql: a disk that can't be read is no empty result" {
    lines 1 3000 >log
    import_log log >/dev/null 2>&1
    echo "r $EIO" >FAULTS
    for command in "top ports --all" "export" "sql -"; do
        # shellcheck disable=SC2086 # words
        LD_PRELOAD=$PWD/faults.so run -1 --separate-stderr "$SCANTIDE" --config conf.yaml $command <<<'SELECT * FROM bins'
        [[ $stderr == *"disk I/O error"* ]]
    done
}

@test "run: faults for a while, then the disk is well again" {
    for fault in "w $EROFS" "ws $EIO"; do
        rm -rf data imported said log
        lines 1 100 >log
        with_faults
        until_true has_events 100
        echo "$fault" >FAULTS
        lines 101 3000 >>log
        until_true says 1 'could not be written'
        lines 3001 3100 >>log
        rm FAULTS
        until_true says 1 'can be written again'
        until_true has_events 3100
        stop
        same_as_import log
    done
}
