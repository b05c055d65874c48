#include "config/yamlfile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "base/access.h"
#include "base/check.h"
#include "base/str.h"
#include "config/yamlcheck.h"

enum { SIZE_LIMIT = 4 << 20 }; /* bytes; the largest parser file with its samples stays far below */

struct yamlfile {
    char *path;
    const cyaml_schema_value_t *schema;
    yaml_document_t doc; /* nodes with their marks; owns them */
    struct yamltwin twin;
    void *value;
};

static const cyaml_config_t cyaml_config = {
    .log_fn = NULL,
    .mem_fn = cyaml_mem,
    .log_level = CYAML_LOG_ERROR,
};

/* Reads a whole file; *bytes is the caller's. Returns 0 or a negative errno; -EFBIG over
 * SIZE_LIMIT. */
static int read_all(const char *path, unsigned char **bytes, size_t *n)
{
    unsigned char *buf = NULL;
    size_t used = 0, room = 0;
    int rc = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    for (;;) {
        if (used == room) {
            room = room ? room * 2 : 16384;
            buf = xrealloc(buf, room, 1);
        }
        ssize_t got = read(fd, buf + used, room - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            rc = -errno;
        if (got <= 0)
            break;
        used += (size_t)got;
        if (used > SIZE_LIMIT) {
            rc = -EFBIG;
            break;
        }
    }
    close(fd);
    if (rc < 0) {
        free(buf);
        return rc;
    }
    *bytes = buf;
    *n = used;
    return 0;
}

/* libyaml gives only the offset of a byte that isn't UTF-8. Columns count characters, as its marks
 * do. */
static void place_of_offset(const unsigned char *bytes, size_t n, size_t offset, int *line,
                            int *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < n && i < offset; i++)
        if (bytes[i] == '\n') {
            ++*line;
            *column = 1;
        } else if ((bytes[i] & 0xc0) != 0x80) {
            ++*column;
        }
}

/* The byte at a line and column of the source, or 0: tabs deserve a sentence of their own. */
static unsigned char byte_at(const unsigned char *bytes, size_t n, yaml_mark_t mark)
{
    size_t i = 0;

    for (size_t line = 0; line < mark.line && i < n; i++)
        line += bytes[i] == '\n';
    for (size_t column = 0; column < mark.column && i < n && bytes[i] != '\n'; column++)
        for (i++; i < n && (bytes[i] & 0xc0) == 0x80;)
            i++;
    return i < n ? bytes[i] : 0;
}

static void fault_of_structure(const char *path, const yaml_parser_t *parser,
                               const unsigned char *bytes, size_t n, struct error *err)
{
    int line, column;
    char context[160] = "";

    if (parser->error == YAML_READER_ERROR) {
        place_of_offset(bytes, n, parser->problem_offset, &line, &column);
        error_add(err, path, line, column, "not text in UTF-8: %s", parser->problem);
        return;
    }
    line = (int)parser->problem_mark.line + 1;
    column = (int)parser->problem_mark.column + 1;
    if (byte_at(bytes, n, parser->problem_mark) == '\t') {
        error_add(err, path, line, column, "not YAML: a tab; YAML is indented with spaces only");
        return;
    }
    if (parser->context && parser->context_mark.line != parser->problem_mark.line)
        snprintf(context, sizeof context, " (%s that begins in line %zu)", parser->context,
                 parser->context_mark.line + 1);
    else if (parser->context)
        snprintf(context, sizeof context, " (%s)", parser->context);
    error_add(err, path, line, column, "not YAML: %s%s", parser->problem, context);
}

/* Parses the only document of the source. Returns 0, or -EINVAL with one fault added. */
static int parse_document(const char *path, const unsigned char *bytes, size_t n,
                          yaml_document_t *doc, struct error *err)
{
    yaml_parser_t parser;
    yaml_document_t next;
    int rc = -EINVAL;

    ASSERT(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, bytes, n);
    if (!yaml_parser_load(&parser, doc)) {
        fault_of_structure(path, &parser, bytes, n, err);
        goto out;
    }
    rc = 0;
    if (!yaml_document_get_root_node(doc))
        goto out;
    if (!yaml_parser_load(&parser, &next)) {
        fault_of_structure(path, &parser, bytes, n, err);
        rc = -EINVAL;
    } else {
        const yaml_node_t *second = yaml_document_get_root_node(&next);
        if (second) {
            error_add(err, path, (int)next.start_mark.line + 1, (int)next.start_mark.column + 1,
                      "a second document begins here; a file holds one");
            rc = -EINVAL;
        }
        yaml_document_delete(&next);
    }
    if (rc < 0)
        yaml_document_delete(doc);
out:
    yaml_parser_delete(&parser);
    return rc;
}

