#include "config/values.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/language.h"
#include "base/nearest.h"
#include "store/facts.h"

enum { ZONES_MAX = 1024 };

bool value_said(const char *text)
{
    return text && *text;
}

/* Takes over a path that must be absolute. */
void value_path(struct reading *r, const char *node, const char *text, char **path)
{
    if (!value_said(text))
        return;
    if (*text != '/')
        yamlfile_fault(r->file, node, r->err,
                       "'%s' must be a whole path that begins with '/', not '%s'", node, text);
    free(*path);
    *path = xstrdup(text);
}

void value_duration(struct reading *r, const char *node, const char *text, int min_s, int max_s,
                    const char *range, int *out_s)
{
    char *end;
    long unit;

    if (!value_said(text))
        return;
    errno = 0;
    long n = strtol(text, &end, 10);
    switch (*end) {
    case 's': unit = 1; break;
    case 'm': unit = 60; break;
    case 'h': unit = 3600; break;
    default: unit = 0;
    }
    if (!isdigit((unsigned char)*text) || !unit || end[1]) {
        yamlfile_fault(r->file, node, r->err,
                       "'%s' must be a number and s, m or h, such as 5s or 2m, not '%s'", node,
                       text);
        return;
    }
    if (errno || n > INT_MAX / 3600 || n * unit < min_s || n * unit > max_s)
        yamlfile_fault(r->file, node, r->err, "'%s' must be from %s, not '%s'", node, range, text);
    else
        *out_s = (int)(n * unit);
}

/* The IANA name nearest to one that doesn't exist, from the TZ database's own list; NULL if none is
 * near. `list` keeps the names. */
static const char *nearest_zone(const char *name, char **list)
{
    const char *words[ZONES_MAX];
    char line[512], *word, *save;
    size_t n = 0, size;
    FILE *in = fopen("/usr/share/zoneinfo/zone.tab", "re");
    FILE *out = open_memstream(list, &size);

    while (in && fgets(line, sizeof line, in))
        if (*line != '#' && strtok_r(line, "\t\n", &save) && strtok_r(NULL, "\t\n", &save) &&
            (word = strtok_r(NULL, "\t\n", &save)))
            fprintf(out, "%s\n", word);
    if (in)
        fclose(in);
    fclose(out);
    for (word = strtok_r(*list, "\n", &save); word && n < ZONES_MAX;
         word = strtok_r(NULL, "\n", &save))
        words[n++] = word;
    return nearest_word(str_from(name), words, n);
}

void value_time_of_day(struct reading *r, const char *node, const char *text, int *out_s)
{
    int hour, minute;
    char more;

    if (!value_said(text))
        return;
    if (sscanf(text, "%2d:%2d%c", &hour, &minute, &more) != 2 || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59)
        yamlfile_fault(r->file, node, r->err,
                       "'%s' must be a time of the day such as \"06:00\", not '%s'", node, text);
    else
        *out_s = hour * 3600 + minute * 60;
}

void value_language(struct reading *r, const char *node, const char *text, char **language)
{
    if (!value_said(text))
        return;
    if (!language_is_known(text))
        yamlfile_fault(r->file, node, r->err, "'%s' must be en or ja, not '%s'", node, text);
    free(*language);
    *language = xstrdup(text);
}

void value_zone(struct reading *r, const char *node, const char *name, const struct zone **zone)
{
    char *list = NULL;

    if (!value_said(name) || zone_open(name, zone) == 0)
        return;
    const char *near = nearest_zone(name, &list);
    if (near)
        yamlfile_fault(r->file, node, r->err, "time zone '%s' is unknown; did you mean '%s'?", name,
                       near);
    else
        yamlfile_fault(r->file, node, r->err,
                       "time zone '%s' is unknown; write 'local', 'UTC' or a name such as "
                       "Europe/Berlin (`timedatectl list-timezones` shows them)",
                       name);
    free(list);
}

/* A sensor's name becomes a folder's. */
void value_sensor(struct reading *r, const char *node, const char *name, char **sensor)
{
    size_t n = value_said(name) ? strlen(name) : 0;

    if (n == 0)
        return;
    bool good = n < SENSOR_NAME_MAX && *name != '.' && *name != '-';
    for (size_t i = 0; i < n; i++)
        good = good && (isalnum((unsigned char)name[i]) || strchr("._-", name[i]));
    if (!good)
        yamlfile_fault(
            r->file, node, r->err,
            "a sensor's name has up to %d letters, digits, '.', '_' or '-' and begins with "
            "a letter, digit or '_', unlike '%s'",
            SENSOR_NAME_MAX - 1, name);
    else
        *sensor = xstrdup(name);
}

void value_size(struct reading *r, const char *node, const char *text, uint64_t min, uint64_t *out)
{
    static const char units[] = "MGT";
    char *end;

    if (!value_said(text) || strcmp(text, "0") == 0)
        return;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (!isdigit((unsigned char)*text) || !unit || end[1] || errno || n > 1000000) {
        yamlfile_fault(r->file, node, r->err,
                       "'%s' must be a number and M, G or T, such as 500M or 10G, not '%s'", node,
                       text);
        return;
    }
    uint64_t bytes = n * 1000000;
    for (const char *u = units; u < unit; u++)
        bytes *= 1000;
    if (bytes < min)
        yamlfile_fault(r->file, node, r->err, "'%s' must be %" PRIu64 "M or more, not '%s'", node,
                       min / 1000000, text);
    else
        *out = bytes;
}
