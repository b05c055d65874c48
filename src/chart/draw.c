#include "chart/draw.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <rrd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/access.h"
#include "base/check.h"

/* librrd reads both from the process. */
struct surroundings {
    char *zone, *locale;
};

static void enter(struct surroundings *s, const char *zone)
{
    const char *tz = getenv("TZ"), *locale = setlocale(LC_ALL, NULL);

    s->zone = tz ? xstrdup(tz) : NULL;
    s->locale = xstrdup(locale ? locale : "C");
    setenv("TZ", zone, 1);
    tzset();
    setlocale(LC_ALL, "C.UTF-8");
}

static void leave(struct surroundings *s)
{
    setlocale(LC_ALL, s->locale);
    if (s->zone)
        setenv("TZ", s->zone, 1);
    else
        unsetenv("TZ");
    tzset();
    free(s->zone);
    free(s->locale);
}

static int rrd_fault(struct error *err)
{
    error_add(err, NULL, 0, 0, "librrd: %s", rrd_test_error() ? rrd_get_error() : "no picture");
    rrd_clear_error();
    return -EIO;
}

/* The series' bars, one for each step from req->from on; the caller frees *values. */
static int read_bars(const struct chart_request *req, double **values, size_t *n, struct error *err)
{
    struct args cmd;
    time_t start, end;
    unsigned long step, columns;
    char **legend = NULL;
    rrd_value_t *data = NULL;
    int xsize, rc = chart_build_export(req, &cmd, err);

    if (rc < 0)
        return rc;
    if (rrd_xport((int)cmd.n - 1, cmd.v + 1, &xsize, &start, &end, &step, &columns, &legend,
                  &data) < 0) {
        args_fini(&cmd);
        return rrd_fault(err);
    }
    size_t bars = (size_t)((req->to - req->from) / req->step_s);
    size_t rows = step ? (size_t)((end - start) / (time_t)step) : 0;
    *values = xcalloc(bars + 1, sizeof **values);
    *n = bars;
    for (size_t i = 0; i < bars; i++) { /* a row is stamped with its end */
        int64_t at = req->from + (int64_t)(i + 1) * req->step_s;
        int64_t row = step ? (at - start) / (int64_t)step - 1 : -1;
        (*values)[i] = row >= 0 && (size_t)row < rows ? data[(size_t)row * columns] : (double)NAN;
    }
    for (unsigned long i = 0; i < columns; i++)
        free(legend[i]);
    free(legend);
    free(data);
    args_fini(&cmd);
    return 0;
}

/* Fontconfig, Pango (in a thread of its own) and librrd keep things to the end that nobody
 * frees. In a build with LeakSanitizer these are there, and the last is asked. */
extern void __lsan_disable(void) __attribute__((weak));
extern void __lsan_enable(void) __attribute__((weak));
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\n";
}

/* Runs the command into memory; the caller frees *info with rrd_info_free. */
static int graph(const struct args *cmd, rrd_info_t **info, struct error *err)
{
    char **argv = xcalloc(cmd->n + 1, sizeof *argv);
    char memory[] = "-", verb[] = "graphv";

    for (size_t i = 2; i < cmd->n; i++)
        argv[i - 1] = cmd->v[i];
    argv[0] = verb;
    argv[1] = memory;
    if (__lsan_disable)
        __lsan_disable();
    *info = rrd_graph_v((int)cmd->n - 1, argv);
    if (__lsan_enable)
        __lsan_enable();
    free(argv);
    return *info ? 0 : rrd_fault(err);
}

static const rrd_info_t *find(const rrd_info_t *info, const char *key)
{
    while (info && strcmp(info->key, key) != 0)
        info = info->next;
    return info;
}

static int find_place(const struct chart_request *req, const struct chart_axis *axis,
                      struct chart_place *place, struct error *err)
{
    struct args cmd;
    rrd_info_t *info = NULL;
    int rc = chart_build_layout(req, axis, &cmd, err);

    if (rc == 0)
        rc = graph(&cmd, &info, err);
    if (rc == 0) {
        const rrd_info_t *left = find(info, "graph_left"), *width = find(info, "image_width");
        ASSERT(left && width);
        *place = (struct chart_place){(long)left->value.u_cnt, (long)width->value.u_cnt};
        rrd_info_free(info);
    }
    args_fini(&cmd);
    return rc;
}

/* When the series' files were last written, the latest of them. */
static int64_t last_update(const struct chart_request *req)
{
    int64_t last = 0;

    for (size_t i = 0; i < req->sensor_count; i++)
        for (size_t k = 0; k <= req->series.more_count; k++) {
            const char *below = k ? req->series.more[k - 1] : req->series.path;
            char *path = xasprintf("%s/%s", req->sensors[i], below);
            time_t t = rrd_last_r(path);
            if (t > last)
                last = t;
            free(path);
        }
    rrd_clear_error();
    return last;
}

int chart_prepare(const struct chart_request *request, struct args *out, struct error *err)
{
    struct chart_request copy = *request, *req = &copy;
    struct surroundings outside;
    struct chart_axis axis;
    struct chart_place place;
    double *values = NULL;
    size_t n = 0;

    *out = (struct args){0};
    enter(&outside, req->zone);
    copy.known_until = last_update(req);
    int rc = read_bars(req, &values, &n, err);
    if (rc == 0) {
        chart_axis_fit(values, n, req->from, req->step_s, req->scale, req->height, &axis);
        rc = find_place(req, &axis, &place, err);
    }
    if (rc == 0)
        rc = chart_build(req, &axis, &place, out, err);
    free(values);
    leave(&outside);
    return rc;
}

/* Beside the file, then renamed over it. */
static int write_file(const char *path, const void *data, size_t n, struct error *err)
{
    char *temporary = xasprintf("%s.%ld.new", path, (long)getpid());
    FILE *f = fopen(temporary, "wb");
    int rc = f ? 0 : -errno;

    if (f) {
        if (fwrite(data, 1, n, f) != n)
            rc = -errno;
        if (fclose(f) != 0 && rc == 0)
            rc = -errno;
        if (rc == 0 && rename(temporary, path) != 0)
            rc = -errno;
        if (rc < 0)
            unlink(temporary);
    }
    if (rc < 0)
        access_fault(path, ACCESS_WRITE, rc, err);
    free(temporary);
    return rc;
}

int chart_draw(const struct chart_request *req, const struct args *cmd, struct error *err)
{
    struct surroundings outside;
    rrd_info_t *info = NULL;

    enter(&outside, req->zone);
    int rc = graph(cmd, &info, err);
    leave(&outside);
    if (rc < 0)
        return rc;
    const rrd_info_t *image = find(info, "image");
    if (image)
        rc = write_file(req->output, image->value.u_blo.ptr, image->value.u_blo.size, err);
    else
        rc = rrd_fault(err);
    rrd_info_free(info);
    return rc;
}
