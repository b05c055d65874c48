#include "input/rotated.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/str.h"

static const char *const packings[] = {".gz", ".xz", ".zst", ".bz2", ".lz4", ".lzma", ".Z"};

bool rotated_is_pattern(const char *path)
{
    return strpbrk(path, "*?[") != NULL;
}

static size_t packing_len(struct str name)
{
    for (size_t i = 0; i < sizeof packings / sizeof *packings; i++) {
        size_t n = strlen(packings[i]);
        if (name.n > n && memcmp(name.p + name.n - n, packings[i], n) == 0)
            return n;
    }
    return 0;
}

bool rotated_is_packed(const char *path)
{
    return packing_len(str_from(path)) > 0;
}

/* ".1", "-20261124", ".2026-11-24", "-2026112410", "-1764000000", "_2026.11.24": a mark, and digits
 * with single marks between them; a short number only behind a dot, for gw-2.log is a log. */
static bool is_rotation(struct str s)
{
    size_t digits = 0;

    if (s.n < 2 || !strchr(".-_", s.p[0]))
        return false;
    for (size_t i = 1; i < s.n; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';
        bool mark = s.p[i] && strchr(".-_:T", s.p[i]) && s.p[i - 1] >= '0' && s.p[i - 1] <= '9';
        if (!digit && !mark)
            return false;
        digits += digit;
    }
    return digits >= (s.p[0] == '.' ? 1 : 6) && s.p[s.n - 1] >= '0' && s.p[s.n - 1] <= '9';
}

/* What rotation added to the log's name: *added (".1"), empty where the log itself was packed. */
static bool find_rotation(const char *log, const char *path, struct str *added)
{
    const char *slash = strrchr(log, '/');
    size_t folder = slash ? (size_t)(slash - log) + 1 : 0;
    struct str name = str_from(path), live = str_from(log);

    if (name.n <= folder || memcmp(name.p, live.p, folder) != 0)
        return false;
    name = str_skip(name, folder);
    live = str_skip(live, folder);
    if (memchr(name.p, '/', name.n))
        return false;
    size_t packed = packing_len(name);
    name.n -= packed;
    if (name.n >= live.n && memcmp(name.p, live.p, live.n) == 0) {
        *added = str_skip(name, live.n);
        return added->n > 0 ? is_rotation(*added) : packed > 0;
    }
    /* The extension kept behind. */
    size_t stem = live.n;
    while (stem > 0 && live.p[stem - 1] != '.')
        stem--;
    if (stem < 2)
        return false;
    struct str extension = str_skip(live, stem - 1);
    if (name.n <= live.n || memcmp(name.p, live.p, stem - 1) != 0 ||
        memcmp(name.p + name.n - extension.n, extension.p, extension.n) != 0)
        return false;
    *added = (struct str){name.p + stem - 1, name.n - (stem - 1) - extension.n};
    return is_rotation(*added);
}

bool rotated_is_of(const char *log, const char *path)
{
    struct str added;
    return find_rotation(log, path, &added);
}

/* ---- the order ---- */

enum kind { BY_NUMBER, BY_DATE, BY_EPOCH, BY_MTIME, KINDS };

struct aged {
    struct rotated form;
    enum kind kind;
    uint64_t age;          /* the larger, the newer */
    int64_t kind_mtime_ns; /* of the kind's newest */
};

enum { DATE_DIGITS = 14, EPOCH_DIGITS = 10, NUMBER_DIGITS = 5 };

static uint64_t number(const char *digits, size_t n, size_t padded)
{
    uint64_t value = 0;

    for (size_t i = 0; i < padded; i++)
        value = value * 10 + (i < n ? (uint64_t)(digits[i] - '0') : 0);
    return value;
}

/* YYYYMM..., of a year that a log may be of. */
static bool is_date(const char *digits, size_t n)
{
    uint64_t month = n >= 8 ? number(digits + 4, 2, 2) : 0,
             century = n >= 8 ? number(digits, 2, 2) : 0;
    return (century == 19 || century == 20) && month >= 1 && month <= 12;
}

static struct aged age_of(const char *log, const struct rotated *r)
{
    struct aged a = {*r, BY_MTIME, r->mtime_ns > 0 ? (uint64_t)r->mtime_ns : 0, r->mtime_ns};
    struct str added = {0};
    char digits[32];
    size_t n = 0;

    if (!find_rotation(log, r->path, &added))
        return a;
    for (size_t i = 0; i < added.n && n < sizeof digits; i++)
        if (added.p[i] >= '0' && added.p[i] <= '9')
            digits[n++] = added.p[i];
    if (n > 0 && n <= NUMBER_DIGITS && n + 1 == added.n) {
        a.kind = BY_NUMBER;
        a.age = UINT64_MAX - number(digits, n, n);
    } else if (is_date(digits, n) && n <= DATE_DIGITS) {
        a.kind = BY_DATE;
        a.age = number(digits, n, DATE_DIGITS);
    } else if (n == EPOCH_DIGITS || (n == 8 + EPOCH_DIGITS && is_date(digits, n))) {
        a.kind = BY_EPOCH;
        a.age = number(digits + n - EPOCH_DIGITS, EPOCH_DIGITS, EPOCH_DIGITS);
    }
    return a;
}

static int by_age(const void *x, const void *y)
{
    const struct aged *a = x, *b = y;

    if (a->kind != b->kind && a->kind_mtime_ns != b->kind_mtime_ns)
        return a->kind_mtime_ns > b->kind_mtime_ns ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return a->age > b->age ? -1 : a->age < b->age;
}

void rotated_sort(const char *log, struct rotated *list, size_t n)
{
    struct aged *all = xcalloc(n + 1, sizeof *all);
    int64_t newest[KINDS] = {0};

    for (size_t i = 0; i < n; i++) {
        all[i] = age_of(log, &list[i]);
        if (list[i].mtime_ns > newest[all[i].kind])
            newest[all[i].kind] = list[i].mtime_ns;
    }
    for (size_t i = 0; i < n; i++)
        all[i].kind_mtime_ns = newest[all[i].kind];
    qsort(all, n, sizeof *all, by_age);
    for (size_t i = 0; i < n; i++)
        list[i] = all[i].form;
    free(all);
}
