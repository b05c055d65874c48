#include "series/touch.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/port.h"

static int take_bin(void *ctx, const struct bin_fact *f)
{
    struct touch *t = ctx;
    int64_t hour = f->bin - f->bin % HOUR_S;

    ASSERT(f->port < PORT_KEY_MAX && f->country < COUNTRY_MAX);
    t->any = true;
    t->ports[f->port / 8] |= (uint8_t)(1u << f->port % 8);
    t->countries[f->country] = true;
    if (t->hour_count == 0 || t->hours[t->hour_count - 1] != hour) {
        t->hours = xrealloc(t->hours, t->hour_count + 1, sizeof *t->hours);
        t->hours[t->hour_count++] = hour;
    }
    return 0;
}

int touch_read(struct touch *t, struct store *s, uint16_t sensor, int64_t after)
{
    bool all = false;

    if (!t->ports)
        t->ports = xcalloc(PORT_KEY_MAX / 8 + 1, 1);
    int rc = store_read_late(s, sensor, after, take_bin, t, &t->last, &all);
    t->all |= all;
    return rc;
}

bool touch_hits(const struct touch *t, const struct series_key *key)
{
    bool port = t->ports && t->ports[key->port / 8] >> key->port % 8 & 1;

    if (t->all)
        return true;
    switch ((enum series_kind)key->kind) {
    case SERIES_TOTAL: return t->any;
    case SERIES_PORT: return port;
    case SERIES_COUNTRY: return t->countries[key->country];
    case SERIES_PAIR: return port && t->countries[key->country];
    }
    return true;
}

void touch_fini(struct touch *t)
{
    free(t->ports);
    free(t->hours);
    *t = (struct touch){0};
}