/* libcyaml builds the value from the twin, which fits the schema. */
static int build_value(struct yamlfile *f, struct error *err)
{
    cyaml_err_t rc =
        cyaml_load_data(f->twin.text.p, f->twin.text.n, &cyaml_config, f->schema, &f->value, NULL);

    if (rc == CYAML_OK)
        return 0;
    error_add(err, f->path, 0, 0, "libcyaml doesn't take it: %s", cyaml_strerror(rc));
    return -EINVAL;
}

int yamlfile_load(const char *path, const cyaml_schema_value_t *schema, struct yamlfile **out,
                  struct error *err)
{
    unsigned char *bytes = NULL;
    size_t n = 0;
    yaml_document_t doc;

    *out = NULL;
    int rc = read_all(path, &bytes, &n);
    if (rc < 0) {
        if (rc == -EFBIG)
            error_add(err, path, 0, 0, "is larger than %d MiB; is it the right file?",
                      SIZE_LIMIT >> 20);
        else
            access_fault(path, ACCESS_READ, rc, err);
        return rc;
    }
    rc = parse_document(path, bytes, n, &doc, err);
    if (rc < 0)
        goto out;
    struct yamlfile *f = xcalloc(1, sizeof *f);
    f->path = xstrdup(path);
    f->schema = schema;
    f->doc = doc;
    yamlcheck(path, &f->doc, schema, &f->twin, err);
    rc = build_value(f, err);
    if (rc == 0)
        *out = f;
    else
        yamlfile_free(f);
out:
    free(bytes);
    return rc;
}

void *yamlfile_value(const struct yamlfile *f)
{
    return f->value;
}

const char *yamlfile_path(const struct yamlfile *f)
{
    return f->path;
}

/* libyaml reads through the document but asks for it without const. */
static yaml_document_t *document(const struct yamlfile *f)
{
    return (yaml_document_t *)(uintptr_t)&f->doc;
}

static const yaml_node_t *value_of_key(const struct yamlfile *f, const yaml_node_t *node,
                                       struct str key)
{
    if (node->type != YAML_MAPPING_NODE)
        return NULL;
    for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
         p < node->data.mapping.pairs.top; p++) {
        const yaml_node_t *k = yaml_document_get_node(document(f), p->key);
        if (k->type == YAML_SCALAR_NODE &&
            str_eq((struct str){(const char *)k->data.scalar.value, k->data.scalar.length}, key))
            return yaml_document_get_node(document(f), p->value);
    }
    return NULL;
}

static const yaml_node_t *entry_of_list(const struct yamlfile *f, const yaml_node_t *node, size_t i)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return NULL;
    const yaml_node_item_t *first = node->data.sequence.items.start;
    if (i >= (size_t)(node->data.sequence.items.top - first))
        return NULL;
    return yaml_document_get_node(document(f), first[i]);
}

void yamlfile_place(const struct yamlfile *f, const char *node, int *line, int *column)
{
    const yaml_node_t *at = yaml_document_get_root_node(document(f));
    const yaml_node_t *next = at;

    *line = *column = 1;
    while (next && *node) {
        if (*node == '[') {
            next = entry_of_list(f, at, (size_t)strtoul(node + 1, NULL, 10));
            node += strcspn(node, "]");
            node += *node == ']';
        } else {
            size_t n = strcspn(node, ".[");
            next = value_of_key(f, at, (struct str){node, n});
            node += n;
        }
        node += *node == '.';
        if (next)
            at = next;
    }
    if (at) {
        *line = (int)at->start_mark.line + 1;
        *column = (int)at->start_mark.column + 1;
    }
}

bool yamlfile_is_sound(const struct yamlfile *f, const char *node)
{
    if (f->twin.unsound.n == 0)
        return true;
    const char *name = (const char *)f->twin.unsound.p, *end = name + f->twin.unsound.n;

    for (size_t n; name < end; name += n + 1) {
        n = strcspn(name, "\n");
        if (strncmp(node, name, n) == 0 && (n == 0 || strchr(".[", node[n]))) /* or the end */
            return false;
    }
    return true;
}

void yamlfile_fault(const struct yamlfile *f, const char *node, struct error *err, const char *fmt,
                    ...)
{
    char text[1024];
    int line, column;
    va_list ap;

    if (!yamlfile_is_sound(f, node))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    yamlfile_place(f, node, &line, &column);
    error_add(err, f->path, line, column, "%s", text);
}

void yamlfile_free(struct yamlfile *f)
{
    if (!f)
        return;
    if (f->value)
        cyaml_free(&cyaml_config, f->schema, f->value, 0);
    yaml_document_delete(&f->doc);
    buf_fini(&f->twin.text);
    buf_fini(&f->twin.unsound);
    free(f->path);
    free(f);
}
