#include "store/segment.h"

#include <errno.h>

#include "base/country.h"
#include "base/port.h"

enum { VERSION = 1, COUNTRY_BITS = 10, CLASS_BITS = 2, RULE_BITS = 16 };

static const uint64_t KEY_END = (uint64_t)1
                                << (RULE_BITS + CLASS_BITS + PORT_KEY_BITS + COUNTRY_BITS);

void segment_begin(struct segment_writer *w, enum fact_kind kind)
{
    w->kind = kind;
    w->head.n = w->v4.n = w->v6.n = 0;
    w->key = 0;
    w->address = (struct ip){0};
    w->country = 0;
    w->as = 0;
    w->kept_rule = 0;
    w->any4 = w->any6 = false;
    w->events = 0;
    w->entries = 0;
}

void segment_writer_fini(struct segment_writer *w)
{
    buf_fini(&w->head);
    buf_fini(&w->v4);
    buf_fini(&w->v6);
}

void segment_put_bin(struct segment_writer *w, uint16_t rule, uint8_t class, uint32_t port,
                     uint16_t country, uint64_t events)
{
    uint64_t key =
        ((((uint64_t)rule << CLASS_BITS | class) << PORT_KEY_BITS | port) << COUNTRY_BITS) |
        country;

    ASSERT(key >= w->key && events > 0);
    buf_reserve(&w->v4, 2 * VARINT_MAX);
    buf_varint(&w->v4, (key - w->key) << 1 | (events != 1));
    if (events != 1)
        buf_varint(&w->v4, events);
    w->key = key;
    w->events += events;
    w->entries++;
}

/* Writes the address as a difference, with a flag in its lowest bit; returns the buffer of its
 * family. */
static struct buf *put_address(struct segment_writer *w, const struct ip *ip, bool flag)
{
    struct buf *b = ip->family == 4 ? &w->v4 : &w->v6;
    bool *any = ip->family == 4 ? &w->any4 : &w->any6;

    buf_reserve(b, 8 * VARINT_MAX + HOUR_BINS * VARINT_MAX);
    if (ip->family == 4) {
        uint32_t before = *any ? ip_v4(&w->address) : 0;
        ASSERT(ip_v4(ip) >= before);
        buf_varint(b, (uint64_t)(ip_v4(ip) - before) << 1 | flag);
    } else {
        bool same = *any && ip_compare(ip, &w->address) == 0;
        buf_varint(b, (uint64_t)!same << 1 | flag);
        if (!same)
            buf_put(b, ip->b, sizeof ip->b);
    }
    *any = true;
    w->address = *ip;
    return b;
}

/* Whether first, last and the number tell how many events fell into which bin. */
static bool spread_is_told(uint64_t events, unsigned first, unsigned last)
{
    return events <= 2 || first / BIN_S == last / BIN_S;
}

void segment_put_source(struct segment_writer *w, const struct source_fact *f)
{
    bool fresh = f->source.family == 4 ? !w->any4 : !w->any6;
    bool flag = fresh || f->country != w->country || f->as != w->as || f->kept_rule != w->kept_rule;
    struct buf *b = put_address(w, &f->source, flag);

    if (flag) {
        buf_varint(b, f->country);
        buf_varint(b, (uint64_t)f->as << 1 | (f->kept_rule != 0));
        if (f->kept_rule)
            buf_varint(b, f->kept_rule - 1);
    }
    w->country = f->country;
    w->as = f->as;
    w->kept_rule = f->kept_rule;
    buf_varint(b, (uint64_t)(f->port << CLASS_BITS | f->class) << 1 | (f->events != 1));
    buf_varint(b, f->first);
    if (f->events != 1) {
        buf_varint(b, f->events);
        buf_varint(b, (uint64_t)(f->last - f->first));
        if (!spread_is_told(f->events, f->first, f->last))
            for (unsigned i = f->first / BIN_S; i < f->last / BIN_S; i++)
                buf_varint(b, f->spread[i]);
    }
    w->events += f->events;
    w->entries++;
}

