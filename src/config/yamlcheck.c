#include "config/yamlcheck.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/nearest.h"

enum {
    NAME_MAX_SHOWN = 200, /* bytes of a node's name in a sentence */
    VALUE_MAX_SHOWN = 60, /* bytes of a value in a sentence */
    WORDS_MAX = 128,      /* keys of one mapping or words of one enumeration */
};

struct check {
    const char *path;
    yaml_document_t *doc;
    struct error *err;
    char name[NAME_MAX_SHOWN]; /* of the node at hand: "inputs[0].file" */
    /* By node: what it was held against last. An anchored node is reached again by each alias, even
     * from inside itself; its faults are said once. */
    const cyaml_schema_value_t **done;
};

static void check_value(struct check *c, const yaml_node_t *node,
                        const cyaml_schema_value_t *schema);

__attribute__((format(printf, 3, 4))) static void fault(struct check *c, yaml_mark_t mark,
                                                        const char *fmt, ...)
{
    char text[1024];
    int line = (int)mark.line + 1, column = (int)mark.column + 1;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    error_add(c->err, c->path, line, column, "%s", text);
}

/* A scalar as it may stand in a sentence: one line, bounded, no control bytes. */
static const char *shown(const yaml_node_t *node, char out[VALUE_MAX_SHOWN + 4])
{
    size_t n = node->data.scalar.length;
    bool cut = n > VALUE_MAX_SHOWN;

    if (cut)
        for (n = VALUE_MAX_SHOWN; n > 0 && (node->data.scalar.value[n] & 0xc0) == 0x80;)
            n--;
    for (size_t i = 0; i < n; i++) {
        unsigned char b = node->data.scalar.value[i];
        out[i] = b < 0x20 || b == 0x7f ? '?' : (char)b;
    }
    strcpy(out + n, cut ? "..." : "");
    return out;
}

/* "a, b or c" */
static void list_words(const char *const *words, size_t n, const char *last, char *out, size_t size)
{
    size_t used = 0;

    out[0] = 0;
    for (size_t i = 0; i < n && used < size; i++) {
        const char *between = i == 0 ? "" : i + 1 == n ? last : ", ";
        used += (size_t)snprintf(out + used, size - used, "%s%s", between, words[i]);
    }
}

