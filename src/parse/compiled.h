/* compiled.h - parser files in the form in which lines are matched against them: what parser.c
 * makes and matcher.c runs. Of no concern outside the two and near.c. */
#ifndef SCANTIDE_PARSE_COMPILED_H
#define SCANTIDE_PARSE_COMPILED_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/literals.h"
#include "parse/matcher.h"
#include "parse/needs.h"
#include "parse/pairs.h"
#include "parse/parser.h"

/* What a group of a pattern, or the value of a key, is. */
enum field {
    FIELD_SRC,
    FIELD_DST,
    FIELD_SPORT,
    FIELD_DPORT,
    FIELD_PROTO,
    FIELD_TYPE,
    FIELD_CODE,
    FIELD_FLAGS,
    FIELD_IN,
    FIELD_OUT,
    FIELD_PREFIX,
    FIELD_ACTION,
    FIELD_KIND,
    FIELD_REASON,
    FIELD_FRAG,
    FIELD_COUNT,
    FIELD_HOST,
    FIELD_DATE,
    FIELD_TIME,
    FIELD_TZ,
    FIELD_PAIRS,
    FIELDS
};

extern const char *const parser_fields[FIELDS]; /* as groups and keys are named */

enum {
    GROUPS_MAX = 64, /* named groups in one pattern; of one name the first that matched counts */
    MATCH_LIMIT = 100000
};

struct group {
    uint8_t number, field;
};

/* What each line needs of it comes first. */
struct pattern {
    pcre2_code *code;
    bool jit;
    uint8_t group_count;
    uint32_t fields;    /* those that it has groups for, a bit each */
    struct str needs;   /* text without which it can't fit; empty: it isn't looked for */
    const char **words; /* by group, of one "FIELD_WORD": what it says where it matches; NULL: of
                            none, or no group is such */
    struct group groups[GROUPS_MAX];
    char needs_text[NEEDS_MAX];
};

struct parser {
    struct yamlfile *yaml;
    const struct parser_file *file;
    struct str *literals, *tags, *programs;
    size_t literal_count, tag_count, program_count;
    size_t first_literal;     /* the number of the first in the set's */
    struct pattern *patterns; /* the file's patterns, then those of what it ignores */
    size_t pattern_count, packet_patterns;
    struct pair_table *pairs; /* NULL: none */
    uint32_t pair_fields;     /* those that it has keys for */
    struct pattern *values;   /* by key: of its value; no code where that is a field */
    uint8_t *key_fields;      /* by key: that field; FIELDS where its pattern tells */
    pcre2_code **rules;       /* of file->verdict */
    uint8_t *rule_fields;     /* the field that each looks at */
    uint32_t sources;         /* the fields that the rules look at */
    uint32_t match_limit;
    enum anchor anchor;
    uint16_t *firsts; /* the parsers that must be tried before this one, in order */
    size_t first_count;
};

struct prefix_rule {
    char *text;
    enum action action;
};

struct parser_set {
    struct parser *parsers; /* in the order of trial */
    size_t n;
    struct prefix_rule *prefixes;
    size_t prefix_count;
    struct str *words; /* the literals of all parsers, in their order */
    uint16_t *owners;  /* of words */
    uint16_t *tagged;  /* the parsers that have tags */
    size_t word_count, tagged_count;
    struct literals *literals;
};

/* After matcher_takes() has failed: why the first match that it found makes no event. False: none
 * was found. */
bool matcher_misfit(const struct matcher *m, size_t *pattern, enum field *field, struct str *value);

#endif
