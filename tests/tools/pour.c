/* pour - writes a log's lines to stdout as a busy machine would: pour FILE RATE
 *
 * RATE lines a second, a batch each 5 ms, until FILE's end. Says on stderr how many lines it wrote in
 * which time, in ms. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TURN_MS = 5 };

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void wait_until(uint64_t due)
{
    struct timespec t = {(time_t)(due / 1000000000), (long)(due % 1000000000)};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static int write_all(const char *p, size_t n)
{
    while (n) {
        ssize_t got = write(1, p, n);
        if (got < 0)
            return -1;
        p += got;
        n -= (size_t)got;
    }
    return 0;
}

/* Where the next `lines` lines end. */
static const char *skip_lines(const char *p, const char *end, uint64_t lines)
{
    for (; lines && p < end; lines--) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        p = newline ? newline + 1 : end;
    }
    return p;
}

int main(int argc, char **argv)
{
    struct stat st;
    int fd = argc == 3 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    uint64_t rate = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;

    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0 || rate == 0) {
        fputs("usage: pour FILE RATE\n", stderr);
        return 2;
    }
    const char *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        perror("pour");
        return 1;
    }
    const char *end = p + st.st_size;
    uint64_t from = now_ns(), lines = 0;
    for (uint64_t turn = 1; p < end; turn++) {
        uint64_t due = rate * TURN_MS * turn / 1000;
        const char *to = skip_lines(p, end, due - lines);
        lines = due;
        if (write_all(p, (size_t)(to - p)) < 0) {
            perror("pour");
            return 1;
        }
        p = to;
        wait_until(from + turn * TURN_MS * 1000000);
    }
    fprintf(stderr, "%" PRIu64 " %" PRIu64 "\n", lines, (now_ns() - from) / 1000000);
    return 0;
}
