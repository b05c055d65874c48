#include "input/tail_uv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "input/packed.h"
#include "input/rotated.h"

enum {
    REFUSED_MS = 10000,  /* between two tries to open a path that may not be read */
    HINT_MS = 900,       /* after a hint, no other */
    SCANS_MAX = 5,       /* of a folder, until two in turn are the same */
    SKIP_BYTES = 1 << 20 /* of a packed file, passed over in one turn */
};

struct open_file {
    unsigned file;
    int fd;
    char *name;
    bool is_packed;
    struct packed *packed; /* NULL: not read yet */
    bool broken;
    char *kept; /* what was unpacked last, for the next read begins with some of it */
    size_t kept_n;
    uint64_t unpacked; /* bytes, up to the end of `kept` */
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
    bool no_events;

    /* The log's rotated forms, the newest first, as they were at the last look. */
    struct rotated *older;
    size_t older_n;
    char *rotated; /* the folder in which they are; NULL: the log's */
    char *real;    /* where the path leads to, if it is a symbolic link: there it is rotated */
};

struct tail_uv *tail_uv_new(uv_loop_t *loop, const char *path, const char *rotated,
                            const struct tail_uv_calls *calls, void *ctx)
{
    struct tail_uv *tu = xcalloc(1, sizeof *tu);
    const char *slash = strrchr(path, '/');

    ASSERT(slash);
    *tu = (struct tail_uv){.tail = tail_new(), .path = path, .calls = calls, .ctx = ctx};
    tu->folder = slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
    tu->base = slash + 1;
    tu->rotated = rotated ? xstrdup(rotated) : NULL;
    const char *events = getenv("SCANTIDE_EVENTS");
    tu->no_events = events && strcmp(events, "off") == 0;
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
    packed_close(f->packed);
    close(f->fd);
    free(f->name);
    free(f->kept);
    *f = tu->files[--tu->n];
}

static void forget_older(struct rotated *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(list[i].path);
    free(list);
}

static void on_closed(uv_handle_t *handle)
{
    struct tail_uv *tu = handle->data;

    forget_older(tu->older, tu->older_n);
    free(tu->real);
    free(tu->rotated);

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

static void see_files(struct tail_uv *tu)
{
    struct stat st;

    for (size_t i = 0; i < tu->n; i++) {
        if (tu->files[i].is_packed || fstat(tu->files[i].fd, &st) < 0)
            continue;
        struct tail_facts facts = facts_from(&st);
        tail_saw(tu->tail, tu->files[i].file, &facts);
    }
}

/* The path before the files: what is written to a file before it is renamed away is seen. */
void tail_uv_look(struct tail_uv *tu, int64_t now_ms)
{
    struct stat st;
    struct tail_facts facts;

    tu->now_ms = now_ms;
    if (!tu->no_events && now_ms >= tu->hint_ms && !uv_is_active((const uv_handle_t *)&tu->event))
        uv_fs_event_start(&tu->event, on_event, tu->folder, 0); /* a hint: failing is no matter */
    tail_tick(tu->tail, now_ms);
    bool there = now_ms >= tu->refused_ms && stat(tu->path, &st) == 0 && S_ISREG(st.st_mode);
    if (there)
        facts = facts_from(&st);
    tail_saw_path(tu->tail, there ? &facts : NULL);
    see_files(tu);
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

static bool is_packed_form(const char *packed, const char *plain)
{
    size_t n = strlen(plain);
    return rotated_is_packed(packed) && strncmp(packed, plain, n) == 0 && packed[n] == '.' &&
           !strchr(packed + n + 1, '.');
}

/* A packed file whose plain one is there, too, is being made of it, or was. */
static void drop_twice(const char *path, struct rotated *list, size_t *n)
{
    bool *twice = xcalloc(*n + 1, sizeof *twice), live = access(path, F_OK) == 0;
    size_t kept = 0;

    for (size_t i = 0; i < *n; i++) {
        twice[i] = live && is_packed_form(list[i].path, path);
        for (size_t k = 0; k < *n && !twice[i]; k++)
            twice[i] = is_packed_form(list[i].path, list[k].path);
    }
    for (size_t i = 0; i < *n; i++)
        if (twice[i])
            free(list[i].path);
        else
            list[kept++] = list[i];
    *n = kept;
    free(twice);
}

/* The rotated forms of a log in its folder; the list is the caller's. */
static struct rotated *scan_once(const char *path, size_t *n)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash, '.');
    size_t stem = dot ? (size_t)(dot - slash) - 1 : strlen(slash + 1);
    char *folder = xstrndup(path, (size_t)(slash - path) + 1);
    struct rotated *list = NULL;
    const struct dirent *entry;
    DIR *dir = opendir(folder);
    struct stat st;

    *n = 0;
    while (dir && (entry = readdir(dir))) {
        if (strncmp(entry->d_name, slash + 1, stem) != 0) /* by far the most of a large folder */
            continue;
        char *name = xasprintf("%s%s", folder, entry->d_name);
        if (!rotated_is_of(path, name) || stat(name, &st) < 0 || !S_ISREG(st.st_mode)) {
            free(name);
            continue;
        }
        list = xrealloc(list, *n + 1, sizeof *list);
        list[(*n)++] = (struct rotated){.path = name, .mtime_ns = facts_from(&st).mtime_ns};
    }
    if (dir)
        closedir(dir);
    free(folder);
    drop_twice(path, list, n);
    rotated_sort(path, list, *n);
    return list;
}

