/* access.h - why a path can't be used, and the command that mends it.
 *
 * Looks at the path's owner, group, mode and the folders above it. Any thread; not for the hot path. */
#ifndef SCANTIDE_BASE_ACCESS_H
#define SCANTIDE_BASE_ACCESS_H

#include "base/error.h"

enum access_kind {
    ACCESS_READ,  /* a file that is to be read */
    ACCESS_WRITE, /* a folder in which files are to be made, or a file to be written */
};

/* Adds one fault for `path`, which failed with the negative errno `rc`: what is wrong, whose it is, what to do. */
void access_fault(const char *path, enum access_kind kind, int rc, struct error *err);

/* The same sentence alone; the caller frees it. */
char *access_advice(const char *path, enum access_kind kind, int rc);

#endif
