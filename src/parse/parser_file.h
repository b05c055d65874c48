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

/* The text that a rule of the verdict looks at: a group of that name, or what stands before the
 * literal. */
enum verdict_source { FROM_PREFIX, FROM_ACTION, FROM_KIND, FROM_REASON, VERDICT_SOURCES };

struct verdict_rule {
    enum verdict_source *of; /* NULL: the verdict's `from` */
    char *match;             /* a pattern, tried without regard to case */
    enum action action;
};

struct verdict {
    enum verdict_source from;
    struct verdict_rule *rules;
    unsigned rules_count;
    enum action otherwise; /* when no rule matches; if it isn't said, drop */
};

/* What the value of a key is. */
struct pair_key {
    char *key;
    char *is;    /* a field; NULL: `match` tells */
    char *match; /* a pattern with groups, anchored where the value begins */
};

/* Text of the form "key=value", in any order. */
struct pairs {
    char **separators; /* between pairs; none given: a blank */
    unsigned separators_count;
    char *assign; /* between key and value; NULL: "=" */
    struct pair_key *keys;
    unsigned keys_count;
};

enum anchor { ANCHOR_LITERAL, ANCHOR_MESSAGE };

/* What a sample must give: the words of `explain`'s text; NULL is not compared. */
struct sample_fields {
    char *outcome;
    char *src, *dst, *sport, *dport, *proto, *type, *code, *flags, *in, *out, *host, *prefix,
        *action, *class, *port, *time, *count;
};

struct sample {
    char *line;
    struct sample_fields gives;
};

struct parser_file {
    char *name;
    char *about;
    char *literal; /* NULL where there are several, or tags only */
    char **literals;
    unsigned literals_count;
    char **tags; /* of the envelope */
    unsigned tags_count;
    char **programs; /* the only processes whose lines are tried; none given: all */
    unsigned programs_count;
    enum anchor anchor; /* where patterns are tried */
    char **before;      /* names of parsers that are tried after this one */
    unsigned before_count;
    unsigned match_limit; /* 0: the default */
    char **patterns;
    unsigned patterns_count;
    char **ignores; /* patterns of lines that are understood and no packet */
    unsigned ignores_count;
    struct pairs *pairs; /* NULL: none */
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
