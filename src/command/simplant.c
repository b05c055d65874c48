#include "command/simplant.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/country.h"
#include "base/hash.h"
#include "base/ip.h"
#include "base/port.h"
#include "report/daytime.h"
#include "report/findings.h"

enum {
    LIST = 64,
    EVENTS_MAX = 5000000,
    NS = 1000000000,
    DAY_S = 24 * HOUR_S,
    TARGETS = 254, /* 192.0.2.0/24 */
    MANY = 60,     /* sources of what comes from many, where their number isn't said */
    FEW = 3,       /* of a burst */
    MANY_MAKE = 20,
    OWN_PORTS = 20,
    FALL_SHOWS = 20
};

/* A line of the file. */
struct plant {
    enum verdict_kind verdict;
    uint32_t ports[LIST], sources[LIST], targets[LIST];
    char countries[LIST][3];
    size_t port_n, source_n, target_n, country_n;
    int64_t from, to;
    int64_t events, port_count, source_count, target_count, port_step, source_port_step;
    uint32_t source_port; /* a key; 0: none */
    uint64_t salt;
};

struct planted {
    int64_t when_ns;
    struct sim_packet packet;
};

struct fall {
    int64_t from, to;
};

struct sim_plants {
    struct planted *list;
    size_t n, cap, at;
    struct fall *falls;
    size_t fall_n;
};

/* ---- reading ---- */

struct reading {
    const char *path;
    int line;
    struct error *err;
};

static bool fault(const struct reading *r, const char *what, const char *value)
{
    error_add(r->err, r->path, r->line, 0, "%s '%s'", what, value);
    return false;
}

static bool read_port(const struct reading *r, const json_t *j, uint32_t *out)
{
    const char *text = json_string_value(j);

    return (text && port_parse(str_from(text), out) == 0 && port_kind(*out) <= PORT_UDP) ||
           fault(r, "a port such as 23/tcp or 53/udp is meant, not", text ? text : "that");
}

static bool read_ip(const struct reading *r, const json_t *j, uint32_t *out)
{
    const char *text = json_string_value(j);
    struct ip ip;

    if (!text || ip_parse(str_from(text), &ip) < 0 || ip.family != 4)
        return fault(r, "an IPv4 address is meant, not", text ? text : "that");
    *out = ip_v4(&ip);
    return true;
}

static bool read_list(const struct reading *r, const json_t *all, const char *key, uint32_t *out,
                      size_t *n,
                      bool (*read)(const struct reading *r, const json_t *j, uint32_t *out))
{
    const json_t *list = json_object_get(all, key);

    if (list && (!json_is_array(list) || json_array_size(list) > LIST))
        return fault(r, "a list of up to 64 is meant by", key);
    for (*n = 0; *n < json_array_size(list); ++*n)
        if (!read(r, json_array_get(list, *n), &out[*n]))
            return false;
    return true;
}

static bool read_countries(const struct reading *r, const json_t *all, struct plant *p)
{
    const json_t *list = json_object_get(all, "countries");

    for (; p->country_n < json_array_size(list) && p->country_n < LIST; p->country_n++) {
        const char *code = json_string_value(json_array_get(list, p->country_n));
        uint32_t address;
        if (!code || !sim_source(code, 0, &address))
            return fault(r, "the simulated world has no country", code ? code : "of that kind");
        memcpy(p->countries[p->country_n], code, 3);
    }
    return true;
}

static bool read_time(const struct reading *r, const json_t *all, const char *key, int64_t *out)
{
    const char *text = json_string_value(json_object_get(all, key));
    const struct zone *utc;

    return (text && zone_open("UTC", &utc) == 0 && time_parse(text, utc, out) == 0) ||
           fault(r, "a time such as 2026-11-24T10:00:00Z is missing:", key);
}

static int64_t number(const json_t *all, const char *key)
{
    return json_integer_value(json_object_get(all, key));
}