static bool same_list(const struct rotated *a, size_t a_n, const struct rotated *b, size_t b_n)
{
    if (a_n != b_n)
        return false;
    for (size_t i = 0; i < a_n; i++)
        if (strcmp(a[i].path, b[i].path) != 0 || a[i].mtime_ns != b[i].mtime_ns)
            return false;
    return true;
}

/* Until nothing changes from one look to the next: a folder that is read while its files are
 * renamed may show one of them twice, or not at all. */
static void scan_older(struct tail_uv *tu)
{
    char *real = realpath(tu->path, NULL);

    if (real) {
        free(tu->real);
        tu->real = real;
    }
    const char *path = tu->real ? tu->real : tu->path;
    char *moved = tu->rotated ? xasprintf("%s%s", tu->rotated, strrchr(path, '/')) : NULL;

    for (int i = 0; i < SCANS_MAX; i++) {
        size_t n;
        struct rotated *list = scan_once(moved ? moved : path, &n);
        bool same = i > 0 && same_list(list, n, tu->older, tu->older_n);
        forget_older(tu->older, tu->older_n);
        tu->older = list;
        tu->older_n = n;
        if (same)
            break;
    }
    free(moved);
}

/* The name of the file that is asked for, opened, or NULL: there are fewer. */
static char *open_older(struct tail_uv *tu, unsigned older, int *fd, struct stat *st)
{
    for (int i = 0;; i++) {
        scan_older(tu);
        if (older > tu->older_n)
            return NULL;
        const char *name = tu->older[older - 1].path;
        *fd = open_regular(name, st);
        if (*fd != -ENOENT || i == SCANS_MAX) /* else it was renamed just now */
            return xstrdup(name);
    }
}

