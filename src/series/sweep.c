#include "series/sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"

static int by_key(const void *a, const void *b)
{
    return series_key_compare(a, b);
}

/* A file that was being made, or librrd's own beginning of one: it appends six characters. */
static bool is_left_over(const char *name)
{
    static const char template[] = ".template.new";
    size_t n = strlen(name);

    return (name[0] == '.' && n > 9 && strcmp(name + n - 8, ".rrd.new") == 0) ||
           strncmp(name, template, sizeof template - 1) == 0;
}

static bool is_gone(const char *path, const struct series_key *keys, size_t n)
{
    struct series_key key;

    return series_path_parse(str_from(path), &key) == 0 &&
           !bsearch(&key, keys, n, sizeof *keys, by_key);
}

/* `below`: "port/", or "" for the sensor's folder itself. */
static size_t sweep_folder(const char *folder, const char *below, const struct series_key *keys,
                           size_t n)
{
    size_t removed = 0;
    char *path = xasprintf("%s/%s", folder, below);
    DIR *d = opendir(path);

    for (struct dirent *e; d && (e = readdir(d));) {
        char *name = xasprintf("%s%s", below, e->d_name);
        if (is_left_over(e->d_name) || is_gone(name, keys, n))
            removed += unlinkat(dirfd(d), e->d_name, 0) == 0;
        free(name);
    }
    if (d)
        closedir(d);
    free(path);
    return removed;
}

size_t sweep(const char *folder, const struct series_key *keys, size_t n)
{
    size_t removed = sweep_folder(folder, "", keys, n) + sweep_folder(folder, "port/", keys, n) +
                     sweep_folder(folder, "country/", keys, n);
    char *pairs = xasprintf("%s/pair", folder);
    DIR *d = opendir(pairs);

    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        char *below = xasprintf("pair/%s/", e->d_name);
        removed += sweep_folder(folder, below, keys, n);
        free(below);
        /* Goes only if it is empty. */
        unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
    }
    if (d)
        closedir(d);
    free(pairs);
    return removed;
}