static bool read_plant(const struct reading *r, const json_t *all, struct plant *p)
{
    const char *name = json_string_value(json_object_get(all, "verdict"));
    const json_t *source_port = json_object_get(all, "source_port");
    int v = 0;

    while (name && v < VERDICT_COUNT && strcmp(verdict_name((enum verdict_kind)v), name) != 0)
        v++;
    if (!name || v == VERDICT_COUNT)
        return fault(r, "no verdict is called", name ? name : "");
    p->verdict = (enum verdict_kind)v;
    p->events = number(all, "events");
    p->port_count = number(all, "port_count");
    p->source_count = number(all, "source_count");
    p->target_count = number(all, "target_count");
    p->port_step = number(all, "port_step");
    p->source_port_step = number(all, "source_port_step");
    if (!read_time(r, all, "from", &p->from) || !read_time(r, all, "to", &p->to) ||
        !read_list(r, all, "ports", p->ports, &p->port_n, read_port) ||
        !read_list(r, all, "sources", p->sources, &p->source_n, read_ip) ||
        !read_list(r, all, "targets", p->targets, &p->target_n, read_ip) ||
        !read_countries(r, all, p) || (source_port && !read_port(r, source_port, &p->source_port)))
        return false;
    if (p->to <= p->from)
        return fault(r, "'to' isn't after", "from");
    if (p->verdict != VERDICT_SENSOR_FALL && (p->events < 1 || p->events > EVENTS_MAX))
        return fault(r, "from 1 to 5000000 are meant by", "events");
    if (p->verdict == VERDICT_RHYTHM && (p->country_n == 0 || p->port_n == 0))
        return fault(r, "a port and a country belong to", name);
    if (p->verdict == VERDICT_LOCKSTEP && p->port_n < 2)
        return fault(r, "two ports belong to", name);
    return true;
}

/* ---- making: the i-th of a plant's events ---- */

static uint64_t salted(const struct plant *p, uint64_t what, uint64_t i)
{
    return hash_mix(p->salt ^ hash_mix(what << 40 ^ i));
}

static uint32_t below(const struct plant *p, uint64_t what, uint64_t i, int64_t n)
{
    return (uint32_t)(salted(p, what, i) % (uint64_t)n);
}

enum { OF_TIME = 1, OF_SOURCE, OF_TARGET, OF_SPORT, OF_PORT, OF_START, OF_ADDRESS, OF_TWIN };

static int64_t sources_of(const struct plant *p)
{
    if (p->source_count)
        return p->source_count;
    if (p->source_n)
        return (int64_t)p->source_n;
    switch (p->verdict) {
    case VERDICT_DISTRIBUTED:
    case VERDICT_LOCKSTEP:
    case VERDICT_RHYTHM:
    case VERDICT_NEWCOMER: return p->events / 4 > MANY ? p->events / 4 : MANY;
    case VERDICT_BURST: /* no more than a few make most of one */
        return p->events < 60 * FEW ? FEW : p->events > 60 * MANY_MAKE ? MANY_MAKE : p->events / 60;
    default: return 1;
    }
}

static uint32_t source_at(const struct plant *p, uint64_t i)
{
    uint64_t which = i % (uint64_t)sources_of(p);
    uint32_t address = 0;

    if (which < p->source_n)
        return p->sources[which];
    const char *code = p->country_n ? p->countries[which % p->country_n] : "NL";
    sim_source(code, salted(p, OF_ADDRESS, which), &address);
    return address;
}

static uint32_t target_at(const struct plant *p, uint64_t i)
{
    if (p->target_n)
        return p->targets[i % p->target_n];
    uint32_t which = (uint32_t)(salted(p, OF_START, 1) % TARGETS);
    if (p->verdict == VERDICT_HORIZONTAL_SCAN)
        which += (uint32_t)(p->target_count ? i % (uint64_t)p->target_count : i);
    else if (p->verdict == VERDICT_BURST) /* each source knows a few */
        which = below(p, OF_TARGET, i % (uint64_t)sources_of(p) * 4 + salted(p, OF_TARGET, i) % 4,
                      TARGETS);
    else if (p->verdict != VERDICT_FLOOD)
        which = below(p, OF_TARGET, i, TARGETS);
    return 192u << 24 | 2 << 8 | (1 + which % TARGETS);
}

