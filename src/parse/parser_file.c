#include "parse/parser_file.h"

#include <string.h>

const cyaml_strval_t parser_file_actions[ACTIONS] = {
    {"drop", ACTION_DROP},
    {"reject", ACTION_REJECT},
    {"accept", ACTION_ACCEPT},
    {"ignore", ACTION_IGNORE},
};

static const cyaml_strval_t origins[] = {
    {"prefix", FROM_PREFIX},
    {"action", FROM_ACTION},
    {"kind", FROM_KIND},
    {"reason", FROM_REASON},
};

static const cyaml_strval_t anchors[] = {
    {"literal", ANCHOR_LITERAL},
    {"message", ANCHOR_MESSAGE},
};

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, CYAML_UNLIMITED)};

#define TEXT(key, type, member, min, max) \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, min, max)
#define TEXT_IF_GIVEN(key, type, member, min, max) \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, min, max)
#define TEXTS_IF_GIVEN(member)                                                                  \
    CYAML_FIELD_SEQUENCE(#member, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct parser_file, \
                         member, &text_schema, 0, CYAML_UNLIMITED)

static const cyaml_schema_field_t rule_fields[] = {
    CYAML_FIELD_ENUM_PTR("of", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER,
                         struct verdict_rule, of, origins, CYAML_ARRAY_LEN(origins)),
    CYAML_FIELD_STRING_PTR("match", CYAML_FLAG_POINTER, struct verdict_rule, match, 1,
                           CYAML_UNLIMITED),
    CYAML_FIELD_ENUM("action", CYAML_FLAG_STRICT, struct verdict_rule, action, parser_file_actions,
                     ACTIONS),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t rule_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct verdict_rule, rule_fields)};

static const cyaml_schema_field_t verdict_fields[] = {
    CYAML_FIELD_ENUM("from", CYAML_FLAG_STRICT, struct verdict, from, origins,
                     CYAML_ARRAY_LEN(origins)),
    CYAML_FIELD_SEQUENCE("rules", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct verdict, rules,
                         &rule_schema, 0, CYAML_UNLIMITED),
    CYAML_FIELD_ENUM("otherwise", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct verdict,
                     otherwise, parser_file_actions, ACTIONS),
    CYAML_FIELD_END,
};

#define GIVES(field)                                                                               \
    CYAML_FIELD_STRING_PTR(#field, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct sample_fields, \
                           field, 0, CYAML_UNLIMITED)

static const cyaml_schema_field_t gives_fields[] = {
    GIVES(outcome), GIVES(src),  GIVES(dst),    GIVES(sport),    GIVES(dport),
    GIVES(proto),   GIVES(type), GIVES(code),   GIVES(flags),    GIVES(in),
    GIVES(out),     GIVES(host), GIVES(prefix), GIVES(action),   GIVES(class),
    GIVES(port),    GIVES(time), GIVES(count),  CYAML_FIELD_END,
};

static const cyaml_schema_field_t sample_fields[] = {
    CYAML_FIELD_STRING_PTR("line", CYAML_FLAG_POINTER, struct sample, line, 1, CYAML_UNLIMITED),
    CYAML_FIELD_MAPPING("gives", CYAML_FLAG_DEFAULT, struct sample, gives, gives_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t sample_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct sample, sample_fields)};

static const cyaml_schema_field_t key_fields[] = {
    TEXT("key", struct pair_key, key, 1, 64),
    TEXT_IF_GIVEN("is", struct pair_key, is, 1, 64),
    TEXT_IF_GIVEN("match", struct pair_key, match, 1, CYAML_UNLIMITED),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t key_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct pair_key, key_fields)};

static const cyaml_schema_value_t literal_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 64)};

static const cyaml_schema_value_t separator_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 8)};

static const cyaml_schema_field_t pairs_fields[] = {
    CYAML_FIELD_SEQUENCE("separators", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct pairs,
                         separators, &separator_schema, 1, 8),
    TEXT_IF_GIVEN("assign", struct pairs, assign, 1, 8),
    CYAML_FIELD_SEQUENCE("keys", CYAML_FLAG_POINTER, struct pairs, keys, &key_schema, 1, 128),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t file_fields[] = {
    TEXT("name", struct parser_file, name, 1, 64),
    TEXT("about", struct parser_file, about, 1, CYAML_UNLIMITED),
    TEXT_IF_GIVEN("literal", struct parser_file, literal, 1, 64),
    CYAML_FIELD_SEQUENCE("literals", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct parser_file,
                         literals, &literal_schema, 1, 32),
    TEXTS_IF_GIVEN(tags),
    TEXTS_IF_GIVEN(programs),
    CYAML_FIELD_ENUM("anchor", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct parser_file, anchor,
                     anchors, CYAML_ARRAY_LEN(anchors)),
    TEXTS_IF_GIVEN(before),
    CYAML_FIELD_UINT("match_limit", CYAML_FLAG_OPTIONAL, struct parser_file, match_limit),
    CYAML_FIELD_SEQUENCE("patterns", CYAML_FLAG_POINTER, struct parser_file, patterns, &text_schema,
                         1, CYAML_UNLIMITED),
    TEXTS_IF_GIVEN(ignores),
    CYAML_FIELD_MAPPING_PTR("pairs", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct parser_file,
                            pairs, pairs_fields),
    CYAML_FIELD_MAPPING("verdict", CYAML_FLAG_DEFAULT, struct parser_file, verdict, verdict_fields),
    CYAML_FIELD_SEQUENCE("samples", CYAML_FLAG_POINTER, struct parser_file, samples, &sample_schema,
                         1, CYAML_UNLIMITED),
    TEXTS_IF_GIVEN(refuses),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct parser_file, file_fields)};

int parser_file_load(const char *path, struct yamlfile **out, struct error *err)
{
    int rc = yamlfile_load(path, &file_schema, out, err);

    if (rc < 0)
        return rc;
    const struct parser_file *file = yamlfile_value(*out);
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    size_t n = strlen(file->name);
    if (strncmp(base, file->name, n) != 0 || strcmp(base + n, ".yaml") != 0)
        yamlfile_fault(*out, "name", err, "the file is called %s, so the name must be '%.*s'", base,
                       (int)strcspn(base, "."), base);
    return 0;
}
