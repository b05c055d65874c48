/* cached.h - updates through an rrdcached on this host, over its Unix socket (rrdcached(1), "The
 * rrdcached protocol").
 *
 * rrdcached keeps updates and writes them later, many of a file at once. It knows a file by its
 * path: before another is renamed to that path, what it has of the old one must be forgotten, and
 * before a file is read its updates must be flushed. A connection that is lost may have been a
 * daemon that ended with updates of ours; so then every file has to be looked at anew. One thread
 * at a time per object.
 *
 *     cached_begin(c);
 *     cached_put(c, path, rows, 0);
 *     rc = cached_end(c, on_refused, ctx); */
#ifndef SCANTIDE_SERIES_CACHED_H
#define SCANTIDE_SERIES_CACHED_H

#include <stdbool.h>
#include <stddef.h>

#include "series/rows.h"

struct cached;

/* Connects when it is first needed. */
struct cached *cached_new(const char *socket);
void cached_free(struct cached *c);

/* Connects where there is no connection. *fresh: it is a new one. Returns 0 or a negative errno,
 * with a sentence in *fault that the caller frees. */
int cached_connect(struct cached *c, bool *fresh, char **fault);

/* The process at the other end; 0: unknown. */
long cached_peer(const struct cached *c);

/* One batch. `path` is absolute; `tag` says later which update was refused. */
void cached_begin(struct cached *c);
void cached_put(struct cached *c, const char *path, const struct rows *rows, size_t tag);

/* Sends the batch, and calls back for each line of it that was refused. A negative errno where the
 * connection was lost: nothing is known of any of them. */
int cached_end(struct cached *c, void (*refused)(void *ctx, size_t tag, const char *why),
               void *ctx);

/* Whether or not it has anything of the file: 0. -EIO: it said no; else the connection was lost. */
int cached_flush(struct cached *c, const char *path);
int cached_forget(struct cached *c, const char *path);

#endif
