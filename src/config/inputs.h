/* inputs.h - the configuration's inputs: what is read, and from where. A part of config.h; use
 * that. */
#ifndef SCANTIDE_CONFIG_INPUTS_H
#define SCANTIDE_CONFIG_INPUTS_H

#include <cyaml/cyaml.h>

#include "config/config.h"
#include "config/listening.h"
#include "config/values.h"

enum { INPUTS_LIMIT = 1000 };

/* What the file says, before it means anything. NULL: not said. */
struct raw_input {
    char *file, *rotated, *journal, *folder, *listen, *sensor, *timezone, *silence;
    enum input_start *start;
    char **parsers;
    uint32_t parsers_count;
    struct raw_listen listening;
};

extern const cyaml_schema_value_t inputs_schema;

/* In place of those that conf has. */
void inputs_read(struct reading *r, const struct raw_input *raw, size_t n);

void inputs_default(struct config *conf);
void inputs_fini(struct config *conf);

#endif