void segment_put_target(struct segment_writer *w, const struct target_fact *f)
{
    struct buf *b = put_address(w, &f->target, false);

    buf_varint(b, (uint64_t)f->port << 1 | (f->events != 1));
    if (f->events != 1)
        buf_varint(b, f->events);
    buf_varint(b, f->sketch_len / 2);
    buf_put(b, f->sketch, f->sketch_len);
    w->events += f->events;
    w->entries++;
}

struct buf *segment_finish(struct segment_writer *w)
{
    w->head.n = 0;
    buf_reserve(&w->head, 1 + VARINT_MAX);
    w->head.p[w->head.n++] = VERSION;
    if (w->kind != FACT_BIN)
        buf_varint(&w->head, w->v4.n);
    buf_put(&w->head, w->v4.p, w->v4.n);
    buf_put(&w->head, w->v6.p, w->v6.n);
    return &w->head;
}

/* ---- reading ---- */

int segment_open(struct segment_reader *r, enum fact_kind kind, uint16_t sensor, int64_t start,
                 const void *data, size_t len)
{
    const uint8_t *p = data;

    *r = (struct segment_reader){
        .kind = kind, .sensor = sensor, .start = start, .address.family = 4};
    if (len == 0 || *p != VERSION)
        return -EBADMSG;
    r->end = p + len;
    r->in = (struct bytes){p + 1, r->end, false};
    if (kind != FACT_BIN) {
        uint64_t v4_len = bytes_varint(&r->in);
        if (r->in.bad || v4_len > (uint64_t)(r->in.end - r->in.p))
            return -EBADMSG;
        r->in.end = r->in.p + v4_len;
    }
    return 0;
}

int segment_next_bin(struct segment_reader *r, struct bin_fact *f)
{
    if (r->in.p == r->in.end)
        return 0;
    uint64_t v = bytes_varint(&r->in);
    uint64_t events = v & 1 ? bytes_varint(&r->in) : 1;
    if (r->in.bad || v >> 1 >= KEY_END - r->key)
        return -EBADMSG;
    r->key += v >> 1;
    *f = (struct bin_fact){
        .bin = r->start,
        .sensor = r->sensor,
        .events = events,
        .country = r->key & ((1 << COUNTRY_BITS) - 1),
        .port = r->key >> COUNTRY_BITS & ((1 << PORT_KEY_BITS) - 1),
        .class = r->key >> (COUNTRY_BITS + PORT_KEY_BITS) & ((1 << CLASS_BITS) - 1),
        .rule = (uint16_t)(r->key >> (COUNTRY_BITS + PORT_KEY_BITS + CLASS_BITS)),
    };
    if (f->country >= COUNTRY_MAX || f->port >= PORT_KEY_MAX || f->class >= CLASS_COUNT ||
        events == 0)
        return -EBADMSG;
    return 1;
}

/* Moves to the next entry's address; one that differs from the one before begins its keys anew. 1
 * with *flag, 0 at the end, or -EBADMSG. */
static int next_address(struct segment_reader *r, bool *flag)
{
    if (!r->in6 && r->in.p == r->in.end) {
        r->in6 = true;
        r->in.end = r->end;
        r->address = (struct ip){.family = 6};
        r->key = 0;
    }
    if (r->in.p == r->in.end)
        return 0;
    uint64_t v = bytes_varint(&r->in);
    *flag = v & 1;
    bool moved = v >> 1 != 0, in_order = true;
    if (moved && !r->in6) {
        uint32_t before = ip_v4(&r->address);
        in_order = v >> 1 <= UINT32_MAX - before;
        r->address = ip_from_v4(before + (uint32_t)(v >> 1));
    } else if (moved) {
        struct ip before = r->address;
        const uint8_t *b = bytes_take(&r->in, sizeof before.b);
        if (b)
            memcpy(r->address.b, b, sizeof r->address.b);
        int order = ip_compare(&r->address, &before);
        in_order = order >= 0;
        moved = order > 0;
    }
    if (moved)
        r->key = 0;
    return r->in.bad || !in_order ? -EBADMSG : 1;
}

/* Whether the key may stand behind the one before of the same address, which a difference of
 * nothing before the first entry is. */
