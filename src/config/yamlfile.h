/* yamlfile.h - one YAML file read with a libcyaml schema, every fault said at once.
 *
 * libcyaml stops at its first fault and names no column. So the file is parsed into nodes first and
 * these are held against the schema: unknown keys (with the nearest known one), missing and doubled
 * keys, wrong types, bad numbers, words that aren't in the list. libcyaml then builds the C value,
 * in which something that fits the schema stands in for each faulty part, so that the caller checks
 * in the same go what the schema can't say. It reports with yamlfile_fault(), which says nothing of
 * a part that is at fault already, and keeps the value only if no fault was added. A structural
 * fault (no YAML at all) is one fault and ends the file. Stricter than libcyaml: "10x" and "-1" are
 * no unsigned numbers, "010" isn't eight, "maybe" isn't true.
 *
 * The schema is a pointer to a mapping: { CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct x, fields)
 * }. It must outlive the file and not hold itself. Flags, bit fields and ignored values are not
 * supported. Any thread, one thread at a time per object.
 *
 *     struct yamlfile *f;
 *     size_t faults = err->n;
 *     int rc = yamlfile_load(path, &schema, &f, err);
 *     if (rc < 0)
 *         return rc;
 *     struct x *x = yamlfile_value(f);
 *     if (x->inputs[1].port > 1024)
 *         yamlfile_fault(f, "inputs[1].port", err, "port %u is taken", x->inputs[1].port);
 *     if (err->n > faults)
 *         ...yamlfile_free(f), -EINVAL
 */
#ifndef SCANTIDE_CONFIG_YAMLFILE_H
#define SCANTIDE_CONFIG_YAMLFILE_H

#include <cyaml/cyaml.h>

#include <stdbool.h>

#include "base/error.h"

struct yamlfile; /* the C value, and where each node stands in the file */

/* Reads `path`. A file of comments only is an empty mapping. Returns 0 with *out owned by the
 * caller and every fault of the schema added to err: with any, the value is there to be checked
 * and not to be used. -EINVAL: a structural fault, added to err. Another negative errno: the file
 * can't be read, with one fault added that says what to do. *out is NULL on failure. */
int yamlfile_load(const char *path, const cyaml_schema_value_t *schema, struct yamlfile **out,
                  struct error *err);

/* What libcyaml built; the file owns it and all it points to. */
void *yamlfile_value(const struct yamlfile *f);

/* The path as it was given. */
const char *yamlfile_path(const struct yamlfile *f);

/* Where a node's value begins, from 1: "samples[0].gives.dport", or "" for the whole file. Where
 * that doesn't exist, the nearest node above it that does. */
void yamlfile_place(const struct yamlfile *f, const char *node, int *line, int *column);

/* Whether the node's value is the file's: false where something stands in for it or for a node
 * above it. A fault of one node that lies in the value of another needs both sound. */
bool yamlfile_is_sound(const struct yamlfile *f, const char *node);

/* Adds a fault at the place of a node, if that is sound: else its fault is said already. */
__attribute__((format(printf, 4, 5))) void
yamlfile_fault(const struct yamlfile *f, const char *node, struct error *err, const char *fmt, ...);

/* NULL is fine. */
void yamlfile_free(struct yamlfile *f);

#endif