static uint32_t port_at(const struct plant *p, uint64_t i)
{
    uint32_t start = (uint32_t)salted(p, OF_START, 2);

    if (p->verdict == VERDICT_SEQUENTIAL && p->source_port_step == 0) {
        int64_t first = p->port_n ? port_number(p->ports[0]) : 1024 + start % 20000;
        int64_t step = p->port_step ? p->port_step : 1;
        return port_key(p->port_n ? port_kind(p->ports[0]) : PORT_TCP,
                        (uint32_t)(first + step * (int64_t)i) & 0xffff);
    }
    if (p->verdict == VERDICT_VERTICAL_SCAN && p->port_n < 2) {
        /* Each number once (a quadratic permutation of 65,536), in steps that are never even. */
        uint32_t k = (uint32_t)(p->port_count ? i % (uint64_t)p->port_count : i);
        return port_key(PORT_TCP, (k * (2 * k + 1) * 5 + start) & 0xffff);
    }
    if (p->verdict == VERDICT_REFLECTION && p->source_port == 0)
        return port_key(p->port_n ? port_kind(p->ports[0]) : PORT_TCP,
                        1024 + below(p, OF_PORT, i, 60000));
    if (p->port_n)
        return p->ports[i % p->port_n];
    /* A burst of a country alone: each source knows a few, and none is the country's. */
    uint64_t which = p->verdict == VERDICT_BURST ? i % (uint64_t)sources_of(p) * OWN_PORTS +
                                                       salted(p, OF_PORT, i) % OWN_PORTS
                                                 : i;
    return port_key(PORT_TCP, 1 + below(p, OF_PORT, which, 65535));
}

static uint16_t source_port_at(const struct plant *p, uint64_t i)
{
    if (p->source_port)
        return (uint16_t)port_number(p->source_port);
    if (p->verdict == VERDICT_REFLECTION)
        return (uint16_t)(p->port_n ? port_number(p->ports[0]) : 443);
    if (p->verdict == VERDICT_SEQUENTIAL && p->source_port_step)
        return (uint16_t)(20000 + p->source_port_step * (int64_t)i);
    return (uint16_t)(1024 + below(p, OF_SPORT, i, 64512));
}

static bool is_day(const struct plant *p, int64_t when)
{
    uint16_t country = 0;
    int quarters = 0;

    country_parse(str_from(p->countries[0]), &country);
    country_daytime(country, &quarters);
    int64_t hour = (when + quarters * 900) / HOUR_S % 24;
    return hour >= 8 && hour < 20;
}

/* Most of them come evenly; a rhythm's five in six by day, lockstep's in waves. */
static int64_t time_at(const struct plant *p, uint64_t i)
{
    int64_t span = (p->to - p->from) * NS;
    uint64_t draw = salted(p, OF_TIME, i);

    if (p->verdict == VERDICT_LOCKSTEP) {
        int64_t bins = (p->to - p->from + BIN_S - 1) / BIN_S, bin = 0;
        for (int k = 0; k < 2; k++) /* of two bins the one that is liked more */
            if (salted(p, OF_START, (uint64_t)(bin = (int64_t)(draw >> (20 * k + 8)) % bins) + 9) %
                    4 <
                3)
                break;
        int64_t at = p->from * NS + bin * BIN_S * NS + (int64_t)(draw >> 8) % (BIN_S * (int64_t)NS);
        return at < p->to * NS ? at : p->to * NS - 1;
    }
    if (p->verdict == VERDICT_RHYTHM) {
        for (uint64_t k = 0;; k++) {
            int64_t at = p->from * NS + (int64_t)(salted(p, OF_TIME, i + (k << 24)) >> 1) % span;
            if (is_day(p, at / NS) == (draw % 6 != 0))
                return at;
        }
    }
    int64_t step = span / p->events;
    return p->from * NS + (int64_t)i * step + (step > 1 ? (int64_t)(draw >> 1) % step : 0);
}

