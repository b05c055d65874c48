/* benchlog - a kern.log that is hard on whoever counts it: many sources, many ports.
 *
 *     benchlog [LINES [SECONDS [SOURCES]]] >kern.log
 *
 * A million lines over a day by default: 97 of 100 dropped packets, two allowed, one of something else; about 473,000
 * distinct sources (every 5th packet but two comes from a source of its own) and 87,500 distinct ports (every 5th goes
 * to a port drawn evenly). SOURCES: no more than about as many. The same bytes each time. Times are UTC, the last is
 * Nov 24 10:00:00. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t state = 20261124;

/* SplitMix64 (Steele, Lea and Flood 2014), its upper half. */
static uint32_t draw(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15ULL;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return (uint32_t)((z ^ z >> 31) >> 32);
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)((uint64_t)draw() * n >> 32);
}

static uint32_t scramble(uint32_t x)
{
    x = (x ^ x >> 16) * 0x45d9f3bu;
    x = (x ^ x >> 16) * 0x45d9f3bu;
    return x ^ x >> 16;
}

/* Two of five from all over the world, three from 100,000 that come again, the low numbers the most. */
static uint32_t source(uint32_t most)
{
    uint32_t again = most && most / 2 < 100000 ? most / 2 : 100000;

    for (;;) {
        uint32_t u = draw(), number = (uint32_t)(((uint64_t)u * u >> 32) * again >> 32);
        uint32_t ip = scramble(number + 1);
        if (below(5) < 2)
            ip = most ? scramble(~(draw() % (most - again))) : draw();
        uint32_t a = ip >> 24;
        if (a > 0 && a < 224 && a != 10 && a != 127)
            return ip;
    }
}

static unsigned port(void)
{
    static const uint16_t popular[] = {
        23,   445,  22,   3389,  1433, 80,   443,   8080, 5555,  6379,  81,    2323,
        8443, 3306, 5900, 8088,  7547, 5060, 53,    123,  37215, 52869, 60001, 161,
        1900, 389,  9200, 27017, 5432, 8000, 8081,  8888, 9000,  25,    21,    110,
        143,  993,  2375, 111,   1080, 3128, 10000, 139,  135,   7001,  554,   2222,
        5038, 8089, 9090, 3000,  5000, 6443, 500,   69,   4444,  11211, 137,   138,
    };
    uint32_t u = draw();

    if (below(5) == 0)
        return 1 + below(65535);
    return popular[((uint64_t)u * u >> 32) * (sizeof popular / sizeof *popular) >> 32];
}

static void packet(const char *verdict, uint32_t most)
{
    uint32_t from = source(most), to = below(256), kind = below(100);

    printf("%s IN=eth0 OUT= MAC=52:54:00:9c:1e:07:00:1b:17:00:01:10:08:00 SRC=%u.%u.%u.%u "
           "DST=192.0.2.%u ",
           verdict, from >> 24, from >> 16 & 255, from >> 8 & 255, from & 255, to);
    if (kind < 78) {
        printf("LEN=%u TOS=0x00 PREC=0x00 TTL=%u ID=%u PROTO=TCP SPT=%u DPT=%u WINDOW=%u RES=0x00 "
               "SYN URGP=0 \n",
               40 + 4 * below(6), 30 + below(220), below(65536), 1024 + below(64512), port(),
               below(65536));
    } else if (kind < 97) {
        unsigned length = 28 + below(400);
        printf("LEN=%u TOS=0x00 PREC=0x00 TTL=%u ID=%u PROTO=UDP SPT=%u DPT=%u LEN=%u \n", length,
               30 + below(220), below(65536), 1024 + below(64512), port(), length - 20);
    } else {
        printf("LEN=84 TOS=0x00 PREC=0x00 TTL=%u ID=%u PROTO=ICMP TYPE=8 CODE=0 ID=%u SEQ=%u \n",
               30 + below(220), below(65536), below(65536), below(100));
    }
}

int main(int argc, char **argv)
{
    long lines = argc > 1 ? atol(argv[1]) : 1000000, seconds = argc > 2 ? atol(argv[2]) : 86400;
    uint32_t most = argc > 3 ? (uint32_t)atol(argv[3]) : 0;

    if (lines < 1 || seconds < 1 || seconds > 20 * 86400 || most == 1) {
        fputs("usage: benchlog [LINES [SECONDS [SOURCES]]], of at most 20 days\n", stderr);
        return 2;
    }
    for (long i = 0; i < lines; i++) {
        double at = (double)seconds * (double)(i + 1) / (double)lines;
        long t = (24 * 24 + 10) * 3600L - seconds + (long)at; /* since Oct 31 */
        unsigned micro = (unsigned)((at - (double)(long)at) * 1e6);
        printf("Nov %2ld %02ld:%02ld:%02ld gw kernel: [%5ld.%06u] ", t / 86400, t / 3600 % 24,
               t / 60 % 60, t % 60, 10000 + (long)at, micro);
        uint32_t u = below(100);
        if (u == 0)
            puts("perf: interrupt took too long (2611 > 2500), lowering "
                 "kernel.perf_event_max_sample_rate to 76500");
        else
            packet(u < 3 ? "ACCEPT" : "DROP", most);
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
