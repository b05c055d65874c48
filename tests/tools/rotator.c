/* rotator - writes a log and rotates it, in every way that is met, at random moments of its own: rotator FOLDER LINES
 * ROTATIONS SECONDS SEED.
 *
 * The log is FOLDER/log; line i, from 0, is one event of the source with the number FIRST + i. After some lines it waits for
 * FOLDER/go. What a rotation may take away from a reader, since no copy is left of it, is said on stdout: "may lose FROM TO
 * HOW", half-open. At the end: "written LINES". */
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST = 0x0b000000, KEPT = 60, LONG_LINE = 1 << 20, CHUNK = 64 };

static uint64_t state;
static int fd;
static int appends; /* the descriptor's writes go to the file's end; else to its own place */
static unsigned long next_line, all_lines, limit; /* the last lines wait for the last rotation */
static unsigned long from;                        /* the first line in the live file */
static unsigned dated; /* 0: names by number; else the last date's number */

static unsigned rnd(unsigned n)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(state >> 33) % n;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void put(const char *bytes, size_t n)
{
    if (write(fd, bytes, n) != (ssize_t)n)
        die("write");
}

static int format_line(char *out, size_t size, unsigned long i)
{
    unsigned second = (unsigned)(i * 3000 / all_lines), ip = FIRST + (unsigned)i;

    return snprintf(out, size,
                    "2026-11-24T09:%02u:%02u+00:00 gw kernel: DROP IN=eth0 OUT= SRC=%u.%u.%u.%u "
                    "DST=192.0.2.%lu LEN=40 TOS=0x00 PREC=0x00 TTL=240 ID=1 PROTO=TCP SPT=40000 "
                    "DPT=%lu WINDOW=1024 RES=0x00 SYN URGP=0\n",
                    second / 60, second % 60, ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255,
                    i % 200 + 1, i % 50 + 1);
}

/* At times a line comes in two writes. */
static void write_lines(unsigned long n)
{
    char text[CHUNK * 256];

    while (n > 0 && next_line < limit) {
        size_t len = 0, first;
        for (int k = 0; k < CHUNK && n > 0 && next_line < limit; k++, n--)
            len += (size_t)format_line(text + len, sizeof text - len, next_line++);
        first = rnd(4) == 0 ? rnd((unsigned)len) : len;
        put(text, first);
        if (first < len) {
            usleep(rnd(3000));
            put(text + first, len - first);
        }
    }
}

static void write_long_line(void)
{
    static char text[LONG_LINE + 1];

    memset(text, 'x', LONG_LINE);
    text[LONG_LINE] = '\n';
    put(text, sizeof text);
}

static void open_log(void)
{
    appends = rnd(3) > 0;
    fd = open("log", O_WRONLY | O_CREAT | (appends ? O_APPEND : 0), 0644);
    if (fd < 0)
        die("log");
}

static void reopen(void)
{
    if (close(fd) < 0)
        die("close");
    open_log();
    from = next_line;
}

/* ---- names ---- */

static const char *const packings[] = {"", ".gz", ".xz", ".zst", ".bz2"};
enum { PACKINGS = 5 };

static void name_of(char out[64], unsigned k, unsigned packing)
{
    snprintf(out, 64, "log.%u%s", k, packings[packing]);
}

static void shift(void)
{
    char a[64], b[64];

    for (unsigned k = KEPT; k > 0; k--)
        for (unsigned p = 0; p < PACKINGS; p++) {
            name_of(a, k, p);
            name_of(b, k + 1, p);
            if (k == KEPT)
                unlink(a);
            else
                rename(a, b);
        }
}

/* The name that the live log is to be rotated to. */
static void make_room(char out[64])
{
    if (dated) {
        snprintf(out, 64, "log-2026%02u%02u", 1 + dated / 28 % 12, 1 + dated % 28);
        dated++;
    } else {
        shift();
        name_of(out, 1, 0);
    }
}

/* ---- rotations ---- */

static void rename_log(void)
{
    char to[64];

    make_room(to);
    if (rename("log", to) < 0)
        die("rename");
}

static void copy_log(void)
{
    char to[64], command[200];

    make_room(to);
    snprintf(command, sizeof command, "cp log %s", to);
    if (system(command) != 0)
        die("cp");
}

static void truncate_log(void)
{
    if (ftruncate(fd, 0) < 0)
        die("ftruncate");
    from = next_line;
}

/* The newest rotated file is compressed, as logrotate does it: the plain one goes when the other is there. */
static void pack_newest(void)
{
    static const char *const programs[] = {"gzip -f", "xz -f -1", "zstd -q -f --rm", "bzip2 -f"};
    char name[64], command[200];

    if (dated)
        snprintf(name, sizeof name, "log-2026%02u%02u", 1 + (dated - 1) / 28 % 12,
                 1 + (dated - 1) % 28);
    else
        name_of(name, 1, 0);
    if (access(name, F_OK) < 0)
        return;
    snprintf(command, sizeof command, "%s %s", programs[rnd(4)], name);
    if (system(command) != 0)
        die(command);
}

static void may_lose(const char *how)
{
    printf("may lose %lu %lu %s\n", from, next_line, how);
    fflush(stdout);
}

static void rotate(void)
{
    switch (rnd(12)) {
    case 0: /* the writer opens the new file at once */
    case 1:
        rename_log();
        reopen();
        break;
    case 2: /* it holds the old one for a while */
    case 3:
        rename_log();
        write_lines(rnd(500));
        usleep(rnd(300000));
        write_lines(rnd(500));
        reopen();
        break;
    case 4: /* within a tick */
        for (unsigned i = 2 + rnd(2); i > 0; i--) {
            rename_log();
            reopen();
            write_lines(rnd(200));
        }
        break;
    case 5:
    case 6:
    case 7:
        copy_log();
        truncate_log();
        if (rnd(2) == 0)
            pack_newest();
        break;
    case 8:
        may_lose("truncated");
        truncate_log();
        break;
    case 9:
        may_lose("deleted");
        unlink("log");
        reopen();
        break;
    default:
        rename_log();
        reopen();
        write_lines(rnd(500));
        pack_newest();
        break;
    }
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fputs("usage: rotator FOLDER LINES ROTATIONS SECONDS SEED\n", stderr);
        return 2;
    }
    all_lines = strtoul(argv[2], NULL, 10);
    unsigned long rotations = strtoul(argv[3], NULL, 10);
    double pause_us = strtod(argv[4], NULL) * 1e6 / (double)(rotations + 1);
    limit = all_lines - all_lines / (rotations + 1);
    state = strtoull(argv[5], NULL, 10);
    if (chdir(argv[1]) < 0)
        die(argv[1]);
    open_log();
    write_lines(10);
    while (access("go", F_OK) < 0) /* a log that nobody knows yet may not be rotated away */
        usleep(50000);
    for (unsigned long i = 0; i < rotations; i++) {
        if (i == rotations / 2)
            dated = 1; /* as an administrator changes it: once */
        unsigned long share = all_lines / (rotations + 1);
        unsigned pauses = 1 + rnd(4);
        for (unsigned k = 0; k < pauses; k++) {
            write_lines(rnd((unsigned)(2 * share / pauses) + 1));
            usleep((useconds_t)(pause_us / pauses * rnd(200) / 100));
        }
        if (rnd(20) == 0)
            write_long_line();
        rotate();
    }
    limit = all_lines;
    write_lines(all_lines);
    printf("written %lu\n", next_line);
    return close(fd) < 0 || fclose(stdout) ? 1 : 0;
}
