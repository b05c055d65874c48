#include "pipeline/reports_uv.h"

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/check.h"

enum { DAY_S = 86400, NICE = 10, LINE_MAX_BYTES = 1000, LINES_SAID = 20, ARGUMENTS = 20 };

struct reports {
    uv_loop_t *loop;
    void (*say)(void *ctx, const char *text);
    void *ctx;
    struct report_order order;

    uv_process_t process;
    uv_pipe_t said; /* the child's stderr */
    bool running, process_open, said_open;
    int64_t day; /* what it is to get to */
    int64_t exit_status;
    char line[LINE_MAX_BYTES]; /* of what it says, not whole yet */
    size_t line_n, lines;

    int64_t done;      /* the last day that needs nothing more; INT64_MIN: none yet */
    uint64_t retry_ms, /* no sooner */
        started_ms;    /* the child */
    bool failing;
    bool closing;
};

__attribute__((format(printf, 2, 3))) static void say(struct reports *r, const char *fmt, ...)
{
    char text[LINE_MAX_BYTES + 200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    r->say(r->ctx, text);
}

static const char *date_of(int64_t day, char out[TIME_TEXT_MAX])
{
    time_format_utc(day * DAY_S, out);
    out[strlen("2026-11-24")] = 0;
    return out;
}

/* ---- what the child says ---- */

static void end_line(struct reports *r)
{
    static const char name[] = "scantide: ";
    char *text = r->line;

    r->line[r->line_n] = 0;
    if (strncmp(text, name, strlen(name)) == 0)
        text += strlen(name);
    if (*text && r->lines < LINES_SAID)
        say(r, "report: %s", text);
    else if (*text && r->lines == LINES_SAID)
        say(r, "report: ... and more");
    r->lines += *text != 0;
    r->line_n = 0;
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    static char room[4096];

    (void)handle;
    (void)suggested;
    *out = uv_buf_init(room, sizeof room);
}

static void settle(struct reports *r);

static void on_said_closed(uv_handle_t *handle)
{
    struct reports *r = handle->data;

    r->said_open = false;
    settle(r);
}

static void on_said(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct reports *r = stream->data;

    for (ssize_t i = 0; i < n; i++) {
        if (buf->base[i] == '\n' || r->line_n == LINE_MAX_BYTES - 1)
            end_line(r);
        if (buf->base[i] != '\n')
            r->line[r->line_n++] = buf->base[i];
    }
    if (n < 0 && !uv_is_closing((uv_handle_t *)stream)) {
        end_line(r);
        uv_close((uv_handle_t *)stream, on_said_closed);
    }
}

/* ---- the child ---- */

static void failed(struct reports *r)
{
    char date[TIME_TEXT_MAX];

    r->retry_ms = uv_now(r->loop) + REPORTS_RETRY_S * 1000;
    if (!r->failing)
        say(r,
            "the report of %s can't be made; it is tried again every %d minutes, and with SIGHUP",
            date_of(r->day, date), REPORTS_RETRY_S / 60);
    r->failing = true;
}

/* It has ended, and all that it said was read. */
static void settle(struct reports *r)
{
    char date[TIME_TEXT_MAX];

    if (!r->running || r->process_open || r->said_open)
        return;
    r->running = false;
    if (r->closing)
        return;
    if (r->exit_status != 0) {
        failed(r);
        return;
    }
    r->failing = false;
    r->done = r->day;
    if (r->order.folder)
        say(r, "the reports in %s go up to %s", r->order.folder, date_of(r->day, date));
}

static void on_process_closed(uv_handle_t *handle)
{
    struct reports *r = handle->data;

    r->process_open = false;
    settle(r);
}

static void on_ended(uv_process_t *process, int64_t status, int signal_number)
{
    struct reports *r = process->data;

    r->exit_status = signal_number ? signal_number : status;
    if (signal_number && !r->closing)
        say(r, "report: ended by signal %d", signal_number);
    if (!uv_is_closing((uv_handle_t *)process))
        uv_close((uv_handle_t *)process, on_process_closed);
}

static void add(char **argv, size_t *n, const char *option, const char *value)
{
    if (!value)
        return;
    ASSERT(*n + 2 < ARGUMENTS);
    argv[(*n)++] = (char *)option;
    argv[(*n)++] = (char *)value;
}

static void start(struct reports *r)
{
    const struct report_order *o = &r->order;
    char date[TIME_TEXT_MAX], *argv[ARGUMENTS] = {"scantide", "report", "--missing"};
    size_t n = 3;

    add(argv, &n, "--date", date_of(r->day, date));
    add(argv, &n, "--timezone", zone_name(o->zone));
    add(argv, &n, "--format", o->format);
    add(argv, &n, "--lang", o->language);
    add(argv, &n, "-o", o->folder);
    add(argv, &n, "--data", o->data);
    add(argv, &n, "--config", o->config);

    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&r->said}};
    const uv_process_options_t options = {.exit_cb = on_ended,
                                          .file = "/proc/self/exe",
                                          .args = argv,
                                          .stdio = stdio,
                                          .stdio_count = 3};
    ASSERT(uv_pipe_init(r->loop, &r->said, 0) == 0);
    r->said.data = r->process.data = r;
    r->running = r->said_open = r->process_open = true;
    r->line_n = r->lines = 0;
    r->started_ms = uv_now(r->loop);
    int rc = uv_spawn(r->loop, &r->process, &options);
    if (rc < 0) {
        say(r, "report: no process can be started (%s)", uv_strerror(rc));
        r->exit_status = 1;
        uv_close((uv_handle_t *)&r->process, on_process_closed);
        uv_close((uv_handle_t *)&r->said, on_said_closed);
        return;
    }
    setpriority(PRIO_PROCESS, (id_t)r->process.pid, NICE);
    ASSERT(uv_read_start((uv_stream_t *)&r->said, on_room, on_said) == 0);
}

