/* parser_file.h - a parser file as its author wrote it: `parsers/NAME.yaml`, held against its
 * schema, not yet compiled.
 *
 * The keys are explained in parsers/README.md. This module knows the YAML; parser.h makes patterns
 * of it. */
#ifndef SCANTIDE_PARSE_PARSER_FILE_H
#define SCANTIDE_PARSE_PARSER_FILE_H

#include <stddef.h>

#include "base/error.h"
#include "config/yamlfile.h"
#include "parse/event.h"

/* The words of an enum action, in parser files and in the configuration. */
extern const cyaml_strval_t parser_file_actions[ACTIONS];

struct verdict_rule {
    char *match; /* a pattern, tried without regard to case */
    enum action action;
};

struct verdict {
    enum { VERDICT_FROM_PREFIX, VERDICT_FROM_ACTION } from; /* the field that the rules look at */
    struct verdict_rule *rules;
    unsigned rules_count;
    enum action otherwise; /* when no rule matches; if it isn't said, drop */
};

/* What a sample must give: the words of `explain`'s text; NULL is not compared. */
struct sample_fields {
    char *outcome;
    char *src, *dst, *sport, *dport, *proto, *type, *code, *flags, *in, *out, *host, *prefix,
        *action, *class, *port, *time;
};

struct sample {
    char *line;
    struct sample_fields gives;
};

struct parser_file {
    char *name;
    char *about;
    char *literal;
    enum { ANCHOR_LITERAL, ANCHOR_MESSAGE } anchor; /* where patterns are tried */
    char **patterns;
    unsigned patterns_count;
    struct verdict verdict;
    struct sample *samples;
    unsigned samples_count;
    char **refuses;
    unsigned refuses_count;
};

/* Loads one file, whose name must be `name:` + ".yaml". The value is a struct parser_file. As with
 * yamlfile_load(), it is also there where faults were added to err, to be compiled and not to be
 * used. Free with yamlfile_free. */
int parser_file_load(const char *path, struct yamlfile **out, struct error *err);

#endif
