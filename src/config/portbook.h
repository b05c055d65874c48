/* portbook.h - rrd/ports.yaml as a value: what the ports that are scanned are called, why they are
 * scanned, and which of them make a group.
 *
 *     struct port_book *book;
 *     if (port_book_load(path, &book, &err) == 0)
 *         group = port_book_group(book, "smb");
 *     port_book_free(book); */
#ifndef SCANTIDE_CONFIG_PORTBOOK_H
#define SCANTIDE_CONFIG_PORTBOOK_H

#include "base/error.h"
#include "base/port.h"

struct port_book;

struct port_entry {
    uint32_t port;
    char *name, *why; /* one line each */
};

/* 0, or -EINVAL or another negative errno with every fault added, *out NULL. */
int port_book_load(const char *path, struct port_book **out, struct error *err);
void port_book_free(struct port_book *b);

/* What is known of a port, or NULL. */
const struct port_entry *port_book_find(const struct port_book *b, uint32_t port);

/* All groups, by their first port in the file. */
size_t port_book_groups(const struct port_book *b, const struct port_group **list);

/* The group of a name, or NULL. */
const struct port_group *port_book_group(const struct port_book *b, const char *name);

#endif
