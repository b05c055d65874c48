/* plants.c - happenings for `scantide simulate --plant`: COUNT of them over DAYS days that end at END (seconds since 1970),
 * of all verdicts in turn, from just above the rule to large, each at a port, or from a country, of its own. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { HOUR = 3600, DAY = 24 * HOUR };

static uint64_t state;

static double uniform(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

static long between(double least, double most)
{
    return (long)floor(least + (most + 1 - least) * uniform());
}

/* Small ones are as likely as large ones. */
static long size(double least, double most)
{
    return (long)(least * pow(most / least, uniform()));
}

static const char *const countries[] = {"CN", "US", "RU", "NL", "IN", "BR", "VN", "HK",
                                        "SG", "DE", "KR", "TW", "ID", "GB", "FR", "UA",
                                        "IR", "TR", "JP", "RO", "TH", "IT", "CA", "MX"};
static const int ports[] = {23,   22,   445,  3389, 1433, 8080,  5900, 6379, 81, 8443, 5555, 3306,
                            2323, 2375, 7001, 8088, 9200, 37215, 25,   110,  21, 8888, 9000, 60001};
enum { COUNTRIES = sizeof countries / sizeof *countries, PORTS = sizeof ports / sizeof *ports };

static void print(const char *verdict, const char *lists, long from, long to, long events)
{
    char a[32], b[32];
    time_t f = from, t = to;

    strftime(a, sizeof a, "%Y-%m-%dT%H:%M:%SZ", gmtime(&f));
    strftime(b, sizeof b, "%Y-%m-%dT%H:%M:%SZ", gmtime(&t));
    printf("{\"verdict\":\"%s\",%s,\"from\":\"%s\",\"to\":\"%s\",\"events\":%ld}\n", verdict, lists,
           a, b, events);
}

static void plant(int which, long day, long start, int days)
{
    char lists[256];
    const char *country = countries[between(0, COUNTRIES - 1)];
    int port = ports[between(0, PORTS - 1)];
    long hour = start + day * DAY + between(0, 22) * HOUR, from = hour + between(0, 50) * 60, span;

    snprintf(lists, sizeof lists, "\"ports\":[\"%d/tcp\"],\"countries\":[\"%s\"]", port, country);
    switch (which) {
    case 0: print("flood", lists, from, from + between(60, 590), size(510, 20000)); break;
    case 1:
        snprintf(lists, sizeof lists, "\"ports\":[],\"countries\":[\"%s\"]", country);
        print("vertical-scan", lists, from, from + between(300, 3500), size(102, 8000));
        break;
    case 2: print("horizontal-scan", lists, from, from + between(120, 3500), size(60, 254)); break;
    case 3:
        span = between(1, 3) * HOUR;
        snprintf(lists, sizeof lists, "\"ports\":[\"%d/tcp\"],\"countries\":[\"%s\",\"%s\",\"%s\"]",
                 port, country, countries[between(0, 11)], countries[between(12, COUNTRIES - 1)]);
        print("distributed", lists, hour, hour + span, size(400, 5000) * span / HOUR);
        break;
    case 4:
        if (uniform() < 0.5)
            snprintf(lists, sizeof lists,
                     "\"ports\":[\"%d/tcp\"],\"countries\":[\"%s\"],\"source_port_step\":%ld", port,
                     country, between(1, 3));
        else
            snprintf(lists, sizeof lists, "\"ports\":[],\"countries\":[\"%s\"],\"port_step\":%ld",
                     country, between(1, 5));
        print("sequential", lists, from, from + between(60, 550), size(36, 900));
        break;
    case 5:
        snprintf(lists, sizeof lists, "\"ports\":[\"%s\"],\"countries\":[\"%s\"]%s",
                 uniform() < 0.5 ? "123/udp" : "443/tcp", country,
                 uniform() < 0.3 ? ",\"source_count\":40" : "");
        print("reflection", lists, from, from + between(60, 590), size(105, 5000));
        break;
    case 6: {
        int other = ports[between(0, PORTS - 1)];
        if (other == port)
            other = 8181;
        span = between(8, 24) * 300;
        snprintf(lists, sizeof lists, "\"ports\":[\"%d/tcp\",\"%d/tcp\"],\"countries\":[\"%s\"]",
                 port, other, country);
        print("lockstep", lists, hour, hour + span, size(60, 300) * 2 * span / 300);
        break;
    }
    case 7: print("micro-burst", lists, from, from + between(3, 9), size(1010, 20000)); break;
    case 8:
        span = between(1, 2) * HOUR;
        if (uniform() < 0.2)
            snprintf(lists, sizeof lists, "\"ports\":[],\"countries\":[\"%s\"]", country);
        print("burst", lists, hour, hour + span, size(250, 2500) * span / HOUR);
        break;
    case 9:
        snprintf(lists, sizeof lists, "\"ports\":[\"%ld/tcp\"],\"countries\":[\"%s\"]",
                 between(11000, 60000), country);
        print("newcomer", lists, start + day * DAY, start + (day + 1) * DAY, size(1600, 6000));
        break;
    case 10:
        day = day > days - 3 ? days - 3 : day;
        snprintf(lists, sizeof lists, "\"ports\":[\"%d/tcp\"],\"countries\":[\"%s\"]", port,
                 country);
        print("rhythm", lists, start + day * DAY, start + (day + 3) * DAY, size(900, 4000));
        break;
    default:
        print("sensor-fall", "\"ports\":[],\"countries\":[]", hour, hour + between(1, 3) * HOUR, 0);
        break;
    }
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fputs("usage: plants SEED DAYS COUNT END\n", stderr);
        return 2;
    }
    state = strtoull(argv[1], NULL, 10);
    int days = atoi(argv[2]), count = atoi(argv[3]);
    long start = atol(argv[4]) - (long)days * DAY;
    static const int by_source[] = {0, 1, 2, 4, 5, 7};
    for (int i = 0; i < count; i++) {
        long day = (long)i * days / count;
        /* A band needs a day before it, and what is new two. */
        int which = i % 12;
        if (day < 2)
            which = by_source[i % 6];
        plant(which, day, start, days);
    }
    return 0;
}
