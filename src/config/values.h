/* values.h - what configuration values mean, for all the files that read a part of it.
 *
 * A part of config.h; use that. `node` is the value's name, as faults show it. What isn't said (NULL
 * or "") leaves *out as it was. */
#ifndef SCANTIDE_CONFIG_VALUES_H
#define SCANTIDE_CONFIG_VALUES_H

#include <stdbool.h>

#include "base/error.h"
#include "base/zone.h"
#include "config/yamlfile.h"

struct raw;
struct config;

/* One file on its way from what is said to what is meant. */
struct reading {
    const struct yamlfile *file;
    const struct raw *raw;
    struct config *conf;
    struct error *err;
};

bool value_said(const char *text);

/* An absolute path, copied over the old one. */
void value_path(struct reading *r, const char *node, const char *text, char **path);

/* A number of bytes as 500M, 10G or 2T (in thousands); 0 or nothing said: left as it is. */
void value_size(struct reading *r, const char *node, const char *text, uint64_t min, uint64_t *out);

/* "5s", "2m", "1h", within [min_s, max_s]; `range` says that in words. */
void value_duration(struct reading *r, const char *node, const char *text, int min_s, int max_s,
                    const char *range, int *out_s);

/* "06:00", as seconds after midnight. */
void value_time_of_day(struct reading *r, const char *node, const char *text, int *out_s);

/* A known language; a copy. */
void value_language(struct reading *r, const char *node, const char *text, char **language);

void value_zone(struct reading *r, const char *node, const char *name, const struct zone **zone);

/* A name that may become a folder's; a copy. */
void value_sensor(struct reading *r, const char *node, const char *name, char **sensor);

#endif
