/* flood - an hour of a kern.log in which nearly every packet has a source of its own.
 *
 *     flood SOURCES one|random [SEED] >kern.log
 *
 * SOURCES packets, each from another address, at 23/tcp or at random ports; among them 40 heavy sources, 198.51.100.1 to
 * .40, with 2 of 10,000 packets each, and a vertical scanner, 203.0.113.9, whose packet goes to the next port each time,
 * with as many. Every thousandth line is one of theirs in turn, for each of them. The same bytes each time; times are
 * UTC, 2026-11-24 09:00:00 to 09:59:59. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAVY = 40, EVERY = 5000 };

static uint32_t scramble(uint32_t x)
{
    x = (x ^ x >> 16) * 0x45d9f3bu;
    x = (x ^ x >> 16) * 0x45d9f3bu;
    return x ^ x >> 16;
}

static void put_line(uint64_t at, uint64_t all, uint32_t ip, unsigned port, unsigned target)
{
    unsigned second = (unsigned)(at * 3600 / all);

    printf("2026-11-24T09:%02u:%02u+00:00 gw kernel: DROP IN=eth0 OUT= SRC=%u.%u.%u.%u "
           "DST=192.0.2.%u LEN=40 TOS=0x00 "
           "PREC=0x00 TTL=240 ID=1 PROTO=TCP SPT=40000 DPT=%u WINDOW=1024 RES=0x00 SYN URGP=0\n",
           second / 60, second % 60, ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255, target,
           port);
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4 || (strcmp(argv[2], "one") != 0 && strcmp(argv[2], "random") != 0)) {
        fputs("usage: flood SOURCES one|random [SEED]\n", stderr);
        return 2;
    }
    uint64_t n = strtoull(argv[1], NULL, 10);
    int random = strcmp(argv[2], "random") == 0;
    uint32_t number = argc == 4 ? (uint32_t)strtoul(argv[3], NULL, 10) * 0x2000003u : 0;
    for (uint64_t i = 0; i < n; i++) {
        uint32_t ip, h;
        do /* the scramble is one to one, so no address comes twice */
            ip = scramble(++number);
        while (ip >> 24 == 0 || ip >> 24 == 10 || ip >> 24 == 127 || ip >> 24 >= 224 ||
               ip >> 8 == 0xc63364 || ip >> 8 == 0xcb0071);
        h = scramble(number ^ 0x5bd1e995u);
        put_line(i, n, ip, random ? 1 + h % 65535 : 23, 1 + (h >> 16) % 254);
        unsigned turn = (unsigned)(i % EVERY);
        if (turn % 100 == 0 && turn / 100 < HEAVY)
            put_line(i, n, 0xc6336401u + turn / 100, 445, 7);
        else if (turn == EVERY - 1)
            put_line(i, n, 0xcb007109u, 1 + (unsigned)(i / EVERY) % 65535, 8);
    }
    return ferror(stdout) || fclose(stdout) ? 1 : 0;
}
