#include "command/simworld.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/ip.h"

/* What a source is after; a country has a leaning. */
enum taste { THINGS, WINDOWS, SERVERS, ALL_PORTS, TASTES };

struct block {
    uint8_t a, b, bits; /* a.b.0.0/bits */
};

enum { BLOCKS = 4, ALL_WEIGHTS = 10000 };

/* clang-format off */
/* The blocks were checked against a registry-based country database: each lies in its country as a
 * whole. */
static const struct country {
    const char *code;
    unsigned weight;         /* of ALL_WEIGHTS */
    int quarters_east;       /* of its people's clock, in quarter hours from UTC */
    int swing;               /* how much day and night differ, in thousandths of the mean */
    unsigned tastes[TASTES]; /* percent */
    struct block blocks[BLOCKS];
} countries[] = {
    {"CN", 1750, 32, 330, {22, 38, 34, 6}, {{111, 0, 10}, {112, 0, 10}, {183, 0, 10}, {61, 128, 10}}},
    {"US", 1350, -24, 90, {10, 12, 44, 34}, {{73, 0, 8}, {12, 0, 8}, {100, 128, 9}, {73, 0, 8}}},
    {"RU", 620, 12, 220, {28, 34, 26, 12}, {{176, 208, 13}, {178, 64, 13}, {5, 136, 13}, {95, 24, 13}}},
    {"NL", 540, 4, 60, {14, 16, 42, 28}, {{145, 96, 11}, {77, 160, 12}, {109, 32, 13}, {178, 224, 13}}},
    {"IN", 470, 22, 420, {56, 30, 13, 1}, {{117, 192, 10}, {106, 192, 11}, {122, 160, 12}, {223, 176, 12}}},
    {"BR", 430, -12, 380, {58, 24, 17, 1}, {{179, 128, 11}, {152, 240, 12}, {187, 16, 12}, {191, 176, 12}}},
    {"VN", 380, 28, 360, {48, 38, 13, 1}, {{113, 160, 11}, {14, 160, 11}, {171, 224, 11}, {123, 16, 12}}},
    {"HK", 330, 32, 90, {12, 20, 56, 12}, {{113, 252, 14}, {118, 140, 14}, {219, 76, 14}, {223, 16, 14}}},
    {"SG", 290, 32, 80, {10, 16, 60, 14}, {{43, 0, 9}, {8, 160, 11}, {13, 212, 14}, {18, 140, 14}}},
    {"DE", 320, 4, 100, {14, 16, 48, 22}, {{79, 192, 10}, {84, 128, 10}, {91, 0, 10}, {178, 0, 12}}},
    {"KR", 260, 36, 260, {44, 26, 28, 2}, {{121, 128, 10}, {175, 192, 10}, {211, 192, 10}, {14, 32, 11}}},
    {"TW", 270, 32, 290, {50, 30, 18, 2}, {{1, 160, 12}, {111, 240, 12}, {114, 32, 12}, {220, 128, 12}}},
    {"ID", 260, 28, 380, {40, 44, 15, 1}, {{36, 64, 11}, {120, 160, 11}, {114, 0, 12}, {182, 0, 12}}},
    {"GB", 250, 0, 90, {12, 14, 46, 28}, {{86, 128, 10}, {81, 128, 11}, {90, 192, 11}, {109, 144, 12}}},
    {"FR", 230, 4, 100, {14, 16, 52, 18}, {{90, 0, 10}, {92, 128, 10}, {176, 128, 10}, {82, 224, 11}}},
    {"UA", 190, 8, 240, {34, 30, 28, 8}, {{176, 36, 14}, {37, 52, 14}, {109, 86, 15}, {178, 150, 15}}},
    {"IR", 170, 14, 300, {46, 36, 17, 1}, {{2, 176, 12}, {5, 112, 12}, {5, 208, 13}, {151, 232, 14}}},
    {"TR", 160, 12, 290, {46, 34, 19, 1}, {{78, 160, 11}, {88, 224, 11}, {85, 96, 12}, {176, 232, 13}}},
    {"JP", 150, 36, 200, {26, 22, 46, 6}, {{106, 128, 10}, {126, 64, 10}, {153, 128, 10}, {60, 64, 10}}},
    {"RO", 140, 8, 180, {26, 22, 38, 14}, {{109, 96, 13}, {92, 80, 13}, {5, 12, 14}, {86, 120, 14}}},
    {"TH", 130, 28, 360, {48, 38, 13, 1}, {{171, 96, 13}, {110, 168, 14}, {118, 172, 14}, {223, 204, 14}}},
    {"IT", 120, 4, 260, {46, 28, 25, 1}, {{79, 0, 10}, {151, 32, 11}, {87, 0, 11}, {93, 32, 11}}},
    {"CA", 120, -20, 110, {12, 14, 50, 24}, {{99, 224, 11}, {142, 112, 12}, {70, 64, 12}, {142, 16, 12}}},
    {"MX", 110, -24, 360, {56, 28, 15, 1}, {{189, 128, 10}, {187, 128, 11}, {201, 96, 11}, {189, 224, 11}}},
    {"AR", 100, -12, 350, {56, 26, 17, 1}, {{186, 128, 12}, {181, 24, 13}, {190, 224, 13}, {186, 56, 13}}},
    {"EG", 95, 8, 330, {64, 26, 9, 1}, {{156, 160, 11}, {196, 128, 11}, {197, 32, 11}, {41, 32, 12}}},
    {"PK", 90, 20, 360, {54, 34, 11, 1}, {{39, 32, 11}, {182, 176, 12}, {119, 152, 13}, {110, 38, 15}}},
    {"BG", 90, 8, 100, {16, 20, 34, 30}, {{95, 42, 15}, {130, 204, 16}, {46, 10, 16}, {151, 251, 16}}},
    {"PL", 85, 4, 220, {34, 28, 34, 4}, {{83, 0, 11}, {89, 64, 12}, {79, 184, 13}, {80, 48, 13}}},
    {"ES", 85, 4, 250, {42, 30, 27, 1}, {{83, 32, 11}, {88, 0, 11}, {79, 144, 12}, {81, 32, 12}}},
    {"ZA", 80, 8, 280, {48, 32, 19, 1}, {{197, 64, 11}, {41, 0, 11}, {105, 0, 12}, {105, 208, 12}}},
    {"LT", 75, 8, 80, {12, 14, 30, 44}, {{78, 56, 13}, {5, 242, 15}, {88, 118, 15}, {188, 69, 16}}},
    {"SE", 75, 4, 120, {22, 20, 44, 14}, {{78, 64, 12}, {81, 224, 12}, {90, 224, 12}, {2, 248, 13}}},
    {"SC", 70, 16, 60, {8, 12, 30, 50}, {{196, 16, 14}, {168, 80, 15}, {154, 87, 16}, {156, 234, 16}}},
    {"BD", 60, 24, 380, {56, 34, 9, 1}, {{114, 130, 16}, {114, 130, 16}, {113, 11, 17}, {115, 127, 17}}},
    {"PA", 55, -20, 70, {14, 18, 34, 34}, {{186, 72, 14}, {190, 32, 14}, {201, 224, 14}, {181, 178, 15}}},
};
/* clang-format on */