static void open_name(struct tail_uv *tu, unsigned older)
{
    struct stat st;
    struct tail_facts facts;
    int fd;
    char *name = older ? open_older(tu, older, &fd, &st) : xstrdup(tu->path);

    if (!name) {
        tail_no_more(tu->tail);
        return;
    }
    if (older == 0)
        fd = open_regular(name, &st);
    if (fd >= 0) {
        facts = facts_from(&st);
        facts.packed = older > 0 && packed_is(fd);
        if (facts.packed) {
            facts.size = TAIL_SIZE_UNKNOWN;
            see_files(tu); /* what it was packed of has lost its name since the last look */
        }
    } else if (fd != -ENOENT) {
        if (older == 0)
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
    tu->files[tu->n++] =
        (struct open_file){.file = file, .fd = fd, .name = name, .is_packed = facts.packed};
    tu->calls->opened(tu->ctx, file, fd, name, facts.size);
}

/* ---- reading ---- */

/* The bytes of a plain file: how many, or a negative errno. */
static ssize_t read_plain(const struct open_file *f, const struct tail_todo *todo, char *buffer)
{
    size_t n = 0;

    while (n < todo->bytes) {
        ssize_t got = pread(f->fd, buffer + n, todo->bytes - n, (off_t)(todo->offset + n));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

static bool begin_unpacking(struct open_file *f)
{
    struct packed_member member;

    f->packed = packed_open(f->fd);
    f->kept = xmalloc(TAIL_READ_BYTES);
    int rc = packed_next(f->packed, &member);
    return rc == 0 || (rc > 0 && member.name[0] == 0); /* an archive is no log */
}

/* Unpacks up to `n` bytes behind those that are kept, of which there is room for so many. */
static void unpack(struct open_file *f, size_t n)
{
    ssize_t got = 1;

    while (n > 0 && got > 0 && !f->broken) {
        got = packed_read(f->packed, f->kept + f->kept_n, n);
        f->broken = got < 0;
        if (got > 0) {
            f->kept_n += (size_t)got;
            f->unpacked += (uint64_t)got;
            n -= (size_t)got;
        }
    }
}

static void drop_kept(struct open_file *f, size_t n)
{
    memmove(f->kept, f->kept + n, f->kept_n - n);
    f->kept_n -= n;
}

/* As read_plain; -EAGAIN: the turn ended on the way to the offset. What is broken is told. */
static ssize_t read_packed(struct tail_uv *tu, struct open_file *f, const struct tail_todo *todo,
                           char *buffer)
{
    if (!f->packed)
        f->broken = !begin_unpacking(f);
    for (size_t skipped = 0; f->unpacked < todo->offset && !f->broken;) {
        uint64_t before = f->unpacked, left = todo->offset - f->unpacked;
        if (skipped >= SKIP_BYTES)
            return -EAGAIN;
        f->kept_n = 0;
        unpack(f, left < TAIL_READ_BYTES ? (size_t)left : TAIL_READ_BYTES);
        skipped += (size_t)(f->unpacked - before);
        f->broken |= f->unpacked == before; /* it ends before: not what was asked about */
    }
    if (f->unpacked >= todo->offset) {
        uint64_t kept_from = f->unpacked - f->kept_n;
        ASSERT(todo->offset >= kept_from);
        drop_kept(f, (size_t)(todo->offset - kept_from));
        if (f->kept_n < todo->bytes)
            unpack(f, todo->bytes - f->kept_n);
    } else {
        f->kept_n = 0;
    }
    size_t n = f->kept_n < todo->bytes ? f->kept_n : todo->bytes;
    memcpy(buffer, f->kept, n);
    if (f->broken && n < todo->bytes)
        tail_broken(tu->tail, f->file);
    return (ssize_t)n;
}

static void read_turn(struct tail_uv *tu, const struct tail_todo *todo, char *buffer)
{
    struct open_file *f = find(tu, todo->file);
    struct tail_lines lines;
    ssize_t n = f->is_packed ? read_packed(tu, f, todo, buffer) : read_plain(f, todo, buffer);

    if (n == -EAGAIN)
        return;
    if (n < 0)
        tu->calls->failed(tu->ctx, f->name, (int)n);
    tail_took(tu->tail, todo->file, buffer, n < 0 ? 0 : (size_t)n, n < 0, &lines);
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
                  struct str head, struct str tail, int64_t since_ns)
{
    tail_told(tu->tail, file, answer, offset, head, tail, since_ns);
}

const struct tail *tail_uv_state(const struct tail_uv *tu)
{
    return tu->tail;
}
