#include "pipeline/control_uv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/socket.h"

enum { BACKLOG = 16, TOLD_MAX = 16 /* that are told at once; each holds its text */ };

struct told;

struct control {
    uv_pipe_t pipe;
    char *path;
    int folder; /* that the path goes through; -1: none */
    char *(*text)(void *ctx);
    void *ctx;
    struct told *told[TOLD_MAX]; /* the oldest first */
    size_t n;
};

/* One connection. */
struct told {
    uv_pipe_t pipe;
    uv_write_t write;
    struct control *control;
    char *text;
};

static void on_told_closed(uv_handle_t *handle)
{
    struct told *t = handle->data;

    free(t->text);
    free(t);
}

/* It was told all, has gone, or doesn't read while others wait or the daemon ends. */
static void leave(struct control *c, size_t i)
{
    uv_close((uv_handle_t *)&c->told[i]->pipe, on_told_closed);
    c->n--;
    memmove(&c->told[i], &c->told[i + 1], (c->n - i) * sizeof(struct told *));
}

static void on_written(uv_write_t *write, int status)
{
    struct told *t = write->data;
    struct control *c = t->control;

    if (status == UV_ECANCELED) /* it was left */
        return;
    for (size_t i = 0; i < c->n; i++)
        if (c->told[i] == t) {
            leave(c, i);
            return;
        }
}

static void on_connection(uv_stream_t *server, int status)
{
    struct control *c = server->data;
    struct told *t;

    if (status < 0)
        return;
    t = xcalloc(1, sizeof *t);
    ASSERT(uv_pipe_init(server->loop, &t->pipe, 0) == 0);
    t->pipe.data = t->write.data = t;
    if (uv_accept(server, (uv_stream_t *)&t->pipe) < 0) {
        uv_close((uv_handle_t *)&t->pipe, on_told_closed);
        return;
    }
    if (c->n == TOLD_MAX)
        leave(c, 0);
    t->control = c;
    c->told[c->n++] = t;
    t->text = c->text(c->ctx);
    uv_buf_t buf = uv_buf_init(t->text, (unsigned)strlen(t->text));
    if (uv_write(&t->write, (uv_stream_t *)&t->pipe, &buf, 1, on_written) < 0)
        leave(c, c->n - 1);
}

struct control *control_open(uv_loop_t *loop, const char *folder, char *(*text)(void *ctx),
                             void *ctx, struct error *err)
{
    struct control *c = xcalloc(1, sizeof *c);

    *c = (struct control){.text = text, .ctx = ctx};
    c->path = socket_path(folder, CONTROL_SOCKET, &c->folder);
    ASSERT(uv_pipe_init(loop, &c->pipe, 0) == 0);
    c->pipe.data = c;
    if (c->path)
        unlink(c->path);
    int rc = c->path ? uv_pipe_bind(&c->pipe, c->path) : UV_ENOENT;
    if (rc == 0 && chmod(c->path, 0660) < 0)
        rc = UV_EPERM;
    if (rc == 0)
        rc = uv_listen((uv_stream_t *)&c->pipe, BACKLOG, on_connection);
    if (rc < 0) {
        error_add(err, folder, 0, 0,
                  "the socket %s can't be made there (%s); 'scantide status' will have the facts "
                  "only",
                  CONTROL_SOCKET, uv_strerror(rc));
        control_close(c);
        return NULL;
    }
    return c;
}

static void on_closed(uv_handle_t *handle)
{
    struct control *c = handle->data;

    if (c->folder >= 0)
        close(c->folder);
    free(c->path);
    free(c);
}

/* libuv unlinks the path that it bound. */
void control_close(struct control *c)
{
    if (!c)
        return;
    while (c->n > 0)
        leave(c, c->n - 1);
    uv_close((uv_handle_t *)&c->pipe, on_closed);
}
