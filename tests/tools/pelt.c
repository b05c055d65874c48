/* pelt - sends syslog as fast or as badly as a test wants, and says how much it sent.
 *
 *     pelt udp ADDRESS PORT COUNT RATE [FROM]         COUNT datagrams, RATE a second (0: as it can)
 *     pelt tcp ADDRESS PORT COUNT line|octet          until the server ends the connection
 *     pelt peers ADDRESS PORT IDLE BUSY SLOW GARBAGE COUNT
 *                                                     connections of four kinds; each busy one sends COUNT
 *
 * Each message is one event of its own source. The number sent is printed; for tcp, how many were whole. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, MESSAGE_MAX = 300 };

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "pelt: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static size_t message(char *to, unsigned i)
{
    static time_t then;
    static char stamp[32];
    time_t now = time(NULL);

    if (now != then)
        strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", gmtime(&now));
    then = now;
    return (size_t)snprintf(
        to, MESSAGE_MAX,
        "<4>%s gw kernel: [%u.000000] DROP IN=eth0 OUT= SRC=%u.%u.%u.%u DST=192.0.2.1 LEN=40 "
        "TOS=0x00 "
        "PREC=0x00 TTL=244 ID=%u PROTO=TCP SPT=%u DPT=%u WINDOW=1024 RES=0x00 SYN URGP=0",
        stamp, i, 101 + (i >> 24 & 7), i >> 16 & 255, i >> 8 & 255, i & 255, i & 65535,
        1024 + i % 60000, 1 + i % 1000);
}

static int open_to(int type, const char *address, const char *port, const char *from)
{
    bool six = strchr(address, ':') != NULL;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))},
                       own = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = in.sin_port};
    int fd = socket(six ? AF_INET6 : AF_INET, type, 0);

    if (inet_pton(six ? AF_INET6 : AF_INET, address,
                  six ? (void *)&in6.sin6_addr : (void *)&in.sin_addr) != 1)
        fail(address);
    if (fd < 0)
        fail("socket");
    if (from && (inet_pton(AF_INET, from, &own.sin_addr) != 1 ||
                 bind(fd, (struct sockaddr *)&own, sizeof own) < 0))
        fail(from);
    if (connect(fd, six ? (struct sockaddr *)&in6 : (struct sockaddr *)&in,
                six ? sizeof in6 : sizeof in) < 0)
        fail("connect");
    return fd;
}

/* ---- udp ---- */

static void pace(uint64_t start, unsigned sent, unsigned rate)
{
    uint64_t due = rate ? start + (uint64_t)sent * 1000000000 / rate : 0, now = now_ns();

    if (now < due) {
        struct timespec t = {(time_t)((due - now) / 1000000000), (long)((due - now) % 1000000000)};
        nanosleep(&t, NULL);
    }
}

static void pelt_udp(int fd, unsigned count, unsigned rate)
{
    static char text[BATCH][MESSAGE_MAX];
    struct iovec parts[BATCH];
    struct mmsghdr m[BATCH] = {0};
    uint64_t start = now_ns();
    unsigned sent = 0;

    while (sent < count) {
        unsigned n = count - sent < BATCH ? count - sent : BATCH;
        for (unsigned i = 0; i < n; i++) {
            parts[i] = (struct iovec){text[i], message(text[i], sent + i)};
            m[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
        }
        int got = sendmmsg(fd, m, n, 0);
        if (got < 0 && errno != EINTR && errno != ENOBUFS && errno != ECONNREFUSED)
            fail("sendmmsg");
        sent += got > 0 ? (unsigned)got : 0;
        pace(start, sent, rate);
    }
    printf("%u\n", sent);
    fprintf(stderr, "pelt: %.0f a second\n", sent / ((double)(now_ns() - start) / 1e9));
}

/* ---- tcp ---- */

static bool ended(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};
    char byte;

    return poll(&p, 1, 0) > 0 && recv(fd, &byte, 1, MSG_DONTWAIT) <= 0;
}

static size_t framed(char *to, unsigned i, bool octet)
{
    char text[MESSAGE_MAX];
    size_t n = message(text, i);

    return (size_t)(octet ? sprintf(to, "%zu %s", n, text) : sprintf(to, "%s\n", text));
}

