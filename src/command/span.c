#include "command/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/session.h"

/* "24h", "3d", "90m", "2w"; seconds, or -1. */
static int64_t duration(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);
    const char *units = "smhdw", *unit = *end ? strchr(units, *end) : NULL;
    static const int64_t seconds[] = {1, 60, 3600, 86400, 7 * 86400};

    if (end == text || n < 1 || n > 1000000 || !unit || end[1])
        return -1;
    return n * seconds[unit - units];
}

static int64_t round_down(int64_t t)
{
    return t - ((t % BIN_S) + BIN_S) % BIN_S;
}

static int span_of_all(struct span *s, struct store *store)
{
    const struct sensor *list;
    size_t n;

    s->from = INT64_MAX;
    s->to = INT64_MIN;
    if (store_sensors(store, &list, &n) < 0)
        return EXIT_FAILED;
    for (size_t i = 0; i < n; i++) {
        int64_t from, to;
        if (store_extent(store, list[i].id, &from, &to) < 0)
            continue;
        s->from = from < s->from ? from : s->from;
        s->to = to > s->to ? to : s->to;
    }
    if (s->from > s->to) {
        s->from = s->to = 0;
        return EXIT_DONE;
    }
    s->from = round_down(s->from);
    s->to = round_down(s->to) + BIN_S;
    return EXIT_DONE;
}

int span_resolve(struct span *s, const char *command, const char *otherwise,
                 const struct zone *zone, int64_t now, struct store *store)
{
    int ways = (s->last != NULL) + (s->from_text != NULL || s->to_text != NULL) + s->all;

    if (ways > 1)
        return session_mistake(command, "--last, --from/--to and --all exclude each other");
    if (s->all)
        return span_of_all(s, store);
    int64_t from, to = now;
    if (s->from_text || s->to_text) {
        if (!s->from_text)
            return session_mistake(command, "--to needs --from");
        if (time_parse(s->from_text, zone, &from) < 0)
            return session_mistake(command,
                                   "--from %s: a time is meant, such as 2026-11-24, '2026-11-24 "
                                   "10:00' or 2026-11-24T10:00:00Z",
                                   s->from_text);
        if (s->to_text && time_parse(s->to_text, zone, &to) < 0)
            return session_mistake(command,
                                   "--to %s: a time is meant, such as 2026-11-24, '2026-11-24 "
                                   "10:00' or 2026-11-24T10:00:00Z",
                                   s->to_text);
        if (from >= to)
            return session_mistake(command, "--from must come before --to");
    } else {
        const char *last = s->last ? s->last : otherwise;
        int64_t length = duration(last);
        if (length < 0)
            return session_mistake(
                command, "--last %s: a number and a unit is meant, such as 90m, 24h, 3d or 2w",
                last);
        from = now - length;
    }
    s->from = round_down(from);
    s->to = round_down(to + BIN_S - 1);
    s->rounded = s->from_text && (s->from != from || (s->to_text && s->to != to));
    return EXIT_DONE;
}

void span_say(const struct span *s, const struct zone *zone, struct store *store, bool empty)
{
    char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];
    struct span all = {.all = true};

    if (s->rounded)
        fprintf(stderr, "scantide: rounded outward to whole 5 minutes: %s to %s\n",
                time_format_local(zone, s->from, a), time_format_local(zone, s->to, b));
    if (!empty || (s->all && s->from != s->to) || span_of_all(&all, store) != EXIT_DONE)
        return;
    if (all.from == all.to)
        fputs("scantide: there are no facts yet\n", stderr);
    else
        fprintf(stderr,
                "scantide: nothing in this span; the facts lie between %s and %s: try --all, or "
                "--from and --to\n",
                time_format_local(zone, all.from, a), time_format_local(zone, all.to, b));
}
