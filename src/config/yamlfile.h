/* yamlfile.h - one YAML file read with a libcyaml schema, every fault said at once.
 *
 * libcyaml stops at its first fault and names no column. So the file is parsed into nodes first and
 * these are held against the schema: unknown keys (with the nearest known one), missing and doubled
 * keys, wrong types, bad numbers, words that aren't in the list. Only a file without a fault is
 * built into its C value by libcyaml. A structural fault (no YAML at all) is one fault and ends the
 * file. What the schema can't say, the caller checks on the value and reports with
 * yamlfile_fault(). Stricter than libcyaml: "10x" and "-1" are no unsigned numbers, "010" isn't
 * eight, "maybe" isn't true.
 *
 * The schema is a pointer to a mapping: { CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct x, fields)
 * }. It must outlive the file. Bit fields and floats of other sizes than float and double are not
 * supported. Any thread, one thread at a time per object.
 *
 *     struct yamlfile *f;
 *     if (yamlfile_load(path, &schema, &f, err) < 0)
 *         return -EINVAL;
 *     struct x *x = yamlfile_value(f);
 *     if (x->inputs[1].port > 1024)
 *         yamlfile_fault(f, "inputs[1].port", err, "port %u is taken", x->inputs[1].port);
 *     yamlfile_free(f);
 */
#ifndef SCANTIDE_CONFIG_YAMLFILE_H
#define SCANTIDE_CONFIG_YAMLFILE_H

#include <cyaml/cyaml.h>

#include "base/error.h"

struct yamlfile; /* the C value, and where each node stands in the file */

/* Reads `path`. A file of comments only is an empty mapping. Returns 0 with *out owned by the
 * caller, -EINVAL with the faults added to err, or another negative errno for a file that can't be
 * read, with one fault added that says what to do. *out is NULL on failure. */
int yamlfile_load(const char *path, const cyaml_schema_value_t *schema, struct yamlfile **out,
                  struct error *err);

/* What libcyaml built; the file owns it and all it points to. */
void *yamlfile_value(const struct yamlfile *f);

/* The path as it was given. */
const char *yamlfile_path(const struct yamlfile *f);

/* Where a node's value begins, from 1: "samples[0].gives.dport", or "" for the whole file. Where
 * that doesn't exist, the nearest node above it that does. */
void yamlfile_place(const struct yamlfile *f, const char *node, int *line, int *column);

/* Adds a fault at the place of a node. */
__attribute__((format(printf, 4, 5))) void
yamlfile_fault(const struct yamlfile *f, const char *node, struct error *err, const char *fmt, ...);

/* NULL is fine. */
void yamlfile_free(struct yamlfile *f);

#endif
