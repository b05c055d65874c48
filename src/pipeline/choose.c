#include "pipeline/choose.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/access.h"
#include "base/check.h"
#include "input/blocks.h"
#include "input/packed.h"
#include "parse/reader.h"

enum { LOOK_BLOCKS = 8 }; /* at most, for a line that a parser knows */

struct choosing {
    struct choices *out;
    const struct import_options *options;
    struct matcher *matcher;
    struct block block;
    choices_pass_cb pass;
    void *ctx;
    struct error *err;
    int rc;
};

/* What was seen of a log. */
struct sight {
    bool known;   /* a parser knows a line */
    bool stamped; /* a line has a time */
    bool empty, damaged;
    int64_t when;
};

static void add(struct choosing *c, const char *path, const char *member, unsigned number,
                int64_t when, const struct stat *st)
{
    struct choices *out = c->out;

    for (size_t i = 0; st && i < out->n; i++)
        if (out->items[i].dev == st->st_dev && out->items[i].ino == st->st_ino &&
            out->items[i].member == number)
            return;
    out->items = xrealloc(out->items, out->n + 1, sizeof *out->items);
    out->items[out->n++] =
        (struct choice){.path = xstrdup(path),
                        .name = number ? xasprintf("%s: %s", path, member) : xstrdup(path),
                        .member = number,
                        .when = when,
                        .dev = st ? st->st_dev : 0,
                        .ino = st ? st->st_ino : 0};
}

static void pass_over(struct choosing *c, const char *path, const char *member, const char *why)
{
    char *name = member ? xasprintf("%s: %s", path, member) : xstrdup(path);

    c->pass(c->ctx, name, why);
    free(name);
}

/* ---- looking at a log ---- */

static void look_at_lines(struct choosing *c, struct reader *r, struct sight *s)
{
    struct str lines = c->block.lines;

    while (lines.n > 0 && !(s->known && s->stamped)) {
        const char *newline = memchr(lines.p, '\n', lines.n);
        size_t n = newline ? (size_t)(newline - lines.p) : lines.n;
        struct event e;
        enum outcome o = reader_line(r, (struct str){lines.p, n}, &e);
        s->known |= o == OUTCOME_EVENT || o == OUTCOME_IGNORED;
        if (!s->stamped && r->clock.settled) {
            s->stamped = true;
            s->when = e.when;
        }
        lines = str_skip(lines, n + (newline != NULL));
    }
}

/* `named`: the log is chosen in any case, so only its time is looked for. */
static struct sight look(struct choosing *c, blocks_read_cb read, void *ctx, int64_t file_time,
                         bool named)
{
    struct blocks *blocks = blocks_new(read, ctx, 0, true, true);
    struct clock_rule rule = {c->options->zone, file_time, c->options->year};
    struct sight s = {.known = named, .empty = true, .when = file_time};
    struct reader reader;
    int rc = 1;

    reader_init(&reader, c->matcher, &rule, INT64_MIN);
    for (int i = 0; i < (named ? 1 : LOOK_BLOCKS) && !(s.known && s.stamped); i++) {
        rc = blocks_next(blocks, &c->block);
        if (rc <= 0)
            break;
        s.empty = false;
        look_at_lines(c, &reader, &s);
    }
    s.damaged = rc < 0;
    blocks_free(blocks);
    return s;
}

static const char *why_not(const struct sight *s)
{
    return s->damaged ? "it can't be read to a line that a parser knows"
           : s->empty ? "it is empty"
                      : "no parser knows a line at its beginning";
}

/* ---- files, and what is in them ---- */

static ssize_t read_packed(void *ctx, char *buffer, size_t n)
{
    return packed_read(ctx, buffer, n);
}

static void choose_packed(struct choosing *c, const char *path, int fd, const struct stat *st,
                          bool named)
{
    struct packed *p = packed_open(fd);
    struct packed_member m = {0};
    int rc;

    while ((rc = packed_next(p, &m)) > 0) {
        bool is_file = m.name[0] == 0;
        int64_t time = m.mtime > 0 ? m.mtime : st->st_mtime;
        char *name = xstrdup(m.name);
        struct sight s = look(c, read_packed, p, time, named && is_file);
        if (s.known)
            add(c, path, name, is_file ? 0 : m.number, s.when, st);
        else
            pass_over(c, path, is_file ? NULL : name, why_not(&s));
        free(name);
    }
    if (rc < 0 && m.number > 0) {
        error_add(c->err, path, 0, 0,
                  "this archive is damaged after its member %u (%s): those before are taken in",
                  m.number, packed_fault(p));
        c->rc = -EBADMSG;
    } else if (named && m.number == 0) { /* its import says why */
        add(c, path, "", 0, st->st_mtime, st);
    } else if (rc < 0) {
        pass_over(c, path, NULL, packed_fault(p));
    }
    packed_close(p);
}

