#include "config/portbook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "config/yamlfile.h"

enum { PORTS_LIMIT = 10000, TEXT_LIMIT = 200 };

struct port_book {
    struct port_entry *ports; /* by port */
    size_t n;
    struct port_group *groups;
    size_t group_count;
};

struct raw_port {
    char *port, *name, *why, *group;
};

struct raw_book {
    struct raw_port *ports;
    uint32_t ports_count;
};

#define TEXT(key, field) \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, struct raw_port, field, 1, TEXT_LIMIT)

static const cyaml_schema_field_t port_fields[] = {
    TEXT("port", port),
    TEXT("name", name),
    TEXT("why", why),
    CYAML_FIELD_STRING_PTR("group", CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER_NULL, struct raw_port,
                           group, 0, TEXT_LIMIT),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t port_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_port, port_fields),
};

static const cyaml_schema_field_t book_fields[] = {
    CYAML_FIELD_SEQUENCE("ports", CYAML_FLAG_POINTER, struct raw_book, ports, &port_schema, 0,
                         PORTS_LIMIT),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t book_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_book, book_fields),
};

/* A group stands on the command line where a port may stand, and in a chart's title. */
static bool is_group_name(const char *name)
{
    uint32_t port;

    return strlen(name) <= PORT_GROUP_NAME_MAX &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == 0 && *name != '-' &&
           port_parse(str_from(name), &port) < 0;
}

static void add_to_group(struct port_book *b, const char *name, uint32_t port)
{
    size_t i = 0;

    while (i < b->group_count && strcmp(b->groups[i].name, name) != 0)
        i++;
    if (i == b->group_count) {
        b->groups = xrealloc(b->groups, ++b->group_count, sizeof *b->groups);
        b->groups[i] = (struct port_group){.name = xstrdup(name)};
    }
    struct port_group *g = &b->groups[i];
    g->ports = xrealloc(g->ports, g->n + 1, sizeof *g->ports);
    g->ports[g->n++] = port;
}

static void read_port(struct port_book *b, const struct yamlfile *file, size_t i,
                      const struct raw_port *raw, struct error *err)
{
    char node[48];
    uint32_t port;

    snprintf(node, sizeof node, "ports[%zu].port", i);
    if (port_parse(str_from(raw->port), &port) < 0) {
        yamlfile_fault(file, node, err, "'%s' is no port; write it like 23/tcp, 53/udp or 8/icmp",
                       raw->port);
        return;
    }
    for (size_t k = 0; k < b->n; k++)
        if (b->ports[k].port == port) {
            yamlfile_fault(file, node, err, "%s stands here twice: one of them must go", raw->port);
            return;
        }
    b->ports[b->n++] = (struct port_entry){port, xstrdup(raw->name), xstrdup(raw->why)};
    if (!raw->group || !*raw->group)
        return;
    snprintf(node, sizeof node, "ports[%zu].group", i);
    if (is_group_name(raw->group))
        add_to_group(b, raw->group, port);
    else
        yamlfile_fault(file, node, err,
                       "a group's name has up to %d lower case letters, digits and '-', and isn't "
                       "written like a port, unlike '%s'",
                       PORT_GROUP_NAME_MAX, raw->group);
}

static int by_port(const void *a, const void *b)
{
    uint32_t x = ((const struct port_entry *)a)->port, y = ((const struct port_entry *)b)->port;

    return (x > y) - (x < y);
}

int port_book_load(const char *path, struct port_book **out, struct error *err)
{
    struct yamlfile *file;
    size_t faults = err->n;
    int rc = yamlfile_load(path, &book_schema, &file, err);

    *out = NULL;
    if (rc < 0)
        return rc;
    const struct raw_book *raw = yamlfile_value(file);
    struct port_book *b = xcalloc(1, sizeof *b);
    b->ports = xcalloc(raw->ports_count + 1, sizeof *b->ports);
    for (size_t i = 0; i < raw->ports_count; i++)
        read_port(b, file, i, &raw->ports[i], err);
    qsort(b->ports, b->n, sizeof *b->ports, by_port);
    yamlfile_free(file);
    if (err->n > faults) {
        port_book_free(b);
        return -EINVAL;
    }
    *out = b;
    return 0;
}

void port_book_free(struct port_book *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->n; i++) {
        free(b->ports[i].name);
        free(b->ports[i].why);
    }
    for (size_t i = 0; i < b->group_count; i++) {
        free(b->groups[i].name);
        free(b->groups[i].ports);
    }
    free(b->ports);
    free(b->groups);
    free(b);
}

const struct port_entry *port_book_find(const struct port_book *b, uint32_t port)
{
    struct port_entry key = {.port = port};

    return b->n ? bsearch(&key, b->ports, b->n, sizeof *b->ports, by_port) : NULL;
}

size_t port_book_groups(const struct port_book *b, const struct port_group **list)
{
    *list = b->groups;
    return b->group_count;
}

const struct port_group *port_book_group(const struct port_book *b, const char *name)
{
    for (size_t i = 0; i < b->group_count; i++)
        if (strcmp(b->groups[i].name, name) == 0)
            return &b->groups[i];
    return NULL;
}