enum { COUNTRIES = sizeof countries / sizeof *countries, HOLLAND = 3, RUSSIA = 2 };

/* IPv6 /32s of operators, one country each. */
static const uint8_t networks6[][4] = {
    {0x24, 0x08, 0x84, 0x00}, {0x24, 0x0e, 0x00, 0x04}, {0x26, 0x00, 0x1f, 0x18},
    {0x26, 0x04, 0xa8, 0x80}, {0x2a, 0x01, 0x04, 0xf8}, {0x20, 0x01, 0x41, 0xd0},
    {0x24, 0x02, 0x08, 0x00}, {0x2a, 0x02, 0x06, 0xb8},
};

/* A taste's ports by weight; a number over 65,535 is UDP, PING is an echo request. */
enum { UDP = 1 << 16, PING = 2 << 16, TABLE = 1024 };

struct liking {
    uint32_t port;
    unsigned weight;
};

/* clang-format off */
static const struct liking things[] = {
    {23, 480}, {2323, 52}, {5555, 78}, {8080, 66}, {80, 52}, {81, 46}, {37215, 34}, {52869, 22},
    {7547, 24}, {60001, 16}, {8081, 18}, {22, 34}, {UDP | 1900, 14}, {8443, 12}, {9530, 10},
    {554, 14}, {26, 8}, {8000, 12}, {9000, 9}, {UDP | 5060, 6}, {5358, 5}, {49152, 8},
    {6789, 3}, {PING, 22}, {34567, 12}, {8181, 4}, {50023, 3}, {8888, 8}, {1023, 4}, {2601, 2},
    {88, 6}, {82, 7},
};
static const struct liking windows[] = {
    {445, 520}, {1433, 158}, {3389, 142}, {139, 22}, {135, 20}, {5900, 34}, {5985, 6},
    {3306, 16}, {8080, 8}, {1434, 4}, {47001, 2}, {5938, 2}, {4899, 4}, {3390, 8},
    {UDP | 137, 6}, {UDP | 1434, 4}, {88, 3}, {33389, 5}, {13389, 4}, {PING, 26}, {21, 6},
    {25, 4}, {UDP | 3389, 3},
};
static const struct liking servers[] = {
    {22, 236}, {443, 84}, {80, 84}, {6379, 62}, {8080, 44}, {3306, 32}, {8443, 26}, {2375, 14},
    {2376, 8}, {9200, 16}, {27017, 14}, {5432, 20}, {8088, 12}, {8000, 16}, {8888, 16},
    {9000, 10}, {10000, 12}, {21, 22}, {25, 22}, {110, 8}, {143, 8}, {993, 7}, {995, 5},
    {587, 8}, {465, 6}, {111, 10}, {UDP | 5060, 44}, {UDP | 53, 18}, {UDP | 123, 16},
    {UDP | 161, 18}, {UDP | 389, 10}, {UDP | 11211, 6}, {UDP | 500, 6}, {UDP | 69, 3},
    {1080, 10}, {3128, 12}, {5038, 8}, {5901, 10}, {11211, 6}, {6443, 8}, {10250, 6}, {4444, 4},
    {7001, 10}, {8983, 3}, {2222, 18}, {22222, 5}, {PING, 44}, {53, 6}, {5060, 8},
    {UDP | 1701, 2}, {UDP | 17185, 2}, {8089, 4}, {9090, 6}, {3000, 8}, {5000, 6}, {2082, 2},
};
/* clang-format on */