static void pelt_tcp(int fd, unsigned count, bool octet)
{
    char text[MESSAGE_MAX + 16];
    unsigned sent = 0;

    for (; sent < count && !ended(fd); sent++) {
        size_t n = framed(text, sent, octet);
        for (size_t at = 0; at < n;) {
            ssize_t got = send(fd, text + at, n - at, MSG_NOSIGNAL);
            if (got < 0)
                goto out;
            at += (size_t)got;
        }
    }
out:
    printf("%u\n", sent);
    shutdown(fd, SHUT_WR);
    while (!ended(fd))
        poll(&(struct pollfd){fd, POLLIN, 0}, 1, 1000);
}

/* ---- peers ---- */

enum kind { IDLE, BUSY, SLOW, GARBAGE, KINDS };

struct peer {
    enum kind kind;
    int fd;
    unsigned sent, number;
    char text[4096];
    size_t n, at;
    uint64_t next_ns;
};

static void refill(struct peer *p)
{
    p->at = p->n = 0;
    if (p->kind == GARBAGE) {
        p->n = sizeof p->text;
        for (size_t i = 0; i < p->n; i++)
            p->text[i] = (char)(rand() >> 8);
    } else if (p->kind == SLOW) {
        p->n = framed(p->text, p->sent++, false);
    } else {
        while (p->n + MESSAGE_MAX + 16 < sizeof p->text)
            p->n += framed(p->text + p->n, p->number + p->sent++, p->number & 1);
    }
}

/* Whether it has something to say now. */
static bool says(struct peer *p, unsigned count, uint64_t now)
{
    if (p->kind == IDLE || p->fd < 0 || (p->kind != BUSY && now < p->next_ns))
        return false;
    if (p->at == p->n && p->kind == BUSY && p->sent >= count)
        return false;
    if (p->at == p->n)
        refill(p);
    return true;
}

static void speak(struct peer *p, uint64_t now)
{
    size_t n = p->kind == SLOW ? 1 : p->n - p->at;
    ssize_t got = send(p->fd, p->text + p->at, n, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (got < 0 && errno != EAGAIN) {
        close(p->fd);
        p->fd = -1;
        return;
    }
    p->at += got > 0 ? (size_t)got : 0;
    p->next_ns = now + (p->kind == SLOW ? 1000000000 : 50000000);
}

static void pelt_peers(char **a, const unsigned *of_kind, unsigned count)
{
    static struct peer peers[4000];
    struct rlimit files = {8192, 8192};
    unsigned n = 0, sent = 0;
    bool more = true;

    setrlimit(RLIMIT_NOFILE, &files);
    for (enum kind kind = IDLE; kind < KINDS; kind++)
        for (unsigned i = 0; i < of_kind[kind]; i++, n++)
            peers[n] = (struct peer){
                .kind = kind, .number = i * count, .fd = open_to(SOCK_STREAM, a[0], a[1], NULL)};
    for (unsigned i = 0; i < n; i++)
        fcntl(peers[i].fd, F_SETFL, O_NONBLOCK);
    uint64_t least = now_ns() + UINT64_C(5000000000);
    while (more || now_ns() < least) {
        uint64_t now = now_ns();
        more = false;
        for (unsigned i = 0; i < n; i++) {
            if (says(&peers[i], count, now))
                speak(&peers[i], now);
            more |= peers[i].kind == BUSY && peers[i].fd >= 0 &&
                    (peers[i].sent < count || peers[i].at < peers[i].n);
        }
        if (!more)
            nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    for (unsigned i = 0; i < n; i++)
        if (peers[i].kind == BUSY)
            sent += peers[i].fd >= 0 ? peers[i].sent : 0;
    printf("%u\n", sent);
}

int main(int argc, char **argv)
{
    if (argc >= 6 && strcmp(argv[1], "udp") == 0) {
        pelt_udp(open_to(SOCK_DGRAM, argv[2], argv[3], argc > 6 ? argv[6] : NULL),
                 (unsigned)atoi(argv[4]), (unsigned)atoi(argv[5]));
    } else if (argc == 6 && strcmp(argv[1], "tcp") == 0) {
        pelt_tcp(open_to(SOCK_STREAM, argv[2], argv[3], NULL), (unsigned)atoi(argv[4]),
                 strcmp(argv[5], "octet") == 0);
    } else if (argc == 9 && strcmp(argv[1], "peers") == 0) {
        unsigned of_kind[KINDS];
        for (int i = 0; i < KINDS; i++)
            of_kind[i] = (unsigned)atoi(argv[4 + i]);
        pelt_peers(argv + 2, of_kind, (unsigned)atoi(argv[8]));
    } else {
        fputs("usage: see the head of tests/tools/pelt.c\n", stderr);
        return 2;
    }
    return 0;
}
