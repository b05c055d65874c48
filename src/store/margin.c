#include "store/margin.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/country.h"
#include "base/port.h"

enum { VERSION = 1, RULE_MAX = 1 << 16 };

struct sum {
    uint64_t key, events;
};

/* The countries of one rule. */
struct row {
    uint16_t rule;
    uint64_t events[COUNTRY_MAX];
};

struct margin {
    struct sum *ports; /* key: rule << PORT_KEY_BITS | port; unique after sum_ports */
    size_t n, cap, summed;
    struct row **rows;
    size_t row_count, row_at; /* the one that was used last */
    struct hll *total;
    struct hll *country[COUNTRY_MAX];
    struct hll **port; /* by port key */
    uint32_t *admitted;
    size_t admitted_count, admitted_cap;
    struct buf out, part, sketch;
    struct margin_parts day;
};

struct margin *margin_new(void)
{
    struct margin *m = xcalloc(1, sizeof *m);

    m->total = hll_new(HLL_BITS_TOTAL);
    m->port = xcalloc(PORT_KEY_MAX, sizeof *m->port);
    return m;
}

static void clear_sketch(struct hll *h)
{
    memset(h->rank, 0, (size_t)1 << h->bits);
}

void margin_clear(struct margin *m)
{
    m->n = m->summed = 0;
    for (size_t i = 0; i < m->row_count; i++)
        free(m->rows[i]);
    m->row_count = m->row_at = 0;
    clear_sketch(m->total);
    for (size_t i = 0; i < COUNTRY_MAX; i++)
        if (m->country[i])
            clear_sketch(m->country[i]);
    for (size_t i = 0; i < m->admitted_count; i++) {
        free(m->port[m->admitted[i]]);
        m->port[m->admitted[i]] = NULL;
    }
    m->admitted_count = 0;
}

void margin_free(struct margin *m)
{
    if (!m)
        return;
    margin_clear(m);
    for (size_t i = 0; i < COUNTRY_MAX; i++)
        free(m->country[i]);
    free(m->total);
    free(m->port);
    free(m->admitted);
    free(m->ports);
    free(m->rows);
    buf_fini(&m->out);
    buf_fini(&m->part);
    buf_fini(&m->sketch);
    free(m);
}

/* ---- sums ---- */

static int by_key(const void *a, const void *b)
{
    const struct sum *x = a, *y = b;
    return x->key < y->key ? -1 : x->key > y->key;
}

static void sum_ports(struct margin *m)
{
    size_t unique = 0;

    if (m->n)
        qsort(m->ports, m->n, sizeof *m->ports, by_key);
    for (size_t i = 0; i < m->n; i++) {
        if (unique && m->ports[unique - 1].key == m->ports[i].key)
            m->ports[unique - 1].events += m->ports[i].events;
        else
            m->ports[unique++] = m->ports[i];
    }
    m->n = m->summed = unique;
}

static struct row *find_rule(struct margin *m, uint16_t rule)
{
    if (m->row_at < m->row_count && m->rows[m->row_at]->rule == rule)
        return m->rows[m->row_at];
    for (m->row_at = 0; m->row_at < m->row_count; m->row_at++)
        if (m->rows[m->row_at]->rule == rule)
            return m->rows[m->row_at];
    m->rows = xrealloc(m->rows, m->row_count + 1, sizeof *m->rows);
    m->rows[m->row_count] = xcalloc(1, sizeof **m->rows);
    m->rows[m->row_count]->rule = rule;
    return m->rows[m->row_count++];
}

static void add_port(struct margin *m, uint64_t key, uint64_t events)
{
    if (m->n > m->summed && m->ports[m->n - 1].key == key) {
        m->ports[m->n - 1].events += events;
        return;
    }
    if (m->n == m->cap) {
        sum_ports(m); /* before more memory is asked for */
        if (m->n * 4 >= m->cap * 3)
            m->ports = xrealloc(m->ports, m->cap = m->cap * 2 + 1024, sizeof *m->ports);
    }
    m->ports[m->n++] = (struct sum){key, events};
}

