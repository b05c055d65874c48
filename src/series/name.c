#include "series/name.h"

#include <errno.h>
#include <stdio.h>

#include "base/country.h"
#include "base/port.h"
#include "store/facts.h"

int series_key_compare(const struct series_key *a, const struct series_key *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->port != b->port)
        return a->port < b->port ? -1 : 1;
    return a->country < b->country ? -1 : a->country > b->country;
}

bool series_name(struct str name)
{
    if (name.n == 0 || name.n >= SENSOR_NAME_MAX || name.p[0] == '.')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

size_t series_path(const struct series_key *key, char out[SERIES_PATH_MAX])
{
    char port[PORT_TEXT_MAX] = "", country[3] = "";
    int n = 0;

    if (key->kind == SERIES_PORT || key->kind == SERIES_PAIR)
        port_slug(key->port, port);
    if (key->kind == SERIES_COUNTRY || key->kind == SERIES_PAIR)
        country_format(key->country, country);
    switch ((enum series_kind)key->kind) {
    case SERIES_TOTAL: n = snprintf(out, SERIES_PATH_MAX, "total.rrd"); break;
    case SERIES_PORT: n = snprintf(out, SERIES_PATH_MAX, "port/%s.rrd", port); break;
    case SERIES_COUNTRY: n = snprintf(out, SERIES_PATH_MAX, "country/%s.rrd", country); break;
    case SERIES_PAIR: n = snprintf(out, SERIES_PATH_MAX, "pair/%s/%s.rrd", port, country); break;
    }
    return (size_t)n;
}

/* "23-tcp" */
static int parse_slug(struct str slug, uint32_t *port)
{
    char text[PORT_TEXT_MAX];
    const char *dash = memchr(slug.p, '-', slug.n);

    if (!dash || slug.n >= sizeof text)
        return -EINVAL;
    memcpy(text, slug.p, slug.n);
    text[dash - slug.p] = '/';
    return port_parse((struct str){text, slug.n}, port);
}

int series_path_parse(struct str path, struct series_key *key)
{
    struct series_key k = {0};
    char again[SERIES_PATH_MAX];
    struct str rest = path;

    if (path.n < 4 || memcmp(path.p + path.n - 4, ".rrd", 4) != 0)
        return -EINVAL;
    rest.n -= 4;
    if (str_eq(rest, STR("total"))) {
        k.kind = SERIES_TOTAL;
    } else if (str_starts(rest, STR("port/"))) {
        k.kind = SERIES_PORT;
        if (parse_slug(str_skip(rest, 5), &k.port) < 0)
            return -EINVAL;
    } else if (str_starts(rest, STR("country/"))) {
        k.kind = SERIES_COUNTRY;
        if (country_parse(str_skip(rest, 8), &k.country) < 0)
            return -EINVAL;
    } else if (str_starts(rest, STR("pair/"))) {
        k.kind = SERIES_PAIR;
        rest = str_skip(rest, 5);
        const char *slash = memchr(rest.p, '/', rest.n);
        if (!slash)
            return -EINVAL;
        struct str slug = {rest.p, (size_t)(slash - rest.p)};
        if (parse_slug(slug, &k.port) < 0 ||
            country_parse(str_skip(rest, slug.n + 1), &k.country) < 0)
            return -EINVAL;
    } else {
        return -EINVAL;
    }
    /* Only the one way of writing it: not "cn", not "023-tcp". */
    series_path(&k, again);
    if (!str_eq(path, str_from(again)))
        return -EINVAL;
    *key = k;
    return 0;
}
