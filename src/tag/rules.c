#include "tag/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

enum { V4_BITS = 32, V6_BITS = 128, INDEX_BITS = 16, INDEX_FROM = 32 };

typedef unsigned __int128 address_t;

/* From `first` up to the next edge all addresses fall under `number`. Before the first edge there
 * is no rule. */
struct edge {
    address_t first;
    uint16_t number;
};

struct rules {
    struct rule *list;
    size_t n;
    const struct rule **by_number; /* by number; NULL: none */
    size_t number_end;
    /* The same edges for IPv4 in half the room, and by an address's upper bits how many of them
     * begin before those; NULL where there are few. */
    uint32_t *first4, *index4;
    uint16_t *number4;
    size_t n4;
    struct edge *edges6;
    size_t n6;
};

/* ---- networks ---- */

static unsigned bits_of(const struct ip *ip)
{
    return ip->family == 4 ? V4_BITS : V6_BITS;
}

/* Clears what lies behind the prefix; whether anything did. */
static bool clear_host(struct network *n)
{
    bool any = false;

    for (unsigned bit = n->bits; bit < bits_of(&n->ip); bit++) {
        uint8_t mask = (uint8_t)(0x80 >> bit % 8);
        any |= (n->ip.b[bit / 8] & mask) != 0;
        n->ip.b[bit / 8] &= (uint8_t)~mask;
    }
    return any;
}

int network_parse(struct str text, struct network *out)
{
    const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
    struct str address = {text.p, slash ? (size_t)(slash - text.p) : text.n};
    struct network n;
    unsigned bits = 0;

    if (ip_parse(address, &n.ip) < 0)
        return -EINVAL;
    if (slash) {
        struct str digits = str_skip(text, address.n + 1);
        if (digits.n == 0 || digits.n > 3 || (digits.n > 1 && digits.p[0] == '0'))
            return -EINVAL;
        for (size_t i = 0; i < digits.n; i++) {
            if (digits.p[i] < '0' || digits.p[i] > '9')
                return -EINVAL;
            bits = bits * 10 + (unsigned)(digits.p[i] - '0');
        }
    } else {
        bits = bits_of(&n.ip);
    }
    if (bits > bits_of(&n.ip))
        return -EINVAL;
    n.bits = (uint8_t)bits;
    bool inside = clear_host(&n);
    *out = n;
    return inside ? -ERANGE : 0;
}

size_t network_format(const struct network *n, char out[NETWORK_TEXT_MAX])
{
    size_t len = ip_format(&n->ip, out);

    if (n->bits < bits_of(&n->ip))
        len += (size_t)snprintf(out + len, NETWORK_TEXT_MAX - len, "/%u", n->bits);
    return len;
}

int network_compare(const struct network *a, const struct network *b)
{
    int c = ip_compare(&a->ip, &b->ip);

    return c ? c : a->bits - b->bits;
}

/* ---- rules ---- */

const char *rule_kind_name(enum rule_kind kind)
{
    return kind == RULE_EXCLUDE ? "exclude" : "scanner";
}

static int by_network(const void *a, const void *b)
{
    return network_compare(a, b);
}

void rule_sort(struct rule *rule)
{
    size_t unique = 0;

    if (rule->n)
        qsort(rule->networks, rule->n, sizeof *rule->networks, by_network);
    for (size_t i = 0; i < rule->n; i++)
        if (i == 0 || network_compare(&rule->networks[i], &rule->networks[unique - 1]) != 0)
            rule->networks[unique++] = rule->networks[i];
    rule->n = unique;
}

void rule_fini(struct rule *rule)
{
    free(rule->name);
    free(rule->networks);
    *rule = (struct rule){0};
}

/* ---- the set ---- */

/* A network of a rule, the rules in order. */
struct claim {
    struct network network;
    uint16_t number;
    size_t place; /* of its rule in the list */
};

static int by_claim(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    int c = network_compare(&x->network, &y->network);

    return c ? c : (x->place > y->place) - (x->place < y->place);
}

static address_t address_of(const struct ip *ip)
{
    address_t v = 0;

    if (ip->family == 4)
        return ip_v4(ip);
    for (int i = 0; i < 16; i++)
        v = v << 8 | ip->b[i];
    return v;
}

static address_t last_of(const struct network *n)
{
    unsigned host = bits_of(&n->ip) - n->bits;
    address_t mask = host == V6_BITS ? ~(address_t)0 : ((address_t)1 << host) - 1;

    return address_of(&n->ip) | mask;
}

struct edges {
    struct edge *list;
    size_t n;
};

static void put_edge(struct edges *e, address_t first, uint16_t number)
{
    if (e->n && e->list[e->n - 1].first == first)
        e->list[e->n - 1].number = number;
    else
        e->list[e->n++] = (struct edge){first, number};
}

/* Networks hold one another or are apart, so those that hold the present place are a stack, the
 * longest prefix on top. `claims` are of one family and in order; there is room for two edges a
 * claim. */