/* What comes next, for a thousand lines; a pair is two. */
enum {
    PAIRS = 25,
    WIDE = 100,
    BACKSCATTER = 45,
    SIX = 15,
    ODD = 5,
    ALLOWED = 10,
    TEXTS = 8,
    BOTS = 767,
    STEADY = PAIRS + WIDE + BACKSCATTER + SIX + ODD + ALLOWED + TEXTS,
};

enum { NS = 1000000000, STEP_S = 900, SOURCE_HOURS = 36, EXPONENTIALS = 1024 };

struct sim_world {
    uint64_t seed, random;
    int64_t start_ns, now_ns, end_ns;
    uint64_t rate_u;
    /* The current quarter of an hour: how the countries share it, and the mean time between two
     * knocks. */
    int64_t step_end_ns;
    uint32_t shares[COUNTRIES]; /* cumulated */
    uint64_t gap_ns;
    uint64_t pool; /* sources alive at a time */
    /* The burst. */
    int64_t burst_from_ns, burst_to_ns;
    uint32_t burst_source;
    uint16_t burst_port;
    uint32_t scan_step; /* of the wide scan */
    bool has_twin;      /* the second line of a pair comes next */
    struct sim_packet twin;
    bool labelled, is_calm;
    /* Quantiles of the exponential distribution with mean 1, in 2^-20, so that no float decides a
     * time. */
    uint32_t exponentials[EXPONENTIALS];
    uint32_t ports[TASTES][TABLE]; /* not of ALL_PORTS */
};

/* SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t draw(struct sim_world *w)
{
    uint64_t z = w->random += 0x9e3779b97f4a7c15ULL;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

static uint32_t below(struct sim_world *w, uint32_t n)
{
    return (uint32_t)((draw(w) >> 32) * n >> 32);
}

static uint64_t hash_of(const struct sim_world *w, uint64_t what, uint64_t number)
{
    return hash_mix(hash_mix(w->seed + what * 0x9e3779b97f4a7c15ULL) ^ number);
}

static void fill_table(uint32_t table[TABLE], const struct liking *likings, size_t n)
{
    unsigned sum = 0, seen = 0;

    for (size_t i = 0; i < n; i++)
        sum += likings[i].weight;
    for (size_t i = 0, at = 0; i < n; i++) {
        seen += likings[i].weight;
        for (; at < seen * TABLE / sum; at++)
            table[at] = likings[i].port;
    }
}

/* An address in one of the country's blocks, by the bits of a hash. */
static uint32_t address_in(const struct country *c, uint64_t h)
{
    const struct block *b = &c->blocks[h % BLOCKS];
    uint32_t v = (uint32_t)b->a << 24 | (uint32_t)b->b << 16 | (uint32_t)(h >> 8) >> b->bits;

    if ((v & 255) == 0 || (v & 255) == 255)
        v ^= 77;
    return v;
}

struct sim_world *sim_world_new(uint64_t seed, int64_t start, int64_t span, uint64_t rate_u)
{
    static const uint16_t burst_ports[] = {23, 22, 3389, 5900};
    struct sim_world *w = xcalloc(1, sizeof *w);

    w->seed = seed;
    w->random = hash_mix(seed + 0x5eed) ^ (uint64_t)start;
    w->start_ns = w->now_ns = w->step_end_ns = start * NS;
    w->end_ns = (start + span) * NS;
    w->rate_u = rate_u;
    /* A busier sensor sees more sources: some 22,000 are alive for each line a second. */
    w->pool = rate_u * 22 / 1000;
    w->pool = w->pool < 2000 ? 2000 : w->pool > 3000000 ? 3000000 : w->pool;
    w->burst_from_ns = (start + span * 3 / 5) * NS;
    w->burst_to_ns = w->burst_from_ns + (span / 20 < 2400 ? span / 20 : 2400) * NS;
    w->burst_source = address_in(&countries[HOLLAND], hash_of(w, 1, 0));
    w->burst_port = burst_ports[hash_of(w, 1, 1) % 4];
    w->scan_step = (uint32_t)hash_of(w, 1, 2);
    for (unsigned i = 0; i < EXPONENTIALS; i++)
        w->exponentials[i] = (uint32_t)lround(-log1p(-(double)i / EXPONENTIALS) * (1 << 20));
    fill_table(w->ports[THINGS], things, sizeof things / sizeof *things);
    fill_table(w->ports[WINDOWS], windows, sizeof windows / sizeof *windows);
    fill_table(w->ports[SERVERS], servers, sizeof servers / sizeof *servers);
    return w;
}

void sim_world_calm(struct sim_world *w)
{
    w->is_calm = true;
    w->burst_from_ns = w->burst_to_ns = w->end_ns;
}

bool sim_source(const char *country, uint64_t hash, uint32_t *address)
{
    for (size_t i = 0; i < COUNTRIES; i++)
        if (strcmp(countries[i].code, country) == 0) {
            *address = address_in(&countries[i], hash);
            return true;
        }
    return false;
}

void sim_world_free(struct sim_world *w)
{
    free(w);
}

/* A country's activity in thousandths of its mean: a cosine with its top at three in the afternoon,
 * and the hour's luck. */
static uint32_t activity(const struct sim_world *w, unsigned country, int64_t second)
{
    static const int cosine[25] = {1000, 966,  866,  707,   500,  259,  0,    -259, -500,
                                   -707, -866, -966, -1000, -966, -866, -707, -500, -259,
                                   0,    259,  500,  707,   866,  966,  1000};
    int64_t quarter = (second / STEP_S + countries[country].quarters_east - 15 * 4 + 96 * 2) % 96;
    int within = (int)(quarter % 4), hour = (int)(quarter / 4);
    int wave = (cosine[hour] * (4 - within) + cosine[hour + 1] * within) / 4;
    int luck = (int)(hash_of(w, 100 + country, (uint64_t)(second / 3600)) % 301) - 150;

    if (w->is_calm) /* a night that is half a day would be of note */
        wave /= 2;
    return (uint32_t)(1000 + countries[country].swing * wave / 1000 + luck);
}