static bool is_null(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0 &&
           node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* As libcyaml decides it: with the flag, an empty value or a word for it becomes a NULL pointer. */
static bool may_be_null(const yaml_node_t *node, const cyaml_schema_value_t *schema)
{
    static const char *const words[] = {"null", "Null", "NULL", "~"};

    if (node->type != YAML_SCALAR_NODE)
        return false;
    if ((schema->flags & CYAML_FLAG_POINTER_NULL) == CYAML_FLAG_POINTER_NULL &&
        node->data.scalar.length == 0)
        return true;
    if ((schema->flags & CYAML_FLAG_POINTER_NULL_STR) != CYAML_FLAG_POINTER_NULL_STR)
        return false;
    for (size_t i = 0; i < CYAML_ARRAY_LEN(words); i++)
        if (strcmp((const char *)node->data.scalar.value, words[i]) == 0)
            return true;
    return false;
}

static bool same_word(const cyaml_schema_value_t *schema, const char *a, const char *b)
{
    return (schema->flags & CYAML_FLAG_CASE_INSENSITIVE ? strcasecmp(a, b) : strcmp(a, b)) == 0;
}

/* Whether the node has the kind that the schema asks for; says the fault if not. */
static bool has_kind(struct check *c, const yaml_node_t *node, yaml_node_type_t want)
{
    static const char *const wanted[] = {
        [YAML_SCALAR_NODE] = "one value",
        [YAML_SEQUENCE_NODE] = "a list, each entry behind '- '",
        [YAML_MAPPING_NODE] = "a mapping, lines of 'key: value'",
    };
    static const char *const found[] = {
        [YAML_SCALAR_NODE] = "one value",
        [YAML_SEQUENCE_NODE] = "a list",
        [YAML_MAPPING_NODE] = "a mapping",
    };

    if (node->type == want)
        return true;
    if (is_null(node))
        fault(c, node->start_mark, "'%s' has no value; it must be %s", c->name, wanted[want]);
    else if (c->name[0])
        fault(c, node->start_mark, "'%s' must be %s, not %s", c->name, wanted[want],
              found[node->type]);
    else
        fault(c, node->start_mark, "the file must be %s, not %s", wanted[want], found[node->type]);
    return false;
}

/* Reads a whole number: decimal, or hexadecimal with 0x. */
static bool read_number(const char *text, bool *negative, uint64_t *value)
{
    const char *p = text;
    char *end;

    *negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
    if (!isdigit((unsigned char)*p) || (*p == '0' && isdigit((unsigned char)p[1])))
        return false;
    if (hex && !isxdigit((unsigned char)p[2]))
        return false;
    errno = 0;
    *value = strtoull(p, &end, hex ? 16 : 10);
    return *end == 0 && errno == 0;
}

static void check_number(struct check *c, const yaml_node_t *node,
                         const cyaml_schema_value_t *schema)
{
    const char *text = (const char *)node->data.scalar.value;
    unsigned bits = schema->data_size * 8;
    uint64_t max = UINT64_MAX >> (64 - bits), min = 0, value;
    char value_shown[VALUE_MAX_SHOWN + 4];
    bool negative;

    if (schema->type != CYAML_UINT) {
        max /= 2;
        min = max + 1;
    }
    bool is_number = read_number(text, &negative, &value);
    if (is_number && value <= (negative ? min : max))
        return;
    shown(node, value_shown);
    if (!is_number && bits >= 32) /* nobody's range ends there */
        fault(c, node->start_mark, "'%s' must be a whole number, not '%s'", c->name, value_shown);
    else
        fault(c, node->start_mark,
              "'%s' must be a whole number from %s%" PRIu64 " to %" PRIu64 ", not '%s'", c->name,
              min ? "-" : "", min, max, value_shown);
}

static void check_float(struct check *c, const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;
    char value_shown[VALUE_MAX_SHOWN + 4];
    char *end;

    strtod(text, &end);
    if (end == text || *end)
        fault(c, node->start_mark, "'%s' must be a number, not '%s'", c->name,
              shown(node, value_shown));
}

static void check_bool(struct check *c, const yaml_node_t *node)
{
    /* Those that every version of libcyaml reads alike: it takes any word that it doesn't know for
     * true. */
    static const char *const words[] = {"true", "false", "yes", "no"};
    char value_shown[VALUE_MAX_SHOWN + 4];

    for (size_t i = 0; i < CYAML_ARRAY_LEN(words); i++)
        if (strcasecmp((const char *)node->data.scalar.value, words[i]) == 0)
            return;
    fault(c, node->start_mark, "'%s' must be true or false, not '%s'", c->name,
          shown(node, value_shown));
}

static void check_string(struct check *c, const yaml_node_t *node,
                         const cyaml_schema_value_t *schema)
{
    size_t n = node->data.scalar.length;

    if (strlen((const char *)node->data.scalar.value) != n)
        fault(c, node->start_mark, "'%s' holds a zero byte", c->name);
    else if (n == 0 && schema->string.min > 0)
        fault(c, node->start_mark, is_null(node) ? "'%s' has no value" : "'%s' must not be empty",
              c->name);
    else if (n < schema->string.min)
        fault(c, node->start_mark, "'%s' must have at least %" PRIu32 " bytes", c->name,
              schema->string.min);
    else if (n > schema->string.max)
        fault(c, node->start_mark, "'%s' has %zu bytes; it may have %" PRIu32, c->name, n,
              schema->string.max);
}

static void check_word(struct check *c, const yaml_node_t *node, const cyaml_schema_value_t *schema)
{
    const char *text = (const char *)node->data.scalar.value;
    const char *words[WORDS_MAX];
    char value_shown[VALUE_MAX_SHOWN + 4], list[512];
    uint64_t number;
    bool negative;

    ASSERT(schema->enumeration.count <= WORDS_MAX);
    for (uint32_t i = 0; i < schema->enumeration.count; i++) {
        words[i] = schema->enumeration.strings[i].str;
        if (same_word(schema, text, words[i]))
            return;
    }
    if (!(schema->flags & CYAML_FLAG_STRICT) && read_number(text, &negative, &number) &&
        !negative && number <= INT32_MAX)
        return;
    list_words(words, schema->enumeration.count, " or ", list, sizeof list);
    const char *near = nearest_word(str_from(text), words, schema->enumeration.count);
    if (near)
        fault(c, node->start_mark, "'%s' must be %s, not '%s'; did you mean '%s'?", c->name, list,
              shown(node, value_shown), near);
    else
        fault(c, node->start_mark, "'%s' must be %s, not '%s'", c->name, list,
              shown(node, value_shown));
}

/* The name of an entry or a key's value while it is checked. Returns the length to cut back to. */
__attribute__((format(printf, 2, 3))) static size_t name_push(struct check *c, const char *fmt, ...)
{
    size_t n = strlen(c->name);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(c->name + n, sizeof c->name - n, fmt, ap);
    va_end(ap);
    return n;
}

static void check_list(struct check *c, const yaml_node_t *node, const cyaml_schema_value_t *schema)
{
    const yaml_node_item_t *first = node->data.sequence.items.start;
    size_t n = (size_t)(node->data.sequence.items.top - first);
    bool flags = schema->type == CYAML_FLAGS;

    if (!flags && n < schema->sequence.min)
        fault(c, node->start_mark, "'%s' has %zu entr%s; it must have %" PRIu32, c->name, n,
              n == 1 ? "y" : "ies", schema->sequence.min);
    if (!flags && n > schema->sequence.max)
        fault(c, node->start_mark, "'%s' has %zu entries; it may have %" PRIu32, c->name, n,
              schema->sequence.max);
    for (size_t i = 0; i < n; i++) {
        const yaml_node_t *entry = yaml_document_get_node(c->doc, first[i]);
        size_t cut = name_push(c, "[%zu]", i);
        if (!flags)
            check_value(c, entry, schema->sequence.entry);
        else if (has_kind(c, entry, YAML_SCALAR_NODE))
            check_word(c, entry, schema);
        c->name[cut] = 0;
    }
}

static size_t find_field(const cyaml_schema_value_t *schema, const char *key)
{
    size_t i = 0;

    while (schema->mapping.fields[i].key && !same_word(schema, schema->mapping.fields[i].key, key))
        i++;
    return i;
}

static void unknown_key(struct check *c, const yaml_node_t *key, const cyaml_schema_value_t *schema)
{
    const char *words[WORDS_MAX];
    char key_shown[VALUE_MAX_SHOWN + 4], list[512];
    size_t n = 0;

    for (; schema->mapping.fields[n].key; n++) {
        ASSERT(n < WORDS_MAX);
        words[n] = schema->mapping.fields[n].key;
    }
    shown(key, key_shown);
    const char *near = nearest_word(str_from((const char *)key->data.scalar.value), words, n);
    if (near) {
        fault(c, key->start_mark, "key '%s' is unknown; did you mean '%s'?", key_shown, near);
        return;
    }
    list_words(words, n, " and ", list, sizeof list);
    fault(c, key->start_mark, "key '%s' is unknown; known here: %s", key_shown, list);
}

static void check_mapping(struct check *c, const yaml_node_t *node,
                          const cyaml_schema_value_t *schema)
{
    const yaml_node_t *seen[WORDS_MAX] = {0};
    const cyaml_schema_field_t *fields = schema->mapping.fields;

    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(c->doc, pair->key);
        if (key->type != YAML_SCALAR_NODE) {
            fault(c, key->start_mark, "a key must be one word, not a list or mapping");
            continue;
        }
        size_t i = find_field(schema, (const char *)key->data.scalar.value);
        if (!fields[i].key) {
            unknown_key(c, key, schema);
            continue;
        }
        ASSERT(i < WORDS_MAX);
        if (seen[i])
            fault(c, key->start_mark, "key '%s' is given twice; the first stands in line %zu",
                  fields[i].key, seen[i]->start_mark.line + 1);
        else
            seen[i] = key;
        size_t cut = name_push(c, "%s%s", c->name[0] ? "." : "", fields[i].key);
        check_value(c, yaml_document_get_node(c->doc, pair->value), &fields[i].value);
        c->name[cut] = 0;
    }
    for (size_t i = 0; fields[i].key; i++)
        if (!seen[i] && !(fields[i].value.flags & CYAML_FLAG_OPTIONAL))
            fault(c, node->start_mark, "key '%s' is missing", fields[i].key);
}

