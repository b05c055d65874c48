/* usage.h - how much room a folder takes. Any thread. */
#ifndef SCANTIDE_BASE_USAGE_H
#define SCANTIDE_BASE_USAGE_H

#include <stdint.h>

struct usage {
    uint64_t bytes;  /* of all files in it, as the disk has them */
    uint64_t marked; /* of those below a folder called `mark` */
};

/* What can't be looked at, or goes meanwhile, counts nothing. */
struct usage usage_of(const char *folder, const char *mark);

/* "1.2 GB", in thousands. */
enum { SIZE_TEXT_MAX = 24 };
const char *size_format(uint64_t bytes, char out[SIZE_TEXT_MAX]);

#endif