/* Takes the next quarter of an hour: its rate and shares hold until it ends. */
static void next_step(struct sim_world *w)
{
    int64_t second = w->now_ns / NS;
    uint64_t sum = 0;

    for (unsigned i = 0; i < COUNTRIES; i++) {
        sum += countries[i].weight * activity(w, i, second) / 100;
        w->shares[i] = (uint32_t)sum;
    }
    uint64_t mean = 10 * ALL_WEIGHTS; /* of sum; the rest of the world knows no night */
    uint64_t rate_u = w->rate_u / 1000 * (STEADY * mean + BOTS * sum) / mean;
    if (w->now_ns >= w->burst_from_ns && w->now_ns < w->burst_to_ns)
        rate_u += w->rate_u * 2;
    w->gap_ns = (uint64_t)NS * 1000000 / rate_u;
    w->step_end_ns = (second / STEP_S + 1) * STEP_S * NS;
    if (w->now_ns < w->burst_from_ns && w->step_end_ns > w->burst_from_ns)
        w->step_end_ns = w->burst_from_ns;
    if (w->now_ns < w->burst_to_ns && w->step_end_ns > w->burst_to_ns)
        w->step_end_ns = w->burst_to_ns;
}

/* An exponentially distributed time: the arrivals of a Poisson process. */
static int64_t draw_gap(struct sim_world *w)
{
    uint64_t r = draw(w), whole = 0;
    uint32_t i = (uint32_t)(r >> 32) % EXPONENTIALS;

    while (i == EXPONENTIALS - 1) { /* the tail is the same distribution again */
        whole += w->exponentials[EXPONENTIALS - 1];
        r = draw(w);
        i = (uint32_t)(r >> 32) % EXPONENTIALS;
    }
    uint64_t low = w->exponentials[i], high = w->exponentials[i + 1];
    uint64_t e = whole + low + ((high - low) * (r >> 12 & 0xfffff) >> 20);
    return (int64_t)(e * w->gap_ns >> 20);
}

/* Moves on to the next knock; false when the span is over. A step's end cuts the gap, which loses
 * nothing: waiting has no memory. */
static bool move_on(struct sim_world *w)
{
    for (;;) {
        if (w->now_ns >= w->step_end_ns)
            next_step(w);
        int64_t at = w->now_ns + draw_gap(w);
        if (at < w->step_end_ns) {
            w->now_ns = at;
            return at < w->end_ns;
        }
        w->now_ns = w->step_end_ns;
        if (w->now_ns >= w->end_ns)
            return false;
    }
}

static uint32_t random_target(struct sim_world *w)
{
    return 192u << 24 | 2 << 8 | (1 + below(w, 254)); /* 192.0.2.0/24, RFC 5737 */
}

/* A forged source: any address that somebody could own. */
static uint32_t random_source(struct sim_world *w)
{
    for (;;) {
        struct ip ip = ip_from_v4((uint32_t)draw(w));
        if (ip_is_global(&ip))
            return ip_v4(&ip);
    }
}

static uint16_t high_port(struct sim_world *w)
{
    return (uint16_t)(1024 + below(w, 64512));
}

/* A SYN as the source's system or tool sends it, by the bits of its hash. */
static void make_syn(struct sim_world *w, struct sim_packet *p, uint64_t h, enum taste taste)
{
    static const uint16_t linux_windows[] = {5840, 14600, 29200, 64240};
    uint8_t hops = (uint8_t)(8 + (h >> 20) % 20);

    p->protocol = 6;
    p->flags = SIM_SYN;
    p->id = (uint16_t)draw(w);
    p->source_port = high_port(w);
    if (taste == ALL_PORTS || (taste == SERVERS && h >> 28 & 1)) {
        bool zmap = h >> 29 & 1;
        p->length = 40;
        p->ttl = (uint8_t)(255 - hops);
        p->window = zmap ? 65535 : 1024;
        p->id = zmap ? 54321 : p->id;
    } else if (taste == WINDOWS) {
        p->length = h >> 28 & 1 ? 52 : 48;
        p->ttl = (uint8_t)(128 - hops);
        p->window = h >> 29 & 1 ? 8192 : 64240;
        p->df = true;
    } else if (taste == THINGS &&
               (h >> 28) % 4) { /* a bot that makes its own packets keeps its window */
        p->length = h >> 30 & 1 ? 40 : 44;
        p->ttl = (uint8_t)(64 - hops);
        p->window = (uint16_t)(h >> 32);
    } else {
        p->length = 60;
        p->ttl = (uint8_t)(64 - hops);
        p->window = linux_windows[(h >> 29) % 4];
        p->df = true;
    }
    p->tos = (h >> 48) % 16 ? 0 : (h >> 52) % 2 ? 0x28 : 0x08;
}

