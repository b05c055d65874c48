/* yamlcheck.h - holds a parsed YAML document against a libcyaml schema. A part of yamlfile.h; use
 * that. */
#ifndef SCANTIDE_CONFIG_YAMLCHECK_H
#define SCANTIDE_CONFIG_YAMLCHECK_H

#include <cyaml/cyaml.h>
#include <yaml.h>

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

/* The document as it would be without its faults. Unknown keys, second ones of a name and entries
 * beyond a list's limit are left out; the least value that fits the schema stands in for a value
 * that doesn't, for a missing key and for a missing entry. So every other node keeps its name. */
struct yamltwin {
    struct buf text;    /* YAML that libcyaml takes */
    struct buf unsound; /* names of the nodes that something stands in for, each before a newline */
};

/* Adds every fault of the document, each once, and writes its twin. */
void yamlcheck(const char *path, yaml_document_t *doc, const cyaml_schema_value_t *schema,
               struct yamltwin *twin, struct error *err);

#endif
