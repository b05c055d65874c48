#include "base/usage.h"

#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { BLOCK_BYTES = 512 };

struct usage usage_of(const char *folder, const char *mark)
{
    char *const paths[] = {(char *)folder, NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    struct usage u = {0};
    int marked = 0; /* folders of that name above */

    for (FTSENT *e; tree && (e = fts_read(tree));) {
        bool is_mark = strcmp(e->fts_name, mark) == 0;
        if (e->fts_info == FTS_D)
            marked += is_mark;
        else if (e->fts_info == FTS_DP)
            marked -= is_mark;
        if (e->fts_info != FTS_F)
            continue;
        uint64_t bytes = (uint64_t)e->fts_statp->st_blocks * BLOCK_BYTES;
        u.bytes += bytes;
        u.marked += marked ? bytes : 0;
    }
    if (tree)
        fts_close(tree);
    return u;
}

const char *size_format(uint64_t bytes, char out[SIZE_TEXT_MAX])
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double n = (double)bytes;
    size_t unit = 0;

    for (; n >= 1000 && unit < 4; unit++)
        n /= 1000;
    snprintf(out, SIZE_TEXT_MAX, "%.*f %s", unit > 0 && n < 10, n, units[unit]);
    return out;
}
