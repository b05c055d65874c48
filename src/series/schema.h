/* schema.h - rrd/schema.yaml as a value: steps, archives and data sources of the RRDs. Immutable
 * once loaded; any thread. */
#ifndef SCANTIDE_SERIES_SCHEMA_H
#define SCANTIDE_SERIES_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum schema_type { SCHEMA_ABSOLUTE, SCHEMA_GAUGE };
enum schema_function { SCHEMA_AVERAGE, SCHEMA_MAX, SCHEMA_MIN };

struct schema_source {
    char *name;
    enum schema_type type;
    bool pairs; /* whether a pair's file has it too */
};

struct schema_archive {
    enum schema_function function;
    uint32_t step; /* seconds */
    uint32_t days;
};

struct schema {
    uint32_t step;      /* seconds: BIN_S */
    uint32_t heartbeat; /* seconds */
    float unknown;      /* share of a row that may be unknown: RRDtool's xfiles factor */
    struct schema_source *sources;
    uint32_t sources_count;
    struct schema_archive *archives;
    uint32_t archives_count;
};

/* Returns 0 with *out to be freed by schema_free, or a negative errno with every fault in err. */
int schema_load(const char *path, struct schema **out, struct error *err);
void schema_free(struct schema *sc);

/* How far back the longest archive reaches, seconds. */
int64_t schema_reach(const struct schema *sc);

/* The words of RRDtool: "ABSOLUTE", "AVERAGE". */
const char *schema_type_name(enum schema_type t);
const char *schema_function_name(enum schema_function f);

#endif
