#include "input/tail_uv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

enum {
    REFUSED_MS = 10000, /* between two tries to open a path that may not be read */
    HINT_MS = 900       /* after a hint, no other */
};

struct open_file {
    unsigned file;
    int fd;
    char *name;
};

struct tail_uv {
    struct tail *tail;
    const char *path;
    const struct tail_uv_calls *calls;
    void *ctx;
    int64_t now_ms;
    int64_t refused_ms; /* until then the path isn't tried again */

    struct open_file *files;
    size_t n;

    uv_fs_event_t event; /* on the folder */
    int64_t hint_ms;     /* not before it */
    char *folder;
    const char *base; /* the path's last part */
};

struct tail_uv *tail_uv_new(uv_loop_t *loop, const char *path, const struct tail_uv_calls *calls,
                            void *ctx)
{
    struct tail_uv *tu = xcalloc(1, sizeof *tu);
    const char *slash = strrchr(path, '/');

    ASSERT(slash);
    *tu = (struct tail_uv){.tail = tail_new(), .path = path, .calls = calls, .ctx = ctx};
    tu->folder = slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
    tu->base = slash + 1;
    ASSERT(uv_fs_event_init(loop, &tu->event) == 0);
    tu->event.data = tu;
    return tu;
}

static struct open_file *find(struct tail_uv *tu, unsigned file)
{
    size_t i = 0;

    while (i < tu->n && tu->files[i].file != file)
        i++;
    ASSERT(i < tu->n);
    return &tu->files[i];
}

static void close_file(struct tail_uv *tu, struct open_file *f)
{
    close(f->fd);
    free(f->name);
    *f = tu->files[--tu->n];
}

static void on_closed(uv_handle_t *handle)
{
    struct tail_uv *tu = handle->data;

    tail_free(tu->tail);
    free(tu->files);
    free(tu->folder);
    free(tu);
}

void tail_uv_close(struct tail_uv *tu)
{
    while (tu->n > 0)
        close_file(tu, &tu->files[0]);
    uv_close((uv_handle_t *)&tu->event, on_closed);
}

/* ---- looking ---- */

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct tail_uv *tu = event->data;

    (void)events;
    if (status == 0 && name && strncmp(name, tu->base, strlen(tu->base)) != 0)
        return;
    uv_fs_event_stop(event);
    tu->hint_ms = tu->now_ms + HINT_MS;
    if (status == 0)
        tu->calls->hint(tu->ctx);
}

static struct tail_facts facts_from(const struct stat *st)
{
    return (struct tail_facts){
        .dev = st->st_dev,
        .ino = st->st_ino,
        .size = (uint64_t)st->st_size,
        .links = st->st_nlink,
        .mtime_ns = st->st_mtim.tv_sec * 1000000000LL + st->st_mtim.tv_nsec,
    };
}

/* The path before the files: what is written to a file before it is renamed away is seen. */
void tail_uv_look(struct tail_uv *tu, int64_t now_ms)
{
    struct stat st;
    struct tail_facts facts;

    tu->now_ms = now_ms;
    if (now_ms >= tu->hint_ms && !uv_is_active((const uv_handle_t *)&tu->event))
        uv_fs_event_start(&tu->event, on_event, tu->folder, 0); /* a hint: failing is no matter */
    tail_tick(tu->tail, now_ms);
    bool there = now_ms >= tu->refused_ms && stat(tu->path, &st) == 0 && S_ISREG(st.st_mode);
    if (there)
        facts = facts_from(&st);
    tail_saw_path(tu->tail, there ? &facts : NULL);
    for (size_t i = 0; i < tu->n; i++) {
        if (fstat(tu->files[i].fd, &st) < 0)
            continue;
        facts = facts_from(&st);
        tail_saw(tu->tail, tu->files[i].file, &facts);
    }
}

/* ---- doing ---- */

/* The descriptor of a regular file, or a negative errno. */
static int open_regular(const char *name, struct stat *st)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return -errno;
    int rc = fstat(fd, st) < 0 ? -errno : S_ISREG(st->st_mode) ? 0 : -EINVAL;
    if (rc < 0)
        close(fd);
    return rc < 0 ? rc : fd;
}

static void open_name(struct tail_uv *tu, unsigned older)
{
    char *name = older ? xasprintf("%s.%u", tu->path, older) : xstrdup(tu->path);
    struct stat st;
    struct tail_facts facts;
    int fd = open_regular(name, &st);

    if (fd >= 0)
        facts = facts_from(&st);
    else if (fd != -ENOENT && older == 0) {
        tu->refused_ms = tu->now_ms + REFUSED_MS;
        tu->calls->failed(tu->ctx, name, fd);
    }
    unsigned file = tail_opened(tu->tail, fd >= 0 ? &facts : NULL);
    if (file == 0) {
        if (fd >= 0)
            close(fd);
        free(name);
        return;
    }
    tu->files = xrealloc(tu->files, tu->n + 1, sizeof *tu->files);
    tu->files[tu->n++] = (struct open_file){file, fd, name};
    tu->calls->opened(tu->ctx, file, fd, name, facts.size);
}

static void read_turn(struct tail_uv *tu, const struct tail_todo *todo, char *buffer)
{
    const struct open_file *f = find(tu, todo->file);
    struct tail_lines lines;
    size_t n = 0;
    int rc = 0;

    while (n < todo->bytes) {
        ssize_t got = pread(f->fd, buffer + n, todo->bytes - n, (off_t)(todo->offset + n));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            rc = -errno;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    if (rc < 0)
        tu->calls->failed(tu->ctx, f->name, rc);
    tail_took(tu->tail, todo->file, buffer, n, rc < 0, &lines);
    if (lines.lines.n > 0 || lines.cut > 0)
        tu->calls->lines(tu->ctx, todo->file, &lines, tail_offset(tu->tail, todo->file),
                         tail_head(tu->tail, todo->file), tail_tail(tu->tail, todo->file));
}

bool tail_uv_turn(struct tail_uv *tu, char *buffer)
{
    for (;;) {
        struct tail_todo todo = tail_next(tu->tail);
        switch (todo.kind) {
        case TAIL_REST: return false;
        case TAIL_READ:
            if (buffer)
                read_turn(tu, &todo, buffer);
            return true;
        case TAIL_OPEN: open_name(tu, todo.older); break;
        case TAIL_ASK: tu->calls->ask(tu->ctx, todo.file); break;
        case TAIL_END:
            tu->calls->ended(tu->ctx, todo.file, todo.end, todo.unread);
            close_file(tu, find(tu, todo.file));
            break;
        }
    }
}

void tail_uv_told(struct tail_uv *tu, unsigned file, enum tail_answer answer, uint64_t offset,
                  struct str head, struct str tail)
{
    tail_told(tu->tail, file, answer, offset, head, tail);
}

const struct tail *tail_uv_state(const struct tail_uv *tu)
{
    return tu->tail;
}
