#include "pipeline/senders.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"

enum {
    CHAINS = 4096, /* a power of two */
    DAY_S = 86400,
    QUARTER_S = 900,    /* zones differ by multiples of it */
    ZONE_MAX_S = 50400, /* UTC+14 */
    NEAR_S = 60         /* so far from one is still the zone, with a clock that goes a bit wrong */
};

struct senders {
    const struct config_input *input;
    struct matcher *matcher;
    struct rules *names, *trusted;
    struct sender *chains[CHAINS];
    struct sender *newest, *oldest;
    size_t n;
    uint64_t forgotten;
};

/* Of many networks, which one an address falls under: its number is the place in the list. */
static struct rules *index_names(const struct config_listen *l)
{
    struct rule *list = xcalloc(l->sender_count + 1, sizeof *list);

    for (size_t i = 0; i < l->sender_count; i++)
        list[i] = (struct rule){.number = (uint16_t)(i + 1),
                                .name = (char *)"",
                                .networks = &l->senders[i].network,
                                .n = 1};
    struct rules *r = rules_new(list, l->sender_count);
    free(list);
    return r;
}

struct senders *senders_new(const struct config_input *in, struct matcher *matcher)
{
    struct senders *all = xcalloc(1, sizeof *all);
    struct rule trusted = in->listen->trusted;

    trusted.number = 1;
    trusted.name = (char *)"";
    all->input = in;
    all->matcher = matcher;
    all->names = index_names(in->listen);
    all->trusted = rules_new(&trusted, 1);
    return all;
}

void senders_free(struct senders *all)
{
    struct sender *older;

    if (!all)
        return;
    for (struct sender *s = all->newest; s; s = older) {
        older = s->older;
        free(s);
    }
    rules_free(all->names);
    rules_free(all->trusted);
    free(all);
}

/* ---- by last use ---- */

static void unlink_use(struct senders *all, struct sender *s)
{
    *(s->newer ? &s->newer->older : &all->newest) = s->older;
    *(s->older ? &s->older->newer : &all->oldest) = s->newer;
}

static void link_newest(struct senders *all, struct sender *s)
{
    s->newer = NULL;
    s->older = all->newest;
    *(s->older ? &s->older->newer : &all->oldest) = s;
    all->newest = s;
}

/* ---- by address ---- */

static struct sender **chain_of(struct senders *all, const struct ip *ip)
{
    return &all->chains[hash_bytes(ip, sizeof *ip, 0) & (CHAINS - 1)];
}

static void forget(struct senders *all, struct sender *s)
{
    struct sender **link = chain_of(all, &s->ip);

    while (*link != s)
        link = &(*link)->same;
    *link = s->same;
    unlink_use(all, s);
    all->n--;
    all->forgotten++;
    free(s);
}

static void name_it(const struct senders *all, struct sender *s)
{
    const struct config_input *in = all->input;
    uint16_t place = rules_find(all->names, &s->ip);
    const struct config_sender *known = place ? &in->listen->senders[place - 1] : NULL;

    s->zone = known && known->zone ? known->zone : in->zone;
    if (known && known->sensor)
        s->sensor = str_from(known->sensor);
    else if (in->sensor)
        s->sensor = str_from(in->sensor);
    else if (s->ip.family == 0 || rules_find(all->trusted, &s->ip))
        s->sensor = STR("");
    else
        s->sensor = (struct str){s->name, ip_format(&s->ip, s->name)};
}

static struct sender *add(struct senders *all, const struct ip *ip)
{
    struct sender **chain = chain_of(all, ip), *s = xcalloc(1, sizeof *s);

    if (all->n == SENDERS_MAX)
        forget(all, all->oldest);
    s->ip = *ip;
    s->now = INT64_MIN;
    name_it(all, s);
    s->same = *chain;
    *chain = s;
    link_newest(all, s);
    all->n++;
    return s;
}

/* A new second: what was read before says nothing of the time of what comes now. So a message with
 * a wrong year spoils no other's, either. */
static void set_clock(const struct senders *all, struct sender *s, int64_t now)
{
    struct clock_rule rule = {.zone = s->zone, .file_time = now};

    if (s->now != now)
        reader_init(&s->reader, all->matcher, &rule, now);
    s->now = now;
}

struct sender *senders_find(struct senders *all, const struct ip *ip, int64_t now)
{
    struct sender *s = all->newest;

    if (!s || ip_compare(&s->ip, ip) != 0) {
        for (s = *chain_of(all, ip); s && ip_compare(&s->ip, ip) != 0; s = s->same)
            ;
        if (!s)
            s = add(all, ip);
        else if (s != all->newest) {
            unlink_use(all, s);
            link_newest(all, s);
        }
    }
    set_clock(all, s, now);
    return s;
}

size_t senders_known(const struct senders *all)
{
    return all->n;
}

uint64_t senders_forgotten(const struct senders *all)
{
    return all->forgotten;
}

/* ---- clocks ---- */

static bool is_steady(struct sender *s, int64_t ahead)
{
    int64_t quarters = (ahead + (ahead < 0 ? -QUARTER_S : QUARTER_S) / 2) / QUARTER_S;
    int64_t nearest = quarters * QUARTER_S, rest = ahead - nearest;

    if (nearest == 0 || nearest < -ZONE_MAX_S || nearest > ZONE_MAX_S || rest < -NEAR_S ||
        rest > NEAR_S) {
        s->offsets = 0;
        return false;
    }
    s->offsets = nearest == s->offset_s ? s->offsets + 1 : 1;
    s->offset_s = (int)nearest;
    return s->offsets == SENDER_OFFSETS;
}

enum sender_clock sender_clock(struct sender *s, int64_t now, int *offset_s)
{
    int64_t ahead = s->reader.clock.before - now;

    if (!s->reader.stamped)
        return SENDER_FINE;
    if (ahead > DAY_S && !s->said_ahead) {
        s->said_ahead = true;
        return SENDER_AHEAD;
    }
    if (!is_steady(s, ahead) || s->said_offset)
        return SENDER_FINE;
    s->said_offset = true;
    *offset_s = s->offset_s;
    return SENDER_OFFSET;
}
