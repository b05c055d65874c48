#include "series/cached.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"

enum {
    LINE_MAX_BYTES = 4000, /* RRD_CMD_MAX is 4096 */
    ANSWER_S = 60          /* a flush waits for the disk */
};

struct cached {
    char *socket;
    int fd; /* -1: not connected */
    struct buf out;
    size_t *tags; /* of the batch's lines */
    size_t n, cap;
    char in[4096];
    size_t in_n, in_at;
};

struct cached *cached_new(const char *socket)
{
    struct cached *c = xcalloc(1, sizeof *c);

    c->socket = xstrdup(socket);
    c->fd = -1;
    return c;
}

static void disconnect(struct cached *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->in_n = c->in_at = 0;
}

void cached_free(struct cached *c)
{
    if (!c)
        return;
    disconnect(c);
    buf_fini(&c->out);
    free(c->tags);
    free(c->socket);
    free(c);
}

/* ---- lines ---- */

static int lost(struct cached *c, int rc)
{
    disconnect(c);
    return rc;
}

static int send_all(struct cached *c, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = send(c->fd, p, n, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return lost(c, errno == EAGAIN ? -ETIMEDOUT : -errno);
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

/* A line without its end; what is longer than `out` is cut. */
static int read_line(struct cached *c, char *out, size_t max)
{
    size_t n = 0;

    for (;;) {
        if (c->in_at == c->in_n) {
            ssize_t got = recv(c->fd, c->in, sizeof c->in, 0);
            if (got < 0 && errno == EINTR)
                continue;
            if (got <= 0)
                return lost(c, got == 0 ? -ECONNRESET : errno == EAGAIN ? -ETIMEDOUT : -errno);
            c->in_n = (size_t)got;
            c->in_at = 0;
        }
        char ch = c->in[c->in_at++];
        if (ch == '\n')
            break;
        if (n + 1 < max)
            out[n++] = ch;
    }
    out[n] = 0;
    return 0;
}

/* The number that an answer begins with: of the lines that follow it, or negative for an error. */
static int read_status(struct cached *c, long *status, char *line, size_t max)
{
    char *end;
    int rc = read_line(c, line, max);

    if (rc < 0)
        return rc;
    *status = strtol(line, &end, 10);
    return end == line ? lost(c, -EPROTO) : 0;
}

/* A blank or a backslash would end the word. */
static void put_path(struct buf *b, const char *path)
{
    for (; *path; path++) {
        if (*path == ' ' || *path == '\\')
            buf_put(b, "\\", 1);
        buf_put(b, path, 1);
    }
}

/* ---- the connection ---- */

int cached_connect(struct cached *c, bool *fresh, char **fault)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = ANSWER_S};
    char peek;

    *fresh = false;
    /* One that has ended meanwhile has closed its side. */
    if (c->fd >= 0 && recv(c->fd, &peek, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN)
        return 0;
    disconnect(c);
    int rc = strlen(c->socket) < sizeof address.sun_path ? 0 : -ENAMETOOLONG;
    if (rc == 0) {
        strcpy(address.sun_path, c->socket);
        c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0)
            rc = -errno;
    }
    if (rc < 0) {
        *fault = xasprintf("rrdcached can't be reached (%s): start it with `rrdcached -l unix:%s`, "
                           "or take 'rrdcached:' out of the configuration",
                           strerror(-rc), c->socket);
        return lost(c, rc);
    }
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    *fresh = true;
    return 0;
}

long cached_peer(const struct cached *c)
{
    struct ucred who = {0};
    socklen_t n = sizeof who;

    return c->fd >= 0 && getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 ? who.pid : 0;
}

/* ---- batches ---- */

void cached_begin(struct cached *c)
{
    c->out.n = 0;
    c->n = 0;
    buf_put(&c->out, "BATCH\n", 6);
}

static void begin_line(struct cached *c, const char *path, size_t tag)
{
    if (c->n == c->cap) {
        c->cap = c->cap * 2 + 64;
        c->tags = xrealloc(c->tags, c->cap, sizeof *c->tags);
    }
    c->tags[c->n++] = tag;
    buf_put(&c->out, "UPDATE ", 7);
    put_path(&c->out, path);
}

void cached_put(struct cached *c, const char *path, const struct rows *rows, size_t tag)
{
    size_t begin = c->out.n;

    for (size_t i = 0; i < rows->n; i++) {
        size_t n = strlen(rows->args[i]);
        if (i > 0 && c->out.n - begin + n + 2 > LINE_MAX_BYTES)
            buf_put(&c->out, "\n", 1);
        if (i == 0 || c->out.p[c->out.n - 1] == '\n') {
            begin = c->out.n;
            begin_line(c, path, tag);
        }
        buf_put(&c->out, " ", 1);
        buf_put(&c->out, rows->args[i], n);
    }
    if (rows->n > 0)
        buf_put(&c->out, "\n", 1);
}

int cached_end(struct cached *c, void (*refused)(void *ctx, size_t tag, const char *why), void *ctx)
{
    char line[512];
    long status = 0;

    if (c->n == 0)
        return 0;
    if (c->fd < 0)
        return -ENOTCONN;
    /* The answer to BATCH may be read after the commands were sent: nothing else comes before
     * their end. */
    buf_put(&c->out, ".\n", 2);
    int rc = send_all(c, (const char *)c->out.p, c->out.n);
    if (rc == 0)
        rc = read_status(c, &status, line, sizeof line);
    if (rc == 0 && status < 0)
        rc = lost(c, -EPROTO);
    if (rc == 0)
        rc = read_status(c, &status, line, sizeof line);
    for (long i = 0; rc == 0 && i < status; i++) {
        char *why;
        if ((rc = read_line(c, line, sizeof line)) < 0)
            break;
        unsigned long number = strtoul(line, &why, 10);
        if (number < 1 || number > c->n)
            rc = lost(c, -EPROTO);
        else
            refused(ctx, c->tags[number - 1], why + strspn(why, " "));
    }
    return rc;
}

/* ---- one file ---- */

static int command(struct cached *c, const char *verb, const char *path)
{
    char line[512];
    long status = 0;

    if (c->fd < 0)
        return -ENOTCONN;
    c->out.n = 0;
    buf_put(&c->out, verb, strlen(verb));
    put_path(&c->out, path);
    buf_put(&c->out, "\n", 1);
    int rc = send_all(c, (const char *)c->out.p, c->out.n);
    if (rc == 0)
        rc = read_status(c, &status, line, sizeof line);
    if (rc < 0)
        return rc;
    /* Lines that follow a success; none is expected. */
    for (long i = 0; i < status; i++)
        if ((rc = read_line(c, line, sizeof line)) < 0)
            return rc;
    return status >= 0 || strstr(line, "No such file") ? 0 : -EIO;
}

int cached_flush(struct cached *c, const char *path)
{
    return command(c, "FLUSH ", path);
}

int cached_forget(struct cached *c, const char *path)
{
    return command(c, "FORGET ", path);
}