static void check_value(struct check *c, const yaml_node_t *node,
                        const cyaml_schema_value_t *schema)
{
    size_t i = (size_t)(node - c->doc->nodes.start);

    if (schema->type == CYAML_IGNORE || may_be_null(node, schema) || c->done[i] == schema)
        return;
    c->done[i] = schema;
    switch (schema->type) {
    case CYAML_MAPPING:
        if (has_kind(c, node, YAML_MAPPING_NODE))
            check_mapping(c, node, schema);
        break;
    case CYAML_SEQUENCE:
    case CYAML_SEQUENCE_FIXED:
    case CYAML_FLAGS:
        if (has_kind(c, node, YAML_SEQUENCE_NODE))
            check_list(c, node, schema);
        break;
    case CYAML_INT:
    case CYAML_UINT:
        if (has_kind(c, node, YAML_SCALAR_NODE))
            check_number(c, node, schema);
        break;
    case CYAML_FLOAT:
        if (has_kind(c, node, YAML_SCALAR_NODE))
            check_float(c, node);
        break;
    case CYAML_BOOL:
        if (has_kind(c, node, YAML_SCALAR_NODE))
            check_bool(c, node);
        break;
    case CYAML_ENUM:
        if (has_kind(c, node, YAML_SCALAR_NODE))
            check_word(c, node, schema);
        break;
    case CYAML_STRING:
        if (has_kind(c, node, YAML_SCALAR_NODE))
            check_string(c, node, schema);
        break;
    default: check_failed("a schema type that is supported", __FILE__, __LINE__);
    }
}

bool yamlcheck_is_empty(yaml_document_t *doc)
{
    const yaml_node_t *root = yaml_document_get_root_node(doc);

    return !root || is_null(root);
}

void yamlcheck(const char *path, yaml_document_t *doc, const cyaml_schema_value_t *schema,
               struct error *err)
{
    static const yaml_node_t nothing = {.type = YAML_MAPPING_NODE};
    struct check c = {.path = path, .doc = doc, .err = err};

    if (yamlcheck_is_empty(doc)) {
        check_mapping(&c, &nothing, schema);
        return;
    }
    c.done = xcalloc((size_t)(doc->nodes.top - doc->nodes.start), sizeof *c.done);
    check_value(&c, yaml_document_get_root_node(doc), schema);
    free(c.done);
}
