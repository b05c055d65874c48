/* gunzip.h - gzip as a stream, with its checksums held against what comes out.
 *
 * Several streams behind each other are one, as gzip(1) has it; what follows them and is none is left
 * alone. (libarchive 3.6 reads gzip, too, but passes a wrong checksum over: a flipped bit would go
 * unnoticed.) One thread at a time per object. */
#ifndef SCANTIDE_INPUT_GUNZIP_H
#define SCANTIDE_INPUT_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Gives the next bytes of what is packed, valid until its next call: how many, 0 at the end, or a
 * negative errno. */
typedef ssize_t (*gunzip_read_cb)(void *ctx, const char **bytes);

struct gunzip;

bool gunzip_is(const char *head, size_t n);

struct gunzip *gunzip_new(gunzip_read_cb read, void *ctx);
void gunzip_free(struct gunzip *g);

/* The next bytes, valid until the next call: how many, 0 at the end. A negative code: what follows
 * can't be read, or the checksum of what was given is wrong; gunzip_fault() has the sentence. */
ssize_t gunzip_next(struct gunzip *g, const char **bytes);

/* When what is packed was written, seconds since 1970; 0: it isn't told, or nothing was read yet. */
int64_t gunzip_mtime(const struct gunzip *g);

const char *gunzip_fault(const struct gunzip *g);

#endif
