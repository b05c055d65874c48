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
    struct yamltwin *twin;
    size_t faults;             /* also those that were said before */
    char name[NAME_MAX_SHOWN]; /* of the node at hand: "inputs[0].file" */
    /* By node: what it was held against last. An anchored node is reached again by each alias, even
     * from inside itself; its faults are said once. */
    const cyaml_schema_value_t **done;
    bool is_done; /* of the node at hand, or of one above it */
};

static void check_value(struct check *c, const yaml_node_t *node,
                        const cyaml_schema_value_t *schema);

__attribute__((format(printf, 3, 4))) static void fault(struct check *c, yaml_mark_t mark,
                                                        const char *fmt, ...)
{
    char text[1024];
    int line = (int)mark.line + 1, column = (int)mark.column + 1;
    va_list ap;

    c->faults++;
    if (c->is_done)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    error_add(c->err, c->path, line, column, "%s", text);
}

static void put(struct check *c, const char *text)
{
    buf_put(&c->twin->text, text, strlen(text));
}

/* A scalar of the twin, quoted. What isn't printable ASCII is escaped, so that libyaml reads back
 * what it gave. */
static void put_scalar(struct check *c, const char *text)
{
    struct str rest = str_from(text);
    char escape[16];

    put(c, "\"");
    while (rest.n > 0) {
        unsigned byte = (unsigned char)*rest.p;
        size_t n = byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4; /* of valid UTF-8 */
        unsigned code = n == 1 ? byte : byte & (0x7fu >> n);
        for (size_t i = 1; i < n; i++)
            code = code << 6 | ((unsigned char)rest.p[i] & 0x3f);
        snprintf(escape, sizeof escape, "\\U%08x", code);
        if (code >= 0x20 && code < 0x7f && code != '"' && code != '\\')
            buf_put(&c->twin->text, rest.p, 1);
        else
            put(c, escape);
        rest = str_skip(rest, n);
    }
    put(c, "\"");
}

static void put_key(struct check *c, const char *key)
{
    put_scalar(c, key);
    put(c, ": ");
}

/* The least value that fits the schema. */
static void put_least(struct check *c, const cyaml_schema_value_t *schema)
{
    const cyaml_schema_field_t *field;

    switch (schema->type) {
    case CYAML_MAPPING:
        put(c, "{");
        for (field = schema->mapping.fields; field->key; field++)
            if (!(field->value.flags & CYAML_FLAG_OPTIONAL)) {
                put_key(c, field->key);
                put_least(c, &field->value);
                put(c, ", ");
            }
        put(c, "}");
        break;
    case CYAML_SEQUENCE:
    case CYAML_SEQUENCE_FIXED:
        put(c, "[");
        for (uint32_t i = 0; i < schema->sequence.min; i++) {
            put_least(c, schema->sequence.entry);
            put(c, ", ");
        }
        put(c, "]");
        break;
    case CYAML_STRING:
        put(c, "\"");
        for (uint32_t i = 0; i < schema->string.min; i++)
            put(c, "?");
        put(c, "\"");
        break;
    case CYAML_ENUM: put_scalar(c, schema->enumeration.strings[0].str); break;
    case CYAML_BOOL: put(c, "false"); break;
    default: put(c, "0");
    }
}

