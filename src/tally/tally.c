#include "tally/tally.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "tally/records.h"

enum { SLOTS_FIRST = 64, SOURCES_AT_ONCE = 64 };

struct tally *tally_new(void)
{
    return xcalloc(1, sizeof(struct tally));
}

void tally_free(struct tally *t)
{
    if (!t)
        return;
    free(t->records);
    free(t->names);
    free(t->name_slots);
    ip_table_fini(&t->v6);
    losses_fini(&t->losses);
    free(t);
}

void tally_reset(struct tally *t)
{
    if (t->name_count)
        memset(t->name_slots, 0, t->name_slot_count * sizeof *t->name_slots);
    ip_table_clear(&t->v6);
    losses_clear(&t->losses);
    t->n = t->name_count = t->last_name = 0;
}

static uint64_t name_hash(struct str name)
{
    return hash_bytes(name.p, name.n, 0);
}

static void fill_slot(struct tally *t, size_t place)
{
    size_t i = name_hash(tally_sensor(t, place)) & (t->name_slot_count - 1);

    while (t->name_slots[i])
        i = (i + 1) & (t->name_slot_count - 1);
    t->name_slots[i] = (uint32_t)place + 1;
}

/* A new name; the table of slots is kept at most half full. */
static size_t add_name(struct tally *t, struct str name)
{
    if (t->name_count == t->name_cap)
        t->names = xrealloc(t->names, t->name_cap = t->name_cap * 2 + 8, sizeof *t->names);
    struct name *fresh = &t->names[t->name_count];
    memcpy(fresh->text, name.p, name.n);
    fresh->text[name.n] = 0;
    fresh->len = (uint8_t)name.n;
    size_t place = t->name_count++;
    if (t->name_count * 2 < t->name_slot_count) {
        fill_slot(t, place);
        return place;
    }
    t->name_slot_count = t->name_slot_count ? t->name_slot_count * 2 : SLOTS_FIRST;
    free(t->name_slots);
    t->name_slots = xcalloc(t->name_slot_count, sizeof *t->name_slots);
    for (size_t i = 0; i < t->name_count; i++)
        fill_slot(t, i);
    return place;
}

static uint16_t find_name(struct tally *t, struct str name)
{
    if (name.n >= SENSOR_NAME_MAX)
        name.n = SENSOR_NAME_MAX - 1;
    if (t->name_count && str_eq(tally_sensor(t, t->last_name), name))
        return (uint16_t)t->last_name;
    for (size_t i = t->name_slot_count ? name_hash(name) & (t->name_slot_count - 1) : 0;
         t->name_slot_count && t->name_slots[i]; i = (i + 1) & (t->name_slot_count - 1))
        if (str_eq(tally_sensor(t, t->name_slots[i] - 1), name)) {
            t->last_name = t->name_slots[i] - 1;
            return (uint16_t)t->last_name;
        }
    if (t->name_count ==
        UINT16_MAX) /* hosts by the ten thousand in one commit: they all end in `other` anyway */
        return UINT16_MAX - 1;
    t->last_name = add_name(t, name);
    return (uint16_t)t->last_name;
}

/* An address as 32 bits: itself, or its place among the IPv6 ones. None at all counts as
 * 0.0.0.0. */
static uint32_t compact(struct tally *t, const struct ip *ip, bool *six)
{
    *six = ip->family == 6;
    return *six ? ip_table_add(&t->v6, ip) : ip_v4(ip);
}

void tally_add(struct tally *t, struct str sensor, const struct event *e, uint16_t country)
{
    ASSERT(e->when >= 0 && e->when <= UINT32_MAX);
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 4096;
        t->records = xrealloc(t->records, t->cap, sizeof *t->records);
    }
    struct record *r = &t->records[t->n++];
    r->when = (uint32_t)e->when;
    r->source = compact(t, &e->source, &r->source6);
    r->target = compact(t, &e->destination, &r->target6);
    r->port = e->port;
    r->count = e->count;
    r->country = country;
    r->rule = 0; /* the encoder's to tell */
    r->sensor = find_name(t, sensor);
    r->source_port = e->has_ports ? e->source_port : 0;
    r->class = e->class;
    r->trace = 0;
}

void tally_set_countries(struct tally *t, size_t from, tally_countries_cb find, const void *ctx)
{
    struct ip sources[SOURCES_AT_ONCE];
    uint16_t countries[SOURCES_AT_ONCE];

    for (size_t n; from < t->n; from += n) {
        struct record *r = &t->records[from];
        n = t->n - from < SOURCES_AT_ONCE ? t->n - from : SOURCES_AT_ONCE;
        for (size_t i = 0; i < n; i++)
            sources[i] = r[i].source6 ? t->v6.list[r[i].source] : ip_from_v4(r[i].source);
        find(ctx, sources, n, countries);
        for (size_t i = 0; i < n; i++)
            r[i].country = countries[i];
    }
}

struct losses *tally_losses(struct tally *t)
{
    return &t->losses;
}

size_t tally_records(const struct tally *t)
{
    return t->n;
}

size_t tally_sensors(const struct tally *t)
{
    return t->name_count;
}

struct str tally_sensor(const struct tally *t, size_t i)
{
    return (struct str){t->names[i].text, t->names[i].len};
}
