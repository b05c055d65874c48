#include "tally/tally.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "tally/records.h"

enum { SLOTS_FIRST = 64 };

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
    free(t->v6);
    free(t->v6_slots);
    free(t);
}

static void clear_slots(uint32_t *slots, size_t n)
{
    if (n)
        memset(slots, 0, n * sizeof *slots);
}

void tally_reset(struct tally *t)
{
    if (t->name_count)
        clear_slots(t->name_slots, t->name_slot_count);
    if (t->v6_count)
        clear_slots(t->v6_slots, t->v6_slot_count);
    t->n = t->name_count = t->last_name = t->v6_count = 0;
}

/* Makes room for one more of `count` entries at a load of at most a half; true when the slots must be filled again. */
static bool grow_slots(uint32_t **slots, size_t *slot_count, size_t count)
{
    if (count * 2 < *slot_count)
        return false;
    *slot_count = *slot_count ? *slot_count * 2 : SLOTS_FIRST;
    free(*slots);
    *slots = xcalloc(*slot_count, sizeof **slots);
    return true;
}

static void fill_slot(uint32_t *slots, size_t slot_count, uint64_t hash, uint32_t place)
{
    size_t i = hash & (slot_count - 1);

    while (slots[i])
        i = (i + 1) & (slot_count - 1);
    slots[i] = place + 1;
}

static uint16_t find_name(struct tally *t, struct str name)
{
    if (name.n >= SENSOR_NAME_MAX)
        name.n = SENSOR_NAME_MAX - 1;
    if (t->name_count) {
        const struct name *last = &t->names[t->last_name];
        if (last->len == name.n && memcmp(last->text, name.p, name.n) == 0)
            return (uint16_t)t->last_name;
    }
    uint64_t hash = hash_bytes(name.p, name.n, 1);
    if (t->name_slot_count)
        for (size_t i = hash & (t->name_slot_count - 1); t->name_slots[i]; i = (i + 1) & (t->name_slot_count - 1)) {
            const struct name *known = &t->names[t->name_slots[i] - 1];
            if (known->len == name.n && memcmp(known->text, name.p, name.n) == 0) {
                t->last_name = t->name_slots[i] - 1;
                return (uint16_t)t->last_name;
            }
        }
    if (t->name_count == UINT16_MAX) /* hosts by the ten thousand in one commit: they all end in `other` anyway */
        return UINT16_MAX - 1;
    t->names = xrealloc(t->names, t->name_count + 1, sizeof *t->names);
    struct name *fresh = &t->names[t->name_count];
    memcpy(fresh->text, name.p, name.n);
    fresh->text[name.n] = 0;
    fresh->len = (uint8_t)name.n;
    t->last_name = t->name_count++;
    if (grow_slots(&t->name_slots, &t->name_slot_count, t->name_count)) {
        for (size_t i = 0; i < t->name_count; i++)
            fill_slot(t->name_slots, t->name_slot_count, hash_bytes(t->names[i].text, t->names[i].len, 1), (uint32_t)i);
    } else {
        fill_slot(t->name_slots, t->name_slot_count, hash, (uint32_t)t->last_name);
    }
    return (uint16_t)t->last_name;
}

static uint32_t find_v6(struct tally *t, const struct ip *ip)
{
    uint64_t hash = hash_bytes(ip->b, sizeof ip->b, 2);

    if (t->v6_slot_count)
        for (size_t i = hash & (t->v6_slot_count - 1); t->v6_slots[i]; i = (i + 1) & (t->v6_slot_count - 1))
            if (ip_compare(&t->v6[t->v6_slots[i] - 1], ip) == 0)
                return t->v6_slots[i] - 1;
    if (t->v6_count == t->v6_cap) {
        t->v6_cap = t->v6_cap ? t->v6_cap * 2 : SLOTS_FIRST;
        t->v6 = xrealloc(t->v6, t->v6_cap, sizeof *t->v6);
    }
    t->v6[t->v6_count++] = *ip;
    if (grow_slots(&t->v6_slots, &t->v6_slot_count, t->v6_count)) {
        for (size_t i = 0; i < t->v6_count; i++)
            fill_slot(t->v6_slots, t->v6_slot_count, hash_bytes(t->v6[i].b, sizeof t->v6[i].b, 2), (uint32_t)i);
    } else {
        fill_slot(t->v6_slots, t->v6_slot_count, hash, (uint32_t)t->v6_count - 1);
    }
    return (uint32_t)t->v6_count - 1;
}

/* An address as 32 bits: itself, or its place among the IPv6 ones. None at all counts as 0.0.0.0. */
static uint32_t compact(struct tally *t, const struct ip *ip, bool *six)
{
    *six = ip->family == 6;
    return *six ? find_v6(t, ip) : ip_v4(ip);
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
    r->sensor = find_name(t, sensor);
    r->class = e->class;
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
