/* yamlcheck.h - holds a parsed YAML document against a libcyaml schema. A part of yamlfile.h; use
 * that. */
#ifndef SCANTIDE_CONFIG_YAMLCHECK_H
#define SCANTIDE_CONFIG_YAMLCHECK_H

#include <cyaml/cyaml.h>
#include <yaml.h>

#include <stdbool.h>

#include "base/error.h"

/* Whether it holds nothing but comments: it counts as an empty mapping. */
bool yamlcheck_is_empty(yaml_document_t *doc);

/* Adds every fault of the document, each once. */
void yamlcheck(const char *path, yaml_document_t *doc, const cyaml_schema_value_t *schema,
               struct error *err);

#endif