static bool next_key(struct segment_reader *r, uint64_t key)
{
    bool in_order = key >= r->key;

    r->key = key;
    return in_order;
}

static void read_spread(struct segment_reader *r, struct source_fact *f)
{
    unsigned from = f->first / BIN_S, to = f->last / BIN_S;
    uint64_t left = f->events;

    memset(f->spread, 0, sizeof f->spread);
    if (from == to) {
        f->spread[from] = left;
    } else if (f->events == 2) {
        f->spread[from] = f->spread[to] = 1;
    } else {
        for (unsigned i = from; i < to; i++) {
            uint64_t n = bytes_varint(&r->in);
            if (n > left) {
                r->in.bad = true;
                return;
            }
            f->spread[i] = n;
            left -= n;
        }
        f->spread[to] = left;
    }
}

int segment_next_source(struct segment_reader *r, struct source_fact *f)
{
    bool flag = false;
    int rc = next_address(r, &flag);

    if (rc <= 0)
        return rc;
    uint64_t country = r->country, as = r->as, rule = r->kept_rule;
    if (flag) {
        country = bytes_varint(&r->in);
        as = bytes_varint(&r->in);
        rule = as & 1 ? bytes_varint(&r->in) + 1 : 0;
        as >>= 1;
    }
    uint64_t v = bytes_varint(&r->in), first = bytes_varint(&r->in), events = 1, last = first;
    if (v & 1) {
        events = bytes_varint(&r->in);
        last = first + bytes_varint(&r->in);
    }
    uint64_t port = v >> (1 + CLASS_BITS), class = v >> 1 & ((1 << CLASS_BITS) - 1);
    if (r->in.bad || country >= COUNTRY_MAX || as > UINT32_MAX || rule > UINT16_MAX + 1 ||
        port >= PORT_KEY_MAX || class >= CLASS_COUNT || last >= HOUR_S || first > last ||
        events == 0 || !next_key(r, v >> 1))
        return -EBADMSG;
    r->country = (uint16_t)country;
    r->as = (uint32_t)as;
    r->kept_rule = (uint32_t)rule;
    f->hour = r->start;
    f->source = r->address;
    f->port = (uint32_t)port;
    f->sensor = r->sensor;
    f->country = r->country;
    f->as = r->as;
    f->kept_rule = r->kept_rule;
    f->class = (uint8_t) class;
    f->first = (uint16_t)first;
    f->last = (uint16_t)last;
    f->events = events;
    read_spread(r, f);
    return r->in.bad ? -EBADMSG : 1;
}

int segment_next_target(struct segment_reader *r, struct target_fact *f)
{
    bool flag;
    int rc = next_address(r, &flag);

    if (rc <= 0)
        return rc;
    uint64_t v = bytes_varint(&r->in), events = v & 1 ? bytes_varint(&r->in) : 1,
             marks = bytes_varint(&r->in);
    if (r->in.bad || v >> 1 >= PORT_KEY_MAX || events == 0 || marks > 1024 || !next_key(r, v >> 1))
        return -EBADMSG;
    const uint8_t *sketch = bytes_take(&r->in, marks * 2);
    if (r->in.bad)
        return -EBADMSG;
    *f = (struct target_fact){
        .hour = r->start,
        .target = r->address,
        .port = (uint32_t)(v >> 1),
        .sensor = r->sensor,
        .events = events,
        .sketch = sketch,
        .sketch_len = (uint32_t)marks * 2,
    };
    return 1;
}

size_t segment_entries(enum fact_kind kind, const void *data, size_t len)
{
    struct segment_reader r;
    union {
        struct bin_fact bin;
        struct source_fact source;
        struct target_fact target;
    } f;
    size_t n = 0;
    int rc = segment_open(&r, kind, 0, 0, data, len);

    while (rc >= 0) {
        switch (kind) {
        case FACT_BIN: rc = segment_next_bin(&r, &f.bin); break;
        case FACT_SOURCE: rc = segment_next_source(&r, &f.source); break;
        case FACT_TARGET: rc = segment_next_target(&r, &f.target); break;
        }
        if (rc <= 0)
            break;
        n++;
    }
    return n;
}
