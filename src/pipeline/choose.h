/* choose.h - which logs an import is to take in, and in which order: oldest first.
 *
 * An operator names files, folders, patterns, archives. Of a folder and of an archive those are
 * chosen in which a parser knows a line; what is passed over is told. Looks at the first megabytes
 * of each; takes nothing in. One thread at a time.
 *
 *     struct choices c = {0};
 *     rc = choices_make(&c, &options, argv, n, pass_over, ctx, &err);   whatever rc: what could be chosen
 *     for (i = 0; i < c.n; i++)
 *         import_member(&options, c.items[i].path, c.items[i].member, &report, &err);
 *     choices_fini(&c);
 */
#ifndef SCANTIDE_PIPELINE_CHOOSE_H
#define SCANTIDE_PIPELINE_CHOOSE_H

#include "pipeline/import.h"

struct choice {
    char *path;      /* the file; "-": stdin */
    char *name;      /* what to call it: the path, and the member in it */
    unsigned member; /* 0: the file is one log */
    int64_t when;    /* of its first line that has a time, else of the file */
    uint64_t dev, ino;
};

struct choices {
    struct choice *items;
    size_t n;
};

/* Told of each file of a folder, and each member of an archive, that isn't chosen. */
typedef void (*choices_pass_cb)(void *ctx, const char *name, const char *why);

/* Adds what is meant by the arguments. Returns 0, or a negative code with faults added: -ENOENT
 * where nothing is meant by one, -EBADMSG for a damaged archive. A file that can't be opened is
 * chosen, if it was named, for its import to say so. */
int choices_make(struct choices *c, const struct import_options *o, char *const *arguments,
                 size_t n, choices_pass_cb pass, void *ctx, struct error *err);
void choices_fini(struct choices *c);

#endif