static void make_packet(const struct plant *p, uint64_t i, struct sim_packet *out)
{
    uint32_t port = port_at(p, i);

    *out = (struct sim_packet){.source = source_at(p, i),
                               .target = target_at(p, i),
                               .port = (uint16_t)port_number(port),
                               .source_port = source_port_at(p, i),
                               .ttl = 51,
                               .id = (uint16_t)salted(p, OF_SPORT, i + 7)};
    if (port_kind(port) == PORT_UDP) {
        out->protocol = 17;
        out->length = 60;
        return;
    }
    out->protocol = 6;
    out->length = 40;
    out->window = 1024;
    out->flags = p->verdict == VERDICT_REFLECTION ? SIM_SYN | SIM_ACK : SIM_SYN;
}

static void add(struct sim_plants *all, int64_t when_ns, const struct sim_packet *packet)
{
    if (all->n == all->cap)
        all->list = xrealloc(all->list, all->cap = all->cap * 2 + 1024, sizeof *all->list);
    all->list[all->n++] = (struct planted){when_ns, *packet};
}

static void grow(struct sim_plants *all, const struct plant *p)
{
    struct sim_packet packet;

    if (p->verdict == VERDICT_SENSOR_FALL) {
        all->falls = xrealloc(all->falls, all->fall_n + 1, sizeof *all->falls);
        all->falls[all->fall_n++] = (struct fall){p->from, p->to};
        return;
    }
    /* In lockstep each event has its twin at each of the other ports. */
    int64_t turns = p->verdict == VERDICT_LOCKSTEP ? (int64_t)p->port_n : 1;
    for (int64_t i = 0; i < p->events / turns; i++) {
        int64_t when = time_at(p, (uint64_t)i);
        for (int64_t k = 0; k < turns; k++) {
            make_packet(p, (uint64_t)(i * turns + k), &packet);
            add(all, when, &packet);
        }
    }
}

static int by_time(const void *a, const void *b)
{
    const struct planted *x = a, *y = b;

    return x->when_ns < y->when_ns ? -1 : x->when_ns > y->when_ns;
}

struct sim_plants *sim_plants_load(const char *path, uint64_t seed, struct error *err)
{
    struct sim_plants *all = xcalloc(1, sizeof *all);
    struct reading r = {.path = path, .err = err};
    FILE *in = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;

    if (!in)
        error_add(err, path, 0, 0, "it can't be read (%s)", strerror(errno));
    while (in && getline(&line, &cap, in) > 0) {
        struct plant p = {.salt = hash_mix(seed ^ (uint64_t)++r.line << 32)};
        json_error_t why;
        if (line[strspn(line, " \t\r\n")] == 0)
            continue;
        json_t *j = json_loads(line, 0, &why);
        if (!j)
            fault(&r, "a JSON object is meant:", why.text);
        else if (read_plant(&r, j, &p))
            grow(all, &p);
        json_decref(j);
    }
    free(line);
    if (in)
        fclose(in);
    if (err->n) {
        sim_plants_free(all);
        return NULL;
    }
    if (all->n)
        qsort(all->list, all->n, sizeof *all->list, by_time);
    return all;
}

bool sim_plants_next(struct sim_plants *p, int64_t before_ns, struct sim_knock *out)
{
    if (p->at == p->n || p->list[p->at].when_ns >= before_ns)
        return false;
    *out = (struct sim_knock){.when_ns = p->list[p->at].when_ns, .packet = p->list[p->at].packet};
    p->at++;
    return true;
}

bool sim_plants_hide(const struct sim_plants *p, int64_t when_ns, uint64_t random)
{
    for (size_t i = 0; i < p->fall_n; i++)
        if (when_ns >= p->falls[i].from * NS && when_ns < p->falls[i].to * NS)
            return random % FALL_SHOWS != 0;
    return false;
}

void sim_plants_free(struct sim_plants *p)
{
    if (!p)
        return;
    free(p->list);
    free(p->falls);
    free(p);
}