/* ---- when ---- */

int64_t reports_due(const struct report_order *order, int64_t now)
{
    int64_t local = now + zone_offset(order->zone, now);
    int64_t day = local / DAY_S;

    return local % DAY_S >= order->at_s ? day - 1 : day - 2;
}

/* A folder on a machine that doesn't answer, say, would keep it forever. */
static void end_stuck(struct reports *r)
{
    if (!r->running || !r->process_open ||
        uv_now(r->loop) - r->started_ms < REPORTS_LONGEST_S * 1000)
        return;
    uv_process_kill(&r->process, SIGKILL);
    r->started_ms = uv_now(r->loop);
}

void reports_look(struct reports *r, int64_t now, int64_t ready)
{
    end_stuck(r);
    if (!r->order.folder || r->running || r->closing || uv_now(r->loop) < r->retry_ms)
        return;
    int64_t day = reports_due(&r->order, now);
    if (day <= r->done || ready < zone_to_utc(r->order.zone, (day + 1) * DAY_S, INT64_MIN))
        return;
    r->day = day;
    start(r);
}

struct reports *reports_new(uv_loop_t *loop, void (*say_line)(void *ctx, const char *text),
                            void *ctx)
{
    struct reports *r = xcalloc(1, sizeof *r);

    r->loop = loop;
    r->say = say_line;
    r->ctx = ctx;
    r->done = INT64_MIN;
    return r;
}

void reports_adopt(struct reports *r, const struct report_order *order)
{
    r->order = *order;
    r->done = INT64_MIN; /* whether anything is missing, the child finds out */
    r->retry_ms = 0;
    r->failing = false;
}

void reports_close(struct reports *r)
{
    r->closing = true;
    if (!r->running)
        return;
    if (r->process_open && !uv_is_closing((uv_handle_t *)&r->process)) {
        uv_process_kill(&r->process, SIGTERM);
        uv_close((uv_handle_t *)&r->process, on_process_closed);
    }
    if (r->said_open && !uv_is_closing((uv_handle_t *)&r->said))
        uv_close((uv_handle_t *)&r->said, on_said_closed);
}

void reports_free(struct reports *r)
{
    free(r);
}