void margin_add_events(struct margin *m, uint16_t rule, uint32_t port, uint16_t country,
                       uint64_t events)
{
    ASSERT(port < PORT_KEY_MAX && country < COUNTRY_MAX);
    find_rule(m, rule)->events[country] += events;
    add_port(m, (uint64_t)rule << PORT_KEY_BITS | port, events);
}

/* ---- sketches ---- */

static struct hll *port_sketch(struct margin *m, uint32_t port)
{
    if (m->port[port])
        return m->port[port];
    if (m->admitted_count == m->admitted_cap)
        m->admitted =
            xrealloc(m->admitted, m->admitted_cap = m->admitted_cap * 2 + 64, sizeof *m->admitted);
    m->admitted[m->admitted_count++] = port;
    return m->port[port] = hll_new(HLL_BITS_PORT);
}

static struct hll *country_sketch(struct margin *m, uint16_t country)
{
    if (!m->country[country])
        m->country[country] = hll_new(HLL_BITS_COUNTRY);
    return m->country[country];
}

/* Most events first, then by port. */
static int by_events(const void *a, const void *b)
{
    const struct sum *x = a, *y = b;

    if (x->events != y->events)
        return x->events > y->events ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

void margin_admit(struct margin *m)
{
    size_t n = 0;

    sum_ports(m);
    struct sum *all = xmalloc((m->n + 1) * sizeof *all); /* of all rules */
    for (size_t i = 0; i < m->n; i++)
        all[i] = (struct sum){m->ports[i].key & ((1 << PORT_KEY_BITS) - 1), m->ports[i].events};
    qsort(all, m->n, sizeof *all, by_key);
    for (size_t i = 0; i < m->n; i++) {
        if (n && all[n - 1].key == all[i].key)
            all[n - 1].events += all[i].events;
        else
            all[n++] = all[i];
    }
    qsort(all, n, sizeof *all, by_events);
    for (size_t i = 0; i < n && i < MARGIN_PORTS_MAX && all[i].events >= MARGIN_PORT_EVENTS; i++)
        port_sketch(m, (uint32_t)all[i].key);
    free(all);
}

void margin_add_source(struct margin *m, const struct ip *source, uint32_t port, uint16_t country)
{
    uint64_t hash = sketch_hash(source);

    ASSERT(port < PORT_KEY_MAX && country < COUNTRY_MAX);
    hll_add(m->total, hash);
    hll_add(country_sketch(m, country), hash);
    if (m->port[port])
        hll_add(m->port[port], hash);
}

int margin_join(struct margin *m, const void *data, size_t n)
{
    struct margin_parts parts;
    struct bytes sketch;
    uint64_t key = 0;
    int rc = margin_open(&parts, data, n);

    if (rc == 0)
        rc = hll_join(m->total, parts.total.p, (size_t)(parts.total.end - parts.total.p));
    while (rc == 0 && (rc = margin_next_sketch(&parts.country_sketches, &key, &sketch)) > 0)
        rc = key >= COUNTRY_MAX ? -EBADMSG
                                : hll_join(country_sketch(m, (uint16_t)key), sketch.p,
                                           (size_t)(sketch.end - sketch.p));
    key = 0;
    while (rc == 0 && (rc = margin_next_sketch(&parts.port_sketches, &key, &sketch)) > 0)
        rc = key >= PORT_KEY_MAX ? -EBADMSG
                                 : hll_join(port_sketch(m, (uint32_t)key), sketch.p,
                                            (size_t)(sketch.end - sketch.p));
    return rc;
}

/* A day's sums by port: those that are told, then those that aren't. */
static const uint64_t UNTOLD = (uint64_t)RULE_MAX << PORT_KEY_BITS;

static int join_sums(struct margin *m, struct margin_parts *parts)
{
    uint64_t key = 0, events;
    int rc;

    while ((rc = margin_next_sum(&parts->ports, &key, &events)) > 0)
        add_port(m, (events < MARGIN_PORT_EVENTS ? UNTOLD : 0) | key, events);
    key = 0;
    while (rc == 0 && (rc = margin_next_sum(&parts->countries, &key, &events)) > 0) {
        uint64_t country = key & ((1 << COUNTRY_KEY_BITS) - 1);
        if (country >= COUNTRY_MAX || key >> COUNTRY_KEY_BITS >= RULE_MAX)
            return -EBADMSG;
        find_rule(m, (uint16_t)(key >> COUNTRY_KEY_BITS))->events[country] += events;
        rc = 0;
    }
    return rc;
}

int margin_join_hour(struct margin *m, const void *data, size_t n)
{
    struct margin_parts parts;
    int rc = margin_open(&parts, data, n);

    if (rc == 0)
        rc = join_sums(m, &parts);
    return rc < 0 ? rc : margin_join(m, data, n);
}

/* ---- writing ---- */

/* Moves m->part into m->out, behind its length. */
static void put_part(struct margin *m)
{
    buf_reserve(&m->out, VARINT_MAX);
    buf_varint(&m->out, m->part.n);
    buf_put(&m->out, m->part.p, m->part.n);
    m->part.n = 0;
}

static void put_sum(struct margin *m, uint64_t *before, uint64_t key, uint64_t events)
{
    if (events == 0)
        return;
    buf_reserve(&m->part, 2 * VARINT_MAX);
    buf_varint(&m->part, (key - *before) << 1 | (events != 1));
    if (events != 1)
        buf_varint(&m->part, events);
    *before = key;
}

static void put_sketch(struct margin *m, uint64_t *before, uint64_t key, const struct hll *h)
{
    m->sketch.n = 0;
    hll_write(h, &m->sketch);
    if (m->sketch.n == 1) /* nothing in it */
        return;
    buf_reserve(&m->part, 2 * VARINT_MAX);
    buf_varint(&m->part, key - *before);
    buf_varint(&m->part, m->sketch.n);
    buf_put(&m->part, m->sketch.p, m->sketch.n);
    *before = key;
}

static int by_rule(const void *a, const void *b)
{
    const struct row *const *x = a, *const *y = b;
    return (*x)->rule - (*y)->rule;
}

static int by_port(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void put_countries(struct margin *m)
{
    uint64_t before = 0;

    if (m->row_count)
        qsort(m->rows, m->row_count, sizeof(struct row *), by_rule);
    for (size_t i = 0; i < m->row_count; i++)
        for (uint16_t c = 0; c < COUNTRY_MAX; c++)
            put_sum(m, &before, (uint64_t)m->rows[i]->rule << COUNTRY_KEY_BITS | c,
                    m->rows[i]->events[c]);
}

static void put_country_sketches(struct margin *m)
{
    uint64_t before = 0;

    for (uint16_t c = 0; c < COUNTRY_MAX; c++)
        if (m->country[c])
            put_sketch(m, &before, c, m->country[c]);
}

static void put_port_sketches(struct margin *m)
{
    uint64_t before = 0;

    if (m->admitted_count)
        qsort(m->admitted, m->admitted_count, sizeof *m->admitted, by_port);
    for (size_t i = 0; i < m->admitted_count; i++)
        put_sketch(m, &before, m->admitted[i], m->port[m->admitted[i]]);
}

struct buf *margin_finish(struct margin *m)
{
    uint64_t before = 0;

    sum_ports(m);
    m->out.n = 0;
    buf_put(&m->out, &(uint8_t){VERSION}, 1);
    for (size_t i = 0; i < m->n; i++)
        put_sum(m, &before, m->ports[i].key, m->ports[i].events);
    put_part(m);
    put_countries(m);
    put_part(m);
    hll_write(m->total, &m->part);
    put_part(m);
    put_country_sketches(m);
    put_part(m);
    put_port_sketches(m);
    put_part(m);
    return &m->out;
}

const struct margin_parts *margin_finish_day(struct margin *m)
{
    size_t ends[6], told = 0, i = 0;
    uint64_t before = 0;

    sum_ports(m);
    m->part.n = 0;
    for (; told < m->n && m->ports[told].key < UNTOLD; told++)
        put_sum(m, &before, m->ports[told].key, m->ports[told].events);
    ends[i++] = m->part.n;
    before = 0;
    for (; told < m->n; told++)
        put_sum(m, &before, m->ports[told].key - UNTOLD, m->ports[told].events);
    ends[i++] = m->part.n;
    put_countries(m);
    ends[i++] = m->part.n;
    hll_write(m->total, &m->part);
    ends[i++] = m->part.n;
    put_country_sketches(m);
    ends[i++] = m->part.n;
    put_port_sketches(m);
    ends[i++] = m->part.n;

    struct bytes *const parts[] = {&m->day.ports, &m->day.untold,           &m->day.countries,
                                   &m->day.total, &m->day.country_sketches, &m->day.port_sketches};
    for (i = 0; i < 6; i++)
        *parts[i] = (struct bytes){m->part.p + (i ? ends[i - 1] : 0), m->part.p + ends[i], false};
    m->part.n = 0;
    return &m->day;
}

/* ---- reading ---- */

int margin_open(struct margin_parts *parts, const void *data, size_t n)
{
    const uint8_t *p = data;
    struct bytes *const all[] = {&parts->ports, &parts->countries, &parts->total,
                                 &parts->country_sketches, &parts->port_sketches};

    if (n == 0 || *p != VERSION)
        return -EBADMSG;
    struct bytes in = {p + 1, p + n, false};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        uint64_t len = bytes_varint(&in);
        const uint8_t *part = bytes_take(&in, len);
        if (in.bad)
            return -EBADMSG;
        *all[i] = (struct bytes){part, part + len, false};
    }
    return in.p == in.end ? 0 : -EBADMSG;
}

int margin_next_sum(struct bytes *in, uint64_t *key, uint64_t *events)
{
    if (in->p == in->end)
        return 0;
    uint64_t v = bytes_varint(in);
    *events = v & 1 ? bytes_varint(in) : 1;
    if (in->bad || v >> 1 >= ((uint64_t)RULE_MAX << PORT_KEY_BITS) - *key)
        return -EBADMSG;
    *key += v >> 1;
    return 1;
}

int margin_next_sketch(struct bytes *in, uint64_t *key, struct bytes *sketch)
{
    if (in->p == in->end)
        return 0;
    uint64_t v = bytes_varint(in), n = bytes_varint(in);
    const uint8_t *p = bytes_take(in, n);
    if (in->bad || v >= PORT_KEY_MAX - *key)
        return -EBADMSG;
    *key += v;
    *sketch = (struct bytes){p, p + n, false};
    return 1;
}

static void append_part(struct buf *out, const uint8_t *p, size_t n)
{
    buf_reserve(out, VARINT_MAX);
    buf_varint(out, n);
    buf_put(out, p, n);
}

int margin_strip(const void *data, size_t n, struct buf *out)
{
    static const uint8_t none[] = {HLL_BITS_TOTAL};
    struct margin_parts parts;
    int rc = margin_open(&parts, data, n);

    if (rc < 0)
        return rc;
    buf_put(out, &(uint8_t){VERSION}, 1);
    append_part(out, parts.ports.p, (size_t)(parts.ports.end - parts.ports.p));
    append_part(out, parts.countries.p, (size_t)(parts.countries.end - parts.countries.p));
    append_part(out, none, sizeof none);
    append_part(out, NULL, 0);
    append_part(out, NULL, 0);
    return 0;
}