static void make_udp(struct sim_world *w, struct sim_packet *p, uint64_t h, uint16_t port)
{
    static const struct {
        uint16_t port, payload;
    } requests[] = {{5060, 410}, {53, 37},   {123, 8},    {161, 43},
                    {389, 52},   {1900, 97}, {11211, 15}, {500, 192}};
    uint16_t payload = (uint16_t)(4 + (h >> 24) % 60);

    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        if (requests[i].port == port)
            payload = (uint16_t)(requests[i].payload + (port == 5060 ? below(w, 24) : 0));
    p->protocol = 17;
    p->length = (uint16_t)(28 + payload);
    p->ttl = (uint8_t)((h >> 28 & 1 ? 64u : 255u) - 8 - (h >> 20) % 20);
    p->id = h >> 28 & 1 ? (uint16_t)draw(w) : 54321;
    p->source_port = port == 5060 ? (uint16_t)(5060 + (h >> 40) % 40) : high_port(w);
    p->port = port;
}

static void make_ping(struct sim_world *w, struct sim_packet *p, uint64_t h)
{
    p->protocol = p->v6 ? 58 : 1;
    p->type = p->v6 ? 128 : 8;
    p->length = p->v6 ? 64 : h >> 28 & 1 ? 84 : 28;
    p->ttl = (uint8_t)(64 - 8 - (h >> 20) % 20);
    p->id = (uint16_t)draw(w);
    p->source_port = (uint16_t)(h >> 32);
    p->sequence = (uint16_t)below(w, 16);
}

/* One of a country's sources is up to its habit. Low numbers knock much more often than high
 * ones. */
static void knock_bot(struct sim_world *w, struct sim_packet *p)
{
    uint32_t at = below(w, w->shares[COUNTRIES - 1]);
    unsigned i = 0;

    while (at >= w->shares[i])
        i++;
    const struct country *c = &countries[i];
    uint64_t pool = w->pool * c->weight / ALL_WEIGHTS + 20, u = draw(w) >> 32;
    uint64_t number = (u * u >> 32) * pool >> 32;
    uint64_t hour = (uint64_t)(w->now_ns / NS / 3600), phase = hash_of(w, 2, number) % SOURCE_HOURS;
    uint64_t life = (hour + phase) / SOURCE_HOURS;
    uint64_t h = hash_of(w, 1000 + i, number << 24 ^ life);

    unsigned percent = (unsigned)((h >> 36) % 100);
    enum taste taste = THINGS;
    while (taste < ALL_PORTS && percent >= c->tastes[taste])
        percent -= c->tastes[taste++];
    uint32_t port;
    uint64_t r = draw(w);
    if (taste == ALL_PORTS && r % 10)
        port = 1 + (uint32_t)(r >> 32) % 65535;
    else if (r % 100 < 4) /* and some of all sources wander */
        port = 1 + (uint32_t)(r >> 32) % 65535;
    else
        port = w->ports[taste == ALL_PORTS ? SERVERS : taste]
                       [(r % 100 < 80 ? h >> 10 : r >> 32) % TABLE];
    p->source = address_in(c, h);
    if (port == PING)
        make_ping(w, p, h);
    else if (port >= UDP)
        make_udp(w, p, h, (uint16_t)port);
    else
        make_syn(w, p, h, taste);
    if (port < PING)
        p->port = (uint16_t)port;
}

/* Three hosts go through all ports, each in an order of its own, again and again. */
static void knock_wide(struct sim_world *w, struct sim_packet *p)
{
    uint32_t host = w->scan_step % 3, turn = w->scan_step / 3;

    w->scan_step++;
    p->source = (address_in(&countries[RUSSIA], hash_of(w, 3, 0)) & ~255u) + 10 + 7 * host;
    make_syn(w, p, hash_of(w, 3, 1), ALL_PORTS);
    p->port = (uint16_t)(turn * 40503 + host * 21845); /* an odd step visits each of 65,536 once */
}

