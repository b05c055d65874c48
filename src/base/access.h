/* access.h - why a path can't be used, and the command that mends it.
 *
 * Looks at the path's owner, group, mode and the folders above it. Any thread; not for the hot
 * path. */
#ifndef SCANTIDE_BASE_ACCESS_H
#define SCANTIDE_BASE_ACCESS_H

#include "base/error.h"

enum access_kind {
    ACCESS_READ,  /* a file that is to be read */
    ACCESS_WRITE, /* a folder in which files are to be made, or a file to be written */
};

/* Whether this process may do it now. Returns 0; 1 for a folder that isn't there but may be made,
 * with those above it (ACCESS_WRITE); or a negative errno, which the two below turn into words.
 * Touches nothing. */
int access_check(const char *path, enum access_kind kind);

/* Adds one fault for `path`, which failed with the negative errno `rc`: what is wrong, whose it is,
 * what to do. */
void access_fault(const char *path, enum access_kind kind, int rc, struct error *err);

/* The same sentence alone; the caller frees it. */
char *access_advice(const char *path, enum access_kind kind, int rc);

#endif
