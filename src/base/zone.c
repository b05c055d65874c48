#include "base/zone.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/check.h"

enum { TABLE_FROM = 946684800 /* 2000-01-01 */, WEEK_S = 7 * 86400 };
static const int64_t TABLE_TO = 3155760000; /* 2070-01-01 */

struct change {
    int64_t at; /* from this second on */
    int offset;
};

struct zone {
    char *name;
    struct change *changes; /* the first is at INT64_MIN */
    size_t n;
    struct zone *next;
};

static struct zone *zones;

static int libc_offset(int64_t when)
{
    time_t t = (time_t)when;
    struct tm tm;

    return localtime_r(&t, &tm) ? (int)tm.tm_gmtoff : 0;
}

static void add_change(struct zone *z, int64_t at, int offset)
{
    z->changes = xrealloc(z->changes, z->n + 1, sizeof *z->changes);
    z->changes[z->n++] = (struct change){at, offset};
}

/* The C library knows the zone's rules; we ask it once a week of the table and close in on each
 * change. */
static void fill(struct zone *z)
{
    int was = libc_offset(TABLE_FROM);

    add_change(z, INT64_MIN, was);
    for (int64_t t = TABLE_FROM; t < TABLE_TO; t += WEEK_S) {
        int now = libc_offset(t + WEEK_S);
        if (now == was)
            continue;
        int64_t lo = t, hi = t + WEEK_S;
        while (hi - lo > 1) {
            int64_t mid = lo + (hi - lo) / 2;
            if (libc_offset(mid) == was)
                lo = mid;
            else
                hi = mid;
        }
        add_change(z, hi, now);
        was = now;
    }
}

/* The C library takes an unknown name for UTC without a word, so the name is looked up in the
 * database first. */