static void knock_six(struct sim_world *w, struct sim_packet *p)
{
    static const uint16_t ports[] = {22, 23, 80, 443, 443, 8080, 3389, 5900, 8443, 0, 0};
    uint32_t number = below(w, 400);
    uint64_t h = hash_of(w, 4, number);

    p->v6 = true;
    memcpy(p->source6, networks6[h % 8], 4);
    p->source6[4] = (uint8_t)number;
    p->source6[5] = (uint8_t)(h >> 52);
    for (unsigned i = 0; i < 2 + 6 * (h >> 60 & 1); i++)
        p->source6[15 - i] = (uint8_t)(h >> 8 * i);
    memcpy(p->target6, (uint8_t[4]){0x20, 0x01, 0x0d, 0xb8}, 4);
    p->target6[15] = (uint8_t)(1 + below(w, 64));
    uint16_t port = ports[below(w, sizeof ports / sizeof *ports)];
    if (!port) {
        make_ping(w, p, h);
        return;
    }
    make_syn(w, p, h, SERVERS);
    p->port = port;
    p->length = (uint16_t)(p->length + 20);
}

/* An answer to a packet that somebody sent in the sensor's name: from a victim, of whom there are
 * two dozen a day. */
static void knock_backscatter(struct sim_world *w, struct sim_packet *p)
{
    static const uint16_t attacked[] = {80, 443, 443, 22, 25565, 53};
    uint64_t u = draw(w) >> 32, day = (uint64_t)(w->now_ns / NS / 86400);
    uint64_t h = hash_of(w, 5, day * 32 + ((u * u >> 32) * 24 >> 32));
    uint32_t kind = below(w, 100);

    p->source = address_in(&countries[(h >> 40) % COUNTRIES], h);
    p->ttl = (uint8_t)((h >> 28 & 1 ? 64u : 128u) - 8 - (h >> 20) % 20);
    p->id = (uint16_t)draw(w);
    if (kind < 70) {
        p->protocol = 6;
        p->source_port = attacked[(h >> 48) % 6];
        p->port = high_port(w);
        p->flags = kind < 50 ? SIM_SYN | SIM_ACK : kind < 62 ? SIM_ACK | SIM_RST : SIM_RST;
        p->length = kind < 50 ? 44 : 40;
        p->window = kind < 50 ? 65535 : 0;
        p->df = kind < 50;
    } else if (kind < 82) {
        static const uint8_t codes[] = {1, 3, 3, 13, 10};
        bool expired = kind == 70;
        p->protocol = 1;
        p->type = expired ? 11 : 3;
        p->code = expired ? 0 : codes[(h >> 44) % 5];
        p->inner_protocol = h >> 52 & 1 ? 6 : 17;
        p->inner_source = high_port(w);
        p->inner_port = 53;
        p->tos = 0xc0;
        p->length = (uint16_t)(p->inner_protocol == 6 ? 28 + 40 : 28 + 28 + 20 + below(w, 40));
    } else {
        p->protocol = 17;
        p->source_port = h >> 52 & 1 ? 53 : 123;
        p->port = high_port(w);
        p->length = (uint16_t)(p->source_port == 123 ? 76 : 28 + 60 + below(w, 400));
    }
}

/* Later fragments, and protocols without ports. */
static void knock_odd(struct sim_world *w, struct sim_packet *p)
{
    static const uint8_t protocols[] = {17, 17, 17, 6, 47, 41, 50, 4};
    uint64_t h = hash_of(w, 6, below(w, 60));

    p->source = address_in(&countries[(h >> 40) % COUNTRIES], h);
    p->protocol = protocols[below(w, sizeof protocols)];
    p->ttl = (uint8_t)(64 - 8 - (h >> 20) % 20);
    p->id = (uint16_t)draw(w);
    p->length = (uint16_t)(60 + below(w, 900));
    if (p->protocol == 17 || p->protocol == 6) {
        p->fragment = 185;
        p->mf = below(w, 3) == 0;
    }
}

