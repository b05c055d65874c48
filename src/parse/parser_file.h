/* parser_file.h - a parser file as its author wrote it: `parsers/NAME.yaml`, read and checked, not
 * yet compiled.
 *
 * The keys are explained in parsers/README.md. This module knows the YAML; parser.h makes patterns
 * of it. */
#ifndef SCANTIDE_PARSE_PARSER_FILE_H
#define SCANTIDE_PARSE_PARSER_FILE_H

#include <stddef.h>

#include "base/error.h"
#include "config/yamlfile.h"

struct verdict_rule {
    char *match;  /* a pattern, tried without regard to case */
    char *action; /* drop, reject, accept, ignore */
};

struct verdict {
    char *from; /* "prefix" or "action": the field that the rules look at */
    struct verdict_rule *rules;
    unsigned rules_count;
    char *otherwise; /* the action when no rule matches; NULL: drop */
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
    char **patterns;
    unsigned patterns_count;
    struct verdict verdict;
    struct sample *samples;
    unsigned samples_count;
    char **refuses;
    unsigned refuses_count;
};

/* Loads one file; its name must be `name:` + ".yaml". Free with yamlfile_free; the value is a
 * struct parser_file. */
int parser_file_load(const char *path, struct yamlfile **out, struct error *err);

#endif