static void choose_regular(struct choosing *c, const char *path, int fd, const struct stat *st,
                           bool named)
{
    if (packed_is(fd)) {
        choose_packed(c, path, fd, st, named);
        return;
    }
    struct sight s = look(c, blocks_read_fd, &fd, st->st_mtime, named);
    if (s.known)
        add(c, path, "", 0, s.when, st);
    else
        pass_over(c, path, NULL, why_not(&s));
}

/* A pipe is opened by its import only. */
static void choose_file(struct choosing *c, const char *path, bool named)
{
    struct stat st;
    bool regular = stat(path, &st) == 0 && S_ISREG(st.st_mode);
    int fd = regular ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd >= 0 && fstat(fd, &st) == 0)
        choose_regular(c, path, fd, &st, named);
    else if (named)
        add(c, path, "", 0, c->options->now, NULL);
    else
        pass_over(c, path, NULL, regular ? strerror(errno) : "it is no regular file");
    if (fd >= 0)
        close(fd);
}

/* ---- arguments ---- */

static int no_dots(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static void choose_folder(struct choosing *c, const char *path)
{
    struct dirent **list;
    size_t before = c->out->n;
    int n = scandir(path, &list, no_dots, versionsort);

    if (n < 0) {
        c->rc = -errno;
        access_fault(path, ACCESS_READ, c->rc, c->err);
        return;
    }
    for (int i = 0; i < n; i++) {
        bool slash = path[0] && path[strlen(path) - 1] == '/';
        char *name = xasprintf("%s%s%s", path, slash ? "" : "/", list[i]->d_name);
        choose_file(c, name, false);
        free(name);
        free(list[i]);
    }
    free(list);
    if (c->out->n == before) {
        error_add(c->err, path, 0, 0, "this is a folder, and no parser knows a file in it");
        c->rc = -ENOENT;
    }
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void choose_pattern(struct choosing *c, const char *pattern)
{
    glob_t found;
    int rc = glob(pattern, 0, NULL, &found);

    if (rc != 0) {
        error_add(c->err, pattern, 0, 0, "there is no file of such a name");
        c->rc = -ENOENT;
        return;
    }
    for (size_t i = 0; i < found.gl_pathc; i++)
        choose_file(c, found.gl_pathv[i], !is_folder(found.gl_pathv[i]));
    globfree(&found);
}

/* A file may have such letters in its name, too. */
static bool is_pattern(const char *argument)
{
    return strpbrk(argument, "*?[") && access(argument, F_OK) < 0;
}

static int by_age(const void *a, const void *b)
{
    const struct choice *x = a, *y = b;

    if (x->when != y->when)
        return x->when < y->when ? -1 : 1;
    return strverscmp(y->name, x->name); /* log.2 before log.1 */
}

int choices_make(struct choices *out, const struct import_options *o, char *const *arguments,
                 size_t n, choices_pass_cb pass, void *ctx, struct error *err)
{
    struct choosing c = {.out = out, .options = o, .pass = pass, .ctx = ctx, .err = err};

    c.matcher = matcher_new(o->parsers);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(arguments[i], "-") == 0)
            add(&c, arguments[i], "", 0, INT64_MAX, NULL);
        else if (is_pattern(arguments[i]))
            choose_pattern(&c, arguments[i]);
        else if (is_folder(arguments[i]))
            choose_folder(&c, arguments[i]);
        else
            choose_file(&c, arguments[i], true);
    }
    matcher_free(c.matcher);
    block_fini(&c.block);
    if (out->n > 1)
        qsort(out->items, out->n, sizeof *out->items, by_age);
    return c.rc;
}

void choices_fini(struct choices *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->items[i].path);
        free(c->items[i].name);
    }
    free(c->items);
    *c = (struct choices){0};
}
