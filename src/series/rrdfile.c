#include "series/rrdfile.h"

#include <errno.h>
#include <rrd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/access.h"
#include "base/check.h"

enum { DAY_S = 86400 };

/* A permission is explained in our words, anything else in librrd's. */
static int fail(const char *path, char **fault)
{
    if (access(path, R_OK | W_OK) < 0 && errno != ENOENT) {
        *fault = access_advice(path, ACCESS_WRITE, -errno);
    } else {
        *fault = xasprintf("librrd: %s", rrd_test_error() ? rrd_get_error() : "no reason given");
    }
    rrd_clear_error();
    return -EIO;
}

static unsigned archive_rows(const struct schema_archive *a)
{
    return a->days * (DAY_S / a->step);
}

int rrdfile_make(const char *path, const struct schema *sc, bool pair, int64_t last_up,
                 char **fault)
{
    size_t room = sc->sources_count + sc->archives_count, n = 0;
    char **defs = xcalloc(room, sizeof *defs);

    for (uint32_t i = 0; i < sc->sources_count; i++) {
        const struct schema_source *s = &sc->sources[i];
        if (!pair || s->pairs)
            defs[n++] =
                xasprintf("DS:%s:%s:%u:0:U", s->name, schema_type_name(s->type), sc->heartbeat);
    }
    for (uint32_t i = 0; i < sc->archives_count; i++) {
        const struct schema_archive *a = &sc->archives[i];
        defs[n++] = xasprintf("RRA:%s:%.3f:%u:%u", schema_function_name(a->function),
                              (double)sc->unknown, a->step / sc->step, archive_rows(a));
    }
    rrd_clear_error();
    int rc =
        rrd_create_r2(path, sc->step, (time_t)last_up, 0, NULL, NULL, (int)n, (const char **)defs);
    for (size_t i = 0; i < n; i++)
        free(defs[i]);
    free(defs);
    return rc == 0 ? 0 : fail(path, fault);
}

/* ---- the shape, in the words of rrd_info ---- */

static void shape_line(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void shape_line(struct buf *b, const char *fmt, ...)
{
    char line[256];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    ASSERT(n > 0 && (size_t)n < sizeof line);
    buf_put(b, line, (size_t)n);
}

static void shape_wanted(struct buf *b, const struct schema *sc, bool pair)
{
    uint32_t n = 0;

    shape_line(b, "step=%u\n", sc->step);
    for (uint32_t i = 0; i < sc->sources_count; i++) {
        const struct schema_source *s = &sc->sources[i];
        if (pair && !s->pairs)
            continue;
        shape_line(b, "ds[%s].index=%u\nds[%s].type=%s\nds[%s].minimal_heartbeat=%u\n", s->name,
                   n++, s->name, schema_type_name(s->type), s->name, sc->heartbeat);
        shape_line(b, "ds[%s].min=0\nds[%s].max=nan\n", s->name, s->name);
    }
    for (uint32_t i = 0; i < sc->archives_count; i++) {
        const struct schema_archive *a = &sc->archives[i];
        shape_line(b, "rra[%u].cf=%s\nrra[%u].rows=%u\nrra[%u].pdp_per_row=%u\nrra[%u].xff=%.3f\n",
                   i, schema_function_name(a->function), i, archive_rows(a), i, a->step / sc->step,
                   i, (double)sc->unknown);
    }
}

/* The part of a key behind its bracket: ".type" of "ds[events].type"; the whole key where there
 * is none. */
static const char *last_part(const char *key)
{
    const char *dot = strrchr(key, '.');

    return dot ? dot : key;
}

static bool is_shape(const char *key)
{
    static const char *const parts[] = {"step", ".index", ".type", ".minimal_heartbeat", ".min",
                                        ".max", ".cf",    ".rows", ".pdp_per_row",       ".xff"};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(last_part(key), parts[i]) == 0)
            return true;
    return false;
}

static void shape_found(struct buf *b, const rrd_info_t *i)
{
    const char *key = i->key;

    if (strlen(key) > 100)
        shape_line(b, "?\n");
    else if (i->type == RD_I_STR)
        shape_line(b, "%s=%.100s\n", key, i->value.u_str);
    else if (i->type == RD_I_CNT)
        shape_line(b, "%s=%lu\n", key, i->value.u_cnt);
    else if (i->type == RD_I_INT)
        shape_line(b, "%s=%d\n", key, i->value.u_int);
    else if (i->type == RD_I_VAL && i->value.u_val != i->value.u_val)
        shape_line(b, "%s=nan\n", key);
    else if (i->type == RD_I_VAL)
        shape_line(b, strcmp(last_part(key), ".xff") == 0 ? "%s=%.3f\n" : "%s=%g\n", key,
                   i->value.u_val);
}

int rrdfile_check(const char *path, const struct schema *sc, bool pair, int64_t *last_up)
{
    struct buf wanted = {0}, found = {0};
    int rc = -EINVAL;

    rrd_clear_error();
    errno = 0;
    rrd_info_t *info = rrd_info_r(path);
    if (!info) {
        rc = access(path, F_OK) < 0 && errno == ENOENT ? -ENOENT : -EINVAL;
        rrd_clear_error();
        return rc;
    }
    *last_up = -1;
    for (const rrd_info_t *i = info; i; i = i->next) {
        if (strcmp(i->key, "last_update") == 0)
            *last_up = (int64_t)i->value.u_cnt;
        else if (is_shape(i->key))
            shape_found(&found, i);
    }
    shape_wanted(&wanted, sc, pair);
    if (wanted.n == found.n && memcmp(wanted.p, found.p, found.n) == 0 && *last_up >= 0 &&
        *last_up % sc->step == 0)
        rc = 0;
    rrd_info_free(info);
    buf_fini(&wanted);
    buf_fini(&found);
    return rc;
}

int rrdfile_update(const char *path, const struct rows *rows, char **fault)
{
    if (rows->n == 0)
        return 0;
    rrd_clear_error();
    if (rrd_updatex_r(path, NULL, RRD_SKIP_PAST_UPDATES, (int)rows->n, rows->args) == 0)
        return 0;
    return fail(path, fault);
}