static void write_text(struct sim_world *w, struct sim_knock *k)
{
    uint32_t r = (uint32_t)(draw(w) >> 32), address = random_source(w);

    k->is_text = true;
    strcpy(k->program, "kernel");
    switch (r >> 16 & 7) {
    case 0:
        snprintf(k->text, sizeof k->text,
                 "perf: interrupt took too long (%u > %u), lowering "
                 "kernel.perf_event_max_sample_rate to %u",
                 2600 + r % 600, 2500 + r % 90, 79750 - r % 50 * 250);
        break;
    case 1:
        strcpy(k->text, "TCP: request_sock_TCP: Possible SYN flooding on port 443. Sending "
                        "cookies.  Check SNMP counters.");
        break;
    case 2: strcpy(k->text, "device eth0 entered promiscuous mode"); break;
    case 3:
        strcpy(k->program, "CRON[8123]");
        strcpy(k->text, "(root) CMD (   cd / && run-parts --report /etc/cron.hourly)");
        break;
    default:
        snprintf(k->program, sizeof k->program, "sshd[%u]", 1000 + r % 30000);
        snprintf(k->text, sizeof k->text,
                 r >> 20 & 1 ? "Invalid user admin from %u.%u.%u.%u port %u"
                             : "Failed password for root from %u.%u.%u.%u port %u ssh2",
                 address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255,
                 1024 + r % 60000);
    }
}

/* Lockstep: each knock at 80 has its twin at 443, from a source that was never there. */
static void knock_pair(struct sim_world *w, struct sim_packet *p)
{
    p->source = random_source(w);
    make_syn(w, p, 0, ALL_PORTS);
    p->ttl = (uint8_t)(235 + below(w, 12));
    p->port = 80;
    w->twin = *p;
    w->twin.port = 443;
    w->twin.source = random_source(w);
    w->twin.source_port = high_port(w);
    w->has_twin = true;
}

static void knock_allowed(struct sim_world *w, struct sim_packet *p)
{
    static const uint16_t ports[] = {443, 443, 443, 80, 22};
    uint64_t h = hash_of(w, 7, below(w, 900));

    p->accepted = true;
    p->source = address_in(&countries[(h >> 40) % COUNTRIES], h);
    make_syn(w, p, h, WINDOWS);
    p->port = ports[below(w, 5)];
}

bool sim_world_next(struct sim_world *w, struct sim_knock *out)
{
    if (!w->labelled) {
        w->labelled = true;
        *out = (struct sim_knock){.when_ns = w->start_ns, .is_text = true, .program = "scantide"};
        snprintf(out->text, sizeof out->text,
                 "this log is simulated (seed %llu): none of its packets was ever sent",
                 (unsigned long long)w->seed);
        return true;
    }
    if (w->has_twin) {
        w->has_twin = false;
        w->now_ns += w->now_ns % NS < NS - 2000 ? 1000 : 0;
        *out = (struct sim_knock){.when_ns = w->now_ns, .packet = w->twin};
        return true;
    }
    if (!move_on(w))
        return false;
    out->when_ns = w->now_ns;
    out->is_text = false;
    struct sim_packet *p = &out->packet;
    *p = (struct sim_packet){.target = random_target(w)};
    /* The burst adds twice the usual rate while it lasts. */
    if (w->now_ns >= w->burst_from_ns && w->now_ns < w->burst_to_ns && below(w, 3)) {
        p->source = w->burst_source;
        make_syn(w, p, hash_of(w, 1, 3), SERVERS);
        p->port = w->burst_port;
        return true;
    }
    int of = (int)below(w, STEADY + BOTS);
    if ((of -= PAIRS) < 0)
        (w->is_calm ? knock_bot : knock_pair)(w, p);
    else if ((of -= WIDE) < 0)
        (w->is_calm ? knock_bot : knock_wide)(w, p);
    else if ((of -= BACKSCATTER) < 0)
        knock_backscatter(w, p);
    else if ((of -= SIX) < 0)
        knock_six(w, p);
    else if ((of -= ODD) < 0)
        knock_odd(w, p);
    else if ((of -= ALLOWED) < 0)
        knock_allowed(w, p);
    else if ((of -= TEXTS) < 0)
        write_text(w, out);
    else
        knock_bot(w, p);
    return true;
}
