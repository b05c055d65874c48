#include "input/rotated.h"

#include <stddef.h>
#include <string.h>

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

bool rotated_is_of(const char *log, const char *path)
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
    if (name.n > live.n && memcmp(name.p, live.p, live.n) == 0)
        return is_rotation(str_skip(name, live.n));
    if (packed && name.n == live.n && memcmp(name.p, live.p, live.n) == 0)
        return true; /* the log itself, packed */
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
    return is_rotation((struct str){name.p + stem - 1, name.n - (stem - 1) - extension.n});
}