static bool name_exists(const char *name)
{
    char path[512];
    struct stat st;

    if (strcmp(name, "UTC") == 0)
        return true;
    if (!*name || name[0] == '/' || name[0] == '.' || strstr(name, ".."))
        return false;
    const char *dir = getenv("TZDIR");
    int n = snprintf(path, sizeof path, "%s/%s", dir ? dir : "/usr/share/zoneinfo", name);
    return n > 0 && (size_t)n < sizeof path && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int zone_open(const char *name, const struct zone **out)
{
    for (struct zone *z = zones; z; z = z->next)
        if (strcmp(z->name, name) == 0) {
            *out = z;
            return 0;
        }
    bool local = strcmp(name, "local") == 0;
    if (!local && !name_exists(name))
        return -ENOENT;

    struct zone *z = xcalloc(1, sizeof *z);
    z->name = xstrdup(name);
    const char *env = getenv("TZ");
    char *saved = env ? xstrdup(env) : NULL;
    if (!local)
        setenv("TZ", name, 1);
    tzset();
    fill(z);
    if (!local) {
        if (saved)
            setenv("TZ", saved, 1);
        else
            unsetenv("TZ");
        tzset();
    }
    free(saved);
    z->next = zones;
    zones = z;
    *out = z;
    return 0;
}

const char *zone_name(const struct zone *z)
{
    return z->name;
}

/* Index of the change in force at `when`. */
static size_t find(const struct zone *z, int64_t when)
{
    size_t lo = 0, hi = z->n;

    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (z->changes[mid].at <= when)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

int zone_offset(const struct zone *z, int64_t when)
{
    return z->changes[find(z, when)].offset;
}

int64_t zone_to_utc(const struct zone *z, int64_t local, int64_t after)
{
    /* No offset passes a day, so every candidate's change lies around this one. */
    size_t i = find(z, local - 86400);
    int64_t first = INT64_MAX, last = INT64_MIN;

    for (; i < z->n && (z->changes[i].at == INT64_MIN || z->changes[i].at <= local + 86400); i++) {
        int64_t utc = local - z->changes[i].offset;
        bool in_force = (z->changes[i].at == INT64_MIN || utc >= z->changes[i].at) &&
                        (i + 1 == z->n || utc < z->changes[i + 1].at);
        if (!in_force)
            continue;
        if (first == INT64_MAX)
            first = utc;
        last = utc;
        if (utc >= after)
            return utc;
    }
    if (first == INT64_MAX) { /* never happened: the clock was put forward over it */
        for (i = find(z, local - 86400);
             i + 1 < z->n && local - z->changes[i].offset >= z->changes[i + 1].at; i++)
            if (local - z->changes[i + 1].offset < z->changes[i + 1].at)
                break;
        return local - z->changes[i].offset;
    }
    return after == INT64_MIN ? first : last;
}

struct civil civil_from_seconds(int64_t seconds)
{
    int64_t days = seconds / 86400, rest = seconds % 86400;

    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    struct civil c = {
        .year = (int)(yoe + era * 400 + (mp >= 10)),
        .month = (unsigned)(mp < 10 ? mp + 3 : mp - 9),
        .day = (unsigned)(doy - (153 * mp + 2) / 5 + 1),
        .hour = (unsigned)(rest / 3600),
        .minute = (unsigned)(rest / 60 % 60),
        .second = (unsigned)(rest % 60),
    };
    return c;
}

const char *time_format_utc(int64_t when, char out[TIME_TEXT_MAX])
{
    struct civil c = civil_from_seconds(when);

    snprintf(out, TIME_TEXT_MAX, "%04d-%02u-%02uT%02u:%02u:%02uZ", c.year, c.month, c.day, c.hour,
             c.minute, c.second);
    return out;
}

const char *time_format_local(const struct zone *z, int64_t when, char out[TIME_TEXT_MAX])
{
    struct civil c = civil_from_seconds(when + zone_offset(z, when));
    int n = snprintf(out, TIME_TEXT_MAX, "%04d-%02u-%02u %02u:%02u", c.year, c.month, c.day, c.hour,
                     c.minute);

    if (c.second)
        snprintf(out + n, TIME_TEXT_MAX - (size_t)n, ":%02u", c.second);
    return out;
}

/* Exactly `n` digits at *p, moved on; -1 otherwise. */
static int digits(const char **p, int n)
{
    int v = 0;

    for (int i = 0; i < n; i++) {
        if ((*p)[i] < '0' || (*p)[i] > '9')
            return -1;
        v = v * 10 + ((*p)[i] - '0');
    }
    *p += n;
    return v;
}

int time_parse(const char *text, const struct zone *z, int64_t *when)
{
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *p = text;
    int hour = 0, minute = 0, second = 0;

    int year = digits(&p, 4);
    if (year < 0 || *p++ != '-')
        return -EINVAL;
    int month = digits(&p, 2);
    if (month < 1 || month > 12 || *p++ != '-')
        return -EINVAL;
    int day = digits(&p, 2);
    if (day < 1 || day > month_days[month - 1] ||
        civil_from_seconds(civil_seconds(year, (unsigned)month, (unsigned)day, 0, 0, 0)).day !=
            (unsigned)day)
        return -EINVAL;
    if (*p == 'T' || *p == 't' || *p == ' ') {
        p++;
        hour = digits(&p, 2);
        if (hour < 0 || hour > 23 || *p++ != ':')
            return -EINVAL;
        minute = digits(&p, 2);
        if (minute < 0 || minute > 59)
            return -EINVAL;
        if (*p == ':') {
            p++;
            second = digits(&p, 2);
            if (second < 0 || second > 60)
                return -EINVAL;
            if (*p == '.')
                for (p++; *p >= '0' && *p <= '9'; p++)
                    ;
        }
    }
    int64_t local = civil_seconds(year, (unsigned)month, (unsigned)day, (unsigned)hour,
                                  (unsigned)minute, (unsigned)second);
    if (*p == 'Z' || *p == 'z') {
        if (p[1])
            return -EINVAL;
        *when = local;
        return 0;
    }
    if (*p == '+' || *p == '-') {
        int sign = *p++ == '-' ? 1 : -1;
        int oh = digits(&p, 2);
        if (*p == ':')
            p++;
        int om = digits(&p, 2);
        if (oh < 0 || oh > 23 || om < 0 || om > 59 || *p)
            return -EINVAL;
        *when = local + sign * (oh * 3600 + om * 60);
        return 0;
    }
    if (*p)
        return -EINVAL;
    *when = zone_to_utc(z, local, INT64_MIN);
    return 0;
}