static void draw_edges(struct edges *e, const struct claim *claims, size_t n, address_t end)
{
    const struct claim *open[V6_BITS + 1];
    size_t depth = 0;

    for (size_t i = 0; i <= n; i++) {
        while (depth &&
               (i == n || last_of(&open[depth - 1]->network) < address_of(&claims[i].network.ip))) {
            address_t last = last_of(&open[--depth]->network);
            if (last != end)
                put_edge(e, last + 1, depth ? open[depth - 1]->number : 0);
        }
        if (i == n ||
            (depth && network_compare(&open[depth - 1]->network, &claims[i].network) == 0))
            continue;
        ASSERT(depth <= V6_BITS);
        open[depth++] = &claims[i];
        put_edge(e, address_of(&claims[i].network.ip), claims[i].number);
    }
}

static void keep_v4(struct rules *r, const struct edges *e)
{
    r->n4 = e->n;
    r->first4 = xcalloc(e->n + 1, sizeof *r->first4);
    r->number4 = xcalloc(e->n + 1, sizeof *r->number4);
    for (size_t i = 0; i < e->n; i++) {
        r->first4[i] = (uint32_t)e->list[i].first;
        r->number4[i] = e->list[i].number;
    }
    if (e->n < INDEX_FROM)
        return;
    r->index4 = xcalloc((1 << INDEX_BITS) + 1, sizeof *r->index4);
    for (size_t i = 0, top = 0; top <= 1 << INDEX_BITS; top++) {
        while (i < e->n && r->first4[i] >> (V4_BITS - INDEX_BITS) < top)
            i++;
        r->index4[top] = (uint32_t)i;
    }
}

static void build(struct rules *r)
{
    size_t total = 0, n = 0, v4 = 0;

    for (size_t i = 0; i < r->n; i++)
        total += r->list[i].n;
    struct claim *claims = xcalloc(total + 1, sizeof *claims);
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < r->list[i].n; k++) {
            claims[n++] = (struct claim){r->list[i].networks[k], r->list[i].number, i};
            v4 += r->list[i].networks[k].ip.family == 4;
        }
    qsort(claims, n, sizeof *claims, by_claim);
    struct edges e4 = {xcalloc(2 * v4 + 1, sizeof *e4.list), 0};
    draw_edges(&e4, claims, v4, UINT32_MAX);
    keep_v4(r, &e4);
    free(e4.list);
    struct edges e6 = {xcalloc(2 * (n - v4) + 1, sizeof *e6.list), 0};
    draw_edges(&e6, claims + v4, n - v4, ~(address_t)0);
    r->edges6 = e6.list;
    r->n6 = e6.n;
    free(claims);
}

struct rules *rules_new(const struct rule *list, size_t n)
{
    struct rules *r = xcalloc(1, sizeof *r);

    r->list = xcalloc(n + 1, sizeof *r->list);
    r->n = n;
    for (size_t i = 0; i < n; i++) {
        struct rule *copy = &r->list[i];
        *copy = list[i];
        copy->name = xstrdup(list[i].name);
        copy->networks = xcalloc(list[i].n + 1, sizeof *copy->networks);
        if (list[i].n)
            memcpy(copy->networks, list[i].networks, list[i].n * sizeof *copy->networks);
        if (copy->number >= r->number_end)
            r->number_end = copy->number + 1U;
    }
    r->by_number = xcalloc(r->number_end + 1, sizeof *r->by_number);
    for (size_t i = 0; i < n; i++)
        r->by_number[r->list[i].number] = &r->list[i];
    build(r);
    return r;
}

void rules_free(struct rules *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++)
        rule_fini(&r->list[i]);
    free(r->list);
    free(r->by_number);
    free(r->first4);
    free(r->number4);
    free(r->index4);
    free(r->edges6);
    free(r);
}

static uint16_t find_v4(const struct rules *r, uint32_t v)
{
    size_t low = 0, high = r->n4; /* how many edges begin at or before the address */

    if (r->index4) {
        uint32_t top = v >> (V4_BITS - INDEX_BITS);
        low = r->index4[top];
        high = r->index4[top + 1];
    }
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (r->first4[middle] <= v)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? r->number4[low - 1] : 0;
}

static uint16_t find_v6(const struct rules *r, address_t v)
{
    size_t low = 0, high = r->n6;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (r->edges6[middle].first <= v)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? r->edges6[low - 1].number : 0;
}

uint16_t rules_find(const struct rules *r, const struct ip *ip)
{
    if (!r)
        return 0;
    if (ip->family == 4)
        return r->n4 ? find_v4(r, ip_v4(ip)) : 0;
    return r->n6 && ip->family == 6 ? find_v6(r, address_of(ip)) : 0;
}

const struct rule *rules_get(const struct rules *r, uint16_t number)
{
    return r && number < r->number_end ? r->by_number[number] : NULL;
}

bool rules_is_excluded(const struct rules *r, uint16_t number)
{
    const struct rule *rule = number ? rules_get(r, number) : NULL;
    return rule && rule->kind == RULE_EXCLUDE;
}

bool rules_is_scanner(const struct rules *r, uint16_t number)
{
    const struct rule *rule = number ? rules_get(r, number) : NULL;
    return rule && rule->kind == RULE_SCANNER;
}

size_t rules_list(const struct rules *r, const struct rule **list)
{
    *list = r ? r->list : NULL;
    return r ? r->n : 0;
}

bool rules_match_none(const struct rules *r)
{
    return !r || (r->n4 == 0 && r->n6 == 0);
}