/* Something else stands in the twin for the node at hand. */
static void stand_in(struct check *c, const cyaml_schema_value_t *schema)
{
    buf_put(&c->twin->unsound, c->name, strlen(c->name));
    buf_put(&c->twin->unsound, "\n", 1);
    put_least(c, schema);
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

static size_t name_push_key(struct check *c, const char *key)
{
    return name_push(c, "%s%s", c->name[0] ? "." : "", key);
}

static void check_list(struct check *c, const yaml_node_t *node, const cyaml_schema_value_t *schema)
{
    const yaml_node_item_t *first = node->data.sequence.items.start;
    size_t n = (size_t)(node->data.sequence.items.top - first);
    uint32_t min = schema->sequence.min, max = schema->sequence.max;

    if (n < min)
        fault(c, node->start_mark, "'%s' has %zu entr%s; it must have %" PRIu32, c->name, n,
              n == 1 ? "y" : "ies", min);
    if (n > max)
        fault(c, node->start_mark, "'%s' has %zu entries; it may have %" PRIu32, c->name, n, max);
    put(c, "[");
    for (size_t i = 0; i < n || i < min; i++) {
        size_t cut = name_push(c, "[%zu]", i), written = c->twin->text.n;
        if (i < n)
            check_value(c, yaml_document_get_node(c->doc, first[i]), schema->sequence.entry);
        else
            stand_in(c, schema->sequence.entry);
        put(c, ", ");
        if (i >= max)
            c->twin->text.n = written;
        c->name[cut] = 0;
    }
    put(c, "]");
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

    put(c, "{");
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
        size_t written = c->twin->text.n, unsound = c->twin->unsound.n;
        size_t cut = name_push_key(c, fields[i].key);
        put_key(c, fields[i].key);
        check_value(c, yaml_document_get_node(c->doc, pair->value), &fields[i].value);
        put(c, ", ");
        c->name[cut] = 0;
        if (!seen[i]) {
            seen[i] = key;
            continue;
        }
        fault(c, key->start_mark, "key '%s' is given twice; the first stands in line %zu",
              fields[i].key, seen[i]->start_mark.line + 1);
        c->twin->text.n = written;
        c->twin->unsound.n = unsound;
    }
    for (size_t i = 0; fields[i].key; i++)
        if (!seen[i] && !(fields[i].value.flags & CYAML_FLAG_OPTIONAL)) {
            fault(c, node->start_mark, "key '%s' is missing", fields[i].key);
            size_t cut = name_push_key(c, fields[i].key);
            put_key(c, fields[i].key);
            stand_in(c, &fields[i].value);
            put(c, ", ");
            c->name[cut] = 0;
        }
    put(c, "}");
}

static bool check_scalar(struct check *c, const yaml_node_t *node,
                         const cyaml_schema_value_t *schema)
{
    size_t faults = c->faults;

    switch (schema->type) {
    case CYAML_INT:
    case CYAML_UINT: check_number(c, node, schema); break;
    case CYAML_FLOAT: check_float(c, node); break;
    case CYAML_BOOL: check_bool(c, node); break;
    case CYAML_ENUM: check_word(c, node, schema); break;
    case CYAML_STRING: check_string(c, node, schema); break;
    default: check_failed("a schema type that is supported", __FILE__, __LINE__);
    }
    return c->faults == faults;
}

static yaml_node_type_t kind_of(const cyaml_schema_value_t *schema)
{
    switch (schema->type) {
    case CYAML_MAPPING: return YAML_MAPPING_NODE;
    case CYAML_SEQUENCE:
    case CYAML_SEQUENCE_FIXED: return YAML_SEQUENCE_NODE;
    default: return YAML_SCALAR_NODE;
    }
}

/* Says the faults of a node and of all below it, and writes it into the twin. */
static void check_value(struct check *c, const yaml_node_t *node,
                        const cyaml_schema_value_t *schema)
{
    size_t i = (size_t)(node - c->doc->nodes.start);
    bool is_done = c->is_done;

    if (may_be_null(node, schema)) {
        put_scalar(c, (const char *)node->data.scalar.value);
        return;
    }
    c->is_done = is_done || c->done[i] == schema;
    c->done[i] = schema;
    if (!has_kind(c, node, kind_of(schema)))
        stand_in(c, schema);
    else if (node->type == YAML_MAPPING_NODE)
        check_mapping(c, node, schema);
    else if (node->type == YAML_SEQUENCE_NODE)
        check_list(c, node, schema);
    else if (check_scalar(c, node, schema))
        put_scalar(c, (const char *)node->data.scalar.value);
    else
        stand_in(c, schema);
    c->is_done = is_done;
}

void yamlcheck(const char *path, yaml_document_t *doc, const cyaml_schema_value_t *schema,
               struct yamltwin *twin, struct error *err)
{
    static const yaml_node_t nothing = {.type = YAML_MAPPING_NODE};
    struct check c = {.path = path, .doc = doc, .err = err, .twin = twin};
    const yaml_node_t *root = yaml_document_get_root_node(doc);

    if (!root || is_null(root)) { /* nothing but comments */
        check_mapping(&c, &nothing, schema);
        return;
    }
    c.done = xcalloc((size_t)(doc->nodes.top - doc->nodes.start), sizeof *c.done);
    check_value(&c, root, schema);
    free(c.done);
}
