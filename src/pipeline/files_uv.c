#include "pipeline/files_uv.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fault.h"
#include "input/rotated.h"
#include "input/tail_uv.h"
#include "pipeline/follow.h"

enum {
    SCAN_MS = 5000,        /* between two looks for what patterns mean, and for twins */
    LOGS_MAX = 4096,       /* that are followed; each takes descriptors and memory */
    EXPAND_BYTES = 8 << 20 /* to catch up: worth the flat table of countries */
};

struct files;

/* What of a log may be unread: known when the next file begins, for a copy would be read before. */
struct missed {
    bool any, former; /* former: before the start */
    uint64_t bytes;
    int64_t from;
    int64_t last_when; /* of a former one: when its last line was written */
    uint64_t offset;   /* else where it had been read to, and what identifies it there */
    struct content content;
};

/* A path on the loop. */
struct log {
    struct files *files;
    char *path, *sensor;
    const struct config_input *input;
    struct follow_log log;
    struct tail_uv *tail;
    bool from_pattern;
    bool was_there;     /* at the start, and its first file hasn't been told of yet */
    bool from_end;      /* the file that was told of last is read from its end */
    bool twin;          /* another log's path names the same file: this one rests */
    bool leaves;        /* the configuration has it no more */
    bool gone;          /* it came from a pattern, and there is no such path any more */
    int failed;         /* the last fault of opening or reading, said already */
    struct counts said; /* log.counts when what was lost was told */
    bool strange_said, short_said;
    bool catching_up;
    uint64_t truncations, unread;
    uint64_t damaged;        /* rotated files that can't be unpacked to their end */
    int64_t looked;          /* when it was looked at, before the last time */
    bool judged;             /* a file of it was, since the start */
    struct missed loss;      /* if no copy is found */
    struct unread truncated; /* not yet told */
};

struct files {
    struct feed feed;
    const struct config_input *inputs;
    size_t input_count;
    struct log **logs; /* in the order of the inputs, and of names within a pattern's */
    size_t n;
    struct log **sorted; /* by path, those that stay */
    size_t sorted_n;
    int64_t scan_ms; /* of the last; 0: none yet */
    bool started;    /* the first look is over: what comes now is new */
    bool many_said;
    struct feed_totals left; /* of logs that are no longer followed */
};

static struct files *files_of(const struct feed *f)
{
    return (struct files *)f;
}

/* ---- what its tail tells ---- */

static void on_opened(void *ctx, unsigned file, int fd, const char *name, uint64_t size)
{
    struct log *log = ctx;

    log->failed = 0;
    followed_new(&log->log, file, fd, name)->is_packed = size == TAIL_SIZE_UNKNOWN;
}

static void on_ask(void *ctx, unsigned file)
{
    struct log *log = ctx;

    followed_find(&log->log, file)->asks = true;
}

/* No copy of it was found. */
static void give_up(struct log *log)
{
    const struct feed_host *host = log->files->feed.host;
    struct missed *loss = &log->loss;

    if (!loss->any)
        return;
    unread_add(&log->truncated, loss->bytes, loss->from < host->now ? loss->from : host->now,
               host->now);
    host->say(host,
              loss->former ? "%s: what was read of it before is gone, and no copy of it is beside "
                             "it: a gap is noted, at least %" PRIu64 " bytes"
                           : "%s: no copy of it from before the truncation is beside it: a gap is "
                             "noted, at least %" PRIu64 " bytes",
              log->path, loss->bytes);
    loss->any = false;
}

static void note_truncated(struct log *log, const struct followed *f, uint64_t unread)
{
    give_up(log);
    log->loss = (struct missed){.any = true,
                                .bytes = unread,
                                .from = unread && f->state.position.last_when != INT64_MIN
                                            ? f->state.position.last_when
                                            : log->looked,
                                .offset = f->state.position.offset,
                                .content = f->content};
}

static void note_damaged(struct log *log, struct followed *f)
{
    int64_t now = log->files->feed.host->now, from = f->state.position.last_when;
    int64_t to = f->reader.clock.rule.file_time;
    struct unread u = {0};

    log->damaged++;
    if (!f->begun)
        return;
    to = to < now ? to : now;
    from = from == INT64_MIN || from > to ? to : from;
    unread_add(&u, 0, from, to);
    followed_tell(f, NULL, &u);
}

static bool same_content(const struct content *a, const struct content *b)
{
    return a->head_n == b->head_n && a->tail_n == b->tail_n &&
           memcmp(a->head, b->head, a->head_n) == 0 && memcmp(a->tail, b->tail, a->tail_n) == 0;
}

/* A file that is as the truncated one was where it had been read to. */
static bool is_copy(const struct missed *loss, const struct batch_ask *ask)
{
    if (ask->answer != TAIL_KNOWN)
        return false;
    if (loss->former)
        return ask->state.position.last_when >= loss->last_when;
    return ask->state.position.offset == loss->offset &&
           same_content(&loss->content, &ask->content);
}

/* The answer may be that the log which was read before is gone, or that a copy of it is here. */
static void judge_loss(struct log *log, const struct followed *file, const struct batch_ask *ask)
{
    struct missed *loss = &log->loss;
    bool is_log = strcmp(file->name, log->path) == 0;

    if (!log->judged && is_log && ask->answer == TAIL_NEW && ask->last.id)
        *loss = (struct missed){.any = true,
                                .former = true,
                                .from = ask->last.last_when,
                                .last_when = ask->last.last_when};
    log->judged = true;
    if (!loss->any)
        return;
    bool copy_of_unread = !loss->former && loss->offset == 0 && !is_log;
    if (!copy_of_unread && !is_copy(loss, ask))
        return;
    uint64_t rest = file->is_packed ? UINT64_MAX : ask->size - loss->offset;
    if (!loss->former && loss->bytes > rest) { /* the copy is of an earlier moment */
        loss->bytes -= rest;
        give_up(log);
    }
    loss->any = false;
}

/* A new log's first lines: nothing older is left to be read. */
static void settle_loss(struct log *log, struct followed *f)
{
    if (!f->fresh || strcmp(f->name, log->path) != 0)
        return;
    give_up(log);
    if (log->truncated.files)
        followed_tell(f, &log->truncated, NULL);
    log->truncated = (struct unread){0};
}

/* What is found later that isn't known, and was written before, was there already when the log was
 * followed. */
static void set_written(const struct log *log, struct followed *f)
{
    int64_t ns = tail_written(tail_uv_state(log->tail), f->file);

    if (ns)
        f->state.position.written_ns = ns;
}

static void on_lines(void *ctx, unsigned file, const struct tail_lines *lines, uint64_t offset,
                     struct str head, struct str tail)
{
    struct log *log = ctx;

    FAULT("read");
    struct followed *f = followed_find(&log->log, file);
    settle_loss(log, f);
    set_written(log, f);
    followed_take(f, log->files->feed.host->now, lines, offset, head, tail);
    FAULT("parsed");
}

static void say_ended(struct log *log, const struct followed *f, enum tail_end end, uint64_t unread)
{
    const struct feed_host *host = log->files->feed.host;

    if (end == TAIL_TRUNCATED && f->begun) {
        log->truncations++;
        log->unread += unread;
        host->say(host,
                  "%s: was truncated when it had been read up to byte %" PRIu64 "; %" PRIu64
                  " bytes of it weren't read yet, they are read if a copy of it is beside it",
                  f->name, f->state.position.offset, unread);
    } else if (end == TAIL_DAMAGED) {
        host->say(host,
                  "%s: is damaged or ends too early: it was read up to byte %" PRIu64
                  " of its content, and what is behind it is lost",
                  f->name, f->begun ? f->state.position.offset : 0);
    }
}

static void on_ended(void *ctx, unsigned file, enum tail_end end, uint64_t unread)
{
    struct log *log = ctx;
    struct followed *f = followed_find(&log->log, file);

    if (end == TAIL_DAMAGED && f->begun_at && f->state.position.offset == f->begun_at)
        end = TAIL_UNWANTED; /* it was told when it was read up to there */
    say_ended(log, f, end, unread);
    if (end == TAIL_TRUNCATED && f->begun)
        note_truncated(log, f, unread);
    else if (end == TAIL_DAMAGED)
        note_damaged(log, f);
    followed_end(f);
}

static void on_failed(void *ctx, const char *name, int rc)
{
    struct log *log = ctx;
    const struct feed_host *host = log->files->feed.host;

    if (log->failed != rc)
        host->say(host, "%s: can't be read (%s); it is tried again and again", name, strerror(-rc));
    log->failed = rc;
}

static void on_hint(void *ctx)
{
    struct log *log = ctx;
    log->files->feed.host->hint(log->files->feed.host);
}

static const struct tail_uv_calls tail_calls = {
    on_opened, on_ask, on_lines, on_ended, on_failed, on_hint,
};

/* ---- answers ---- */

static bool has_no_name(const struct followed *f)
{
    struct stat st;

    return !f->ended && fstat(f->fd, &st) == 0 && st.st_nlink == 0;
}

/* It may have been written anew, which the next read of it will tell. */
static bool is_as_read(const struct followed *f)
{
    struct content now;

    return f->is_packed || (content_read(f->fd, f->state.position.offset, &now) == 0 &&
                            same_content(&now, &f->content));
}

/* By another file than this; `nameless`: by one that is still read, and was unlinked. */
static bool id_is_taken(const struct files *files, const struct followed *file, int64_t id,
                        bool nameless)
{
    for (size_t i = 0; i < files->n; i++)
        for (size_t j = 0; j < files->logs[i]->log.n; j++) {
            const struct followed *f = files->logs[i]->log.files[j];
            if (f != file && f->begun && f->state.position.id == id &&
                (!nameless || (has_no_name(f) && is_as_read(f))))
                return true;
        }
    return false;
}

static void say_begin(struct log *log, const struct followed *file, const struct batch_ask *ask)
{
    const struct feed_host *host = log->files->feed.host;

    if (ask->answer == TAIL_LATER && (log->short_said || file->is_packed))
        return;
    if (ask->answer == TAIL_NEW && file->begun) /* asked about again, and said already */
        return;
    log->short_said = ask->answer == TAIL_LATER;
    if (log->from_end)
        host->say(host, "%s: new, is read from its end at byte %" PRIu64, file->name,
                  ask->state.position.offset);
    else if (ask->answer == TAIL_LATER)
        host->say(host,
                  "%s: is so far the beginning of a log that was taken in further; the rest is "
                  "waited for",
                  file->name);
    else if (ask->answer == TAIL_KNOWN)
        host->say(host, "%s: reads on at byte %" PRIu64 " of %" PRIu64, file->name,
                  ask->state.position.offset, ask->size);
    else
        host->say(host, "%s: new, is read from its beginning (%" PRIu64 " bytes)", file->name,
                  ask->size);
}

/* To behind the last whole line, as if all before had been read. */
static bool skip(struct batch_ask *ask)
{
    uint64_t offset = ask->size;
    char bytes[4096];

    while (offset > 0) {
        size_t n = offset < sizeof bytes ? (size_t)offset : sizeof bytes;
        if (pread(ask->fd, bytes, n, (off_t)(offset - n)) != (ssize_t)n)
            return false;
        while (n > 0 && bytes[n - 1] != '\n')
            n--, offset--;
        if (n > 0)
            break;
    }
    if (offset == 0 || content_read(ask->fd, offset, &ask->content) < 0)
        return false;
    ask->answer = TAIL_KNOWN;
    ask->state.position.offset = offset;
    return true;
}

static void on_told(void *ctx, struct followed *file, struct batch_ask *ask)
{
    struct log *log = ctx;
    struct files *files = log->files;

    log->from_end =
        ask->answer == TAIL_NEW && log->was_there && log->input->start == START_END && skip(ask);
    log->was_there = false;
    judge_loss(log, file, ask);
    /* A file that is compressed while it is open is read there. */
    if (file->is_packed && ask->state.position.id &&
        id_is_taken(files, file, ask->state.position.id, true))
        ask->answer = TAIL_LATER;
    uint64_t offset = ask->answer == TAIL_KNOWN ? ask->state.position.offset : 0;
    say_begin(log, file, ask);
    if (ask->answer != TAIL_LATER) {
        /* The copy of a log that is still open goes on as a log of its own. */
        if (ask->state.position.id && id_is_taken(files, file, ask->state.position.id, false))
            ask->state.position.id = 0;
        followed_begin(file, ask);
        if (log->from_end) { /* the place is stored at once */
            set_written(log, file);
            file->changed = true;
        }
        if (ask->size > offset && ask->size - offset > EXPAND_BYTES) {
            log->catching_up = true;
            geo_expand(files->feed.host->geo);
        }
    }
    tail_uv_told(log->tail, file->file, ask->answer, ask->answer == TAIL_NEW ? ask->hole : offset,
                 (struct str){ask->content.head, ask->content.head_n},
                 (struct str){ask->content.tail, ask->content.tail_n}, ask->since_ns);
}

/* ---- which logs there are ---- */

static void open_tail(struct log *log)
{
    log->tail =
        tail_uv_new(log->files->feed.host->loop, log->path, log->input->rotated, &tail_calls, log);
}

static void open_log(struct files *files, const struct config_input *in, const char *path,
                     bool from_pattern)
{
    struct feed_host *host = files->feed.host;
    struct log *log = xcalloc(1, sizeof *log);

    *log = (struct log){.files = files,
                        .path = xstrdup(path),
                        .sensor = xstrdup(in->sensor ? in->sensor : ""),
                        .input = in,
                        .from_pattern = from_pattern};
    log->log = (struct follow_log){.path = log->path,
                                   .sensor = log->sensor,
                                   .zone = in->zone,
                                   .geo = host->geo,
                                   .silence_s = in->silence_s};
    follow_log_init(&log->log, feed_matcher(host, in), on_told, log);
    log->was_there = !files->started;
    open_tail(log);
    files->logs = xrealloc(files->logs, files->n + 1, sizeof *files->logs);
    files->logs[files->n++] = log;
}

static void close_log(struct log *log)
{
    struct feed_totals *left = &log->files->left;

    counts_add(&left->counts, &log->log.counts);
    left->truncations += log->truncations;
    left->unread += log->unread;
    left->damaged += log->damaged;
    tail_uv_close(log->tail);
    follow_log_fini(&log->log);
    free(log->path);
    free(log->sensor);
    free(log);
}

static int by_path(const void *a, const void *b)
{
    const struct log *const *x = a, *const *y = b;
    return strcmp((*x)->path, (*y)->path);
}

static void sort_logs(struct files *files)
{
    files->sorted = xrealloc(files->sorted, files->n + 1, sizeof(struct log *));
    files->sorted_n = 0;
    for (size_t i = 0; i < files->n; i++)
        if (!files->logs[i]->leaves)
            files->sorted[files->sorted_n++] = files->logs[i];
    qsort(files->sorted, files->sorted_n, sizeof(struct log *), by_path);
}

/* As of the last sort_logs. */
static bool is_followed(const struct files *files, char *path)
{
    const struct log wanted = {.path = path}, *key = &wanted;
    return bsearch(&key, files->sorted, files->sorted_n, sizeof key, by_path);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* `names` are sorted. */
static bool is_rotated_of(char *const *names, size_t n, const char *log, const char *name)
{
    return bsearch(&log, names, n, sizeof *names, by_name) && rotated_is_of(log, name);
}

/* A rotated form of another of the names, or a packed one: no log of its own. What rotation added
 * begins with a mark and stands at the end, or before the extension. */
static bool is_rotated(char *const *names, size_t n, const char *name)
{
    const char *base = strrchr(name, '/') + 1, *dot = strrchr(base, '.');
    bool found = rotated_is_packed(name);

    for (const char *p = strpbrk(base, ".-_"); p && !found; p = strpbrk(p + 1, ".-_")) {
        char *log = xasprintf("%.*s%s", (int)(p - name), name, dot ? dot : "");
        found = is_rotated_of(names, n, log, name);
        log[p - name] = 0;
        found = found || is_rotated_of(names, n, log, name);
        free(log);
    }
    return found;
}

static void scan_pattern(struct files *files, const struct config_input *in)
{
    const struct feed_host *host = files->feed.host;
    glob_t found;
    struct stat st;

    if (glob(in->file, GLOB_NOSORT, NULL, &found) != 0)
        return;
    qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, by_name);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *path = found.gl_pathv[i];
        if (is_followed(files, path) || is_rotated(found.gl_pathv, found.gl_pathc, path) ||
            stat(path, &st) < 0 || !S_ISREG(st.st_mode))
            continue;
        if (files->n < LOGS_MAX) {
            open_log(files, in, path, true);
        } else if (!files->many_said) {
            files->many_said = true;
            host->say(host,
                      "%s: more than %d files are not followed; name fewer, or join them "
                      "(%s is the first of those left out)",
                      in->file, LOGS_MAX, path);
        }
    }
    globfree(&found);
}

struct place {
    dev_t dev;
    ino_t ino;
    size_t i;
};

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return x->i < y->i ? -1 : x->i > y->i;
}

/* The log is at the same file as one before it. */
static void set_twin(struct log *log, const struct log *first)
{
    const struct feed_host *host = log->files->feed.host;

    if (!log->twin && log->log.n == 0)
        host->say(host, "%s: is the same file as %s, and read there", log->path, first->path);
    log->twin |= log->log.n == 0;
}

/* One file by two names is one log: the first's. */
static void find_twins(struct files *files)
{
    struct place *places = xcalloc(files->n + 1, sizeof *places);
    size_t n = 0, first = 0;
    struct stat st;

    for (size_t i = 0; i < files->n; i++) {
        struct log *log = files->logs[i];
        bool there = stat(log->path, &st) == 0;
        log->gone = log->from_pattern && !there;
        if (there)
            places[n++] = (struct place){st.st_dev, st.st_ino, i};
        else
            log->twin = false;
    }
    qsort(places, n, sizeof *places, by_place);
    for (size_t i = 0; i < n; i++) {
        struct log *log = files->logs[places[i].i];
        bool same =
            i > 0 && places[i].dev == places[first].dev && places[i].ino == places[first].ino;
        if (same) {
            set_twin(log, files->logs[places[first].i]);
        } else {
            first = i;
            log->twin = false;
        }
    }
    free(places);
}

/* Whether all that was read of it is committed. No batch may have anything of it. */
static bool is_over(const struct log *log)
{
    if (log->leaves)
        return !follow_log_changed(&log->log);
    return log->gone && log->log.n == 0 && tail_rests(tail_uv_state(log->tail));
}

/* Those of patterns that are no longer there, and those that the configuration has no more. */
static void leave_gone(struct files *files)
{
    size_t n = 0;

    for (size_t i = 0; i < files->n; i++) {
        struct log *log = files->logs[i];
        if (is_over(log)) {
            close_log(log);
        } else {
            files->logs[n++] = log;
        }
    }
    files->n = n;
}

static void scan(struct files *files)
{
    for (size_t i = 0; i < files->input_count; i++) {
        const struct config_input *in = &files->inputs[i];
        if (in->kind != INPUT_FILE)
            continue;
        sort_logs(files);
        if (rotated_is_pattern(in->file))
            scan_pattern(files, in);
        else if (!is_followed(files, in->file))
            open_log(files, in, in->file, false);
    }
    find_twins(files);
}

/* What has nothing to begin with; the others are told of when it is known where they go on. */
static void say_waiting(const struct files *files)
{
    const struct feed_host *host = files->feed.host;

    for (size_t i = 0; i < files->n; i++) {
        const struct log *log = files->logs[i];
        if (!log->failed && !log->twin && tail_rests(tail_uv_state(log->tail)))
            host->say(host, "%s: %s; it is waited for", log->path,
                      log->log.n ? "is empty yet" : "isn't there yet");
    }
    for (size_t i = 0; i < files->input_count; i++) {
        const struct config_input *in = &files->inputs[i];
        size_t k = 0;
        while (k < files->n && files->logs[k]->input != in)
            k++;
        if (in->kind == INPUT_FILE && rotated_is_pattern(in->file) && k == files->n)
            host->say(host, "%s: there is no such file yet; they are waited for", in->file);
    }
}

/* ---- the feed ---- */

static void look(struct feed *f)
{
    struct files *files = files_of(f);
    const struct feed_host *host = f->host;

    if (!files->started || host->now_ms - files->scan_ms >= SCAN_MS) {
        files->scan_ms = host->now_ms;
        scan(files);
    }
    for (size_t i = 0; i < files->n; i++) {
        struct log *log = files->logs[i];
        if (log->twin || log->leaves)
            continue;
        tail_uv_look(log->tail, host->now_ms);
        tail_uv_turn(log->tail, NULL);
        log->looked = host->now;
    }
    if (!files->started)
        say_waiting(files);
    files->started = true;
}

static void caught_up(struct log *log)
{
    const struct counts *c = &log->log.counts;
    const struct feed_host *host = log->files->feed.host;

    if (!log->catching_up || !tail_rests(tail_uv_state(log->tail)))
        return;
    log->catching_up = false;
    host->say(host, "%s: read to its end: %" PRIu64 " lines, %" PRIu64 " events", log->path,
              c->lines, c->by[OUTCOME_EVENT]);
}

/* One turn of each log. */
static bool turn(struct feed *f)
{
    struct files *files = files_of(f);
    bool more = false;

    for (size_t i = 0; i < files->n && f->host->may_read(f->host); i++) {
        if (files->logs[i]->twin || files->logs[i]->leaves)
            continue;
        more |= tail_uv_turn(files->logs[i]->tail, f->host->buffer);
        caught_up(files->logs[i]);
    }
    return more;
}

static int64_t reached(const struct feed *f, int64_t until)
{
    const struct files *files = files_of(f);

    for (size_t i = 0; i < files->n; i++)
        if (!files->logs[i]->leaves && !tail_rests(tail_uv_state(files->logs[i]->tail))) {
            int64_t to = files->logs[i]->log.watched_to;
            until = to == INT64_MIN ? 0 : to < until ? to : until;
        }
    return until;
}

static bool rests(const struct feed *f)
{
    const struct files *files = files_of(f);

    for (size_t i = 0; i < files->n; i++)
        if (!files->logs[i]->leaves && !tail_rests(tail_uv_state(files->logs[i]->tail)))
            return false;
    return true;
}

static size_t records(const struct feed *f)
{
    const struct files *files = files_of(f);
    size_t n = 0;

    for (size_t i = 0; i < files->n; i++)
        n += follow_log_records(&files->logs[i]->log);
    return n;
}

static bool changed(const struct feed *f)
{
    const struct files *files = files_of(f);

    for (size_t i = 0; i < files->n; i++)
        if (follow_log_changed(&files->logs[i]->log))
            return true;
    return false;
}

static bool asks(const struct feed *f)
{
    const struct files *files = files_of(f);

    for (size_t i = 0; i < files->n; i++)
        if (follow_log_asks(&files->logs[i]->log))
            return true;
    return false;
}

static void swap(struct feed *f, bool watch, bool last, struct batch *b)
{
    struct files *files = files_of(f);

    for (size_t i = 0; i < files->n; i++) {
        const struct tail *tail = tail_uv_state(files->logs[i]->tail);
        struct follow_log *log = &files->logs[i]->log;
        unsigned current = tail_rests(tail) ? tail_current(tail) : 0;
        follow_swap(log, current ? followed_find(log, current) : NULL, f->host->now, watch, last,
                    b);
    }
}

/* As after a crash: what isn't committed is forgotten, and read again from where the facts end. */
static void settle(struct feed *f)
{
    struct files *files = files_of(f);
    const struct feed_host *host = f->host;

    for (size_t i = 0; i < files->n; i++) {
        struct log *log = files->logs[i];
        if (!log->log.stale || log->leaves)
            continue;
        host->say(host,
                  "%s: another scantide took in lines of it: what was read of it is forgotten, and "
                  "read on from there",
                  log->path);
        tail_uv_close(log->tail);
        follow_log_reset(&log->log);
        open_tail(log);
    }
    leave_gone(files);
}

static void summarize(struct feed *f)
{
    const struct files *files = files_of(f);
    const struct feed_host *host = f->host;

    for (size_t i = 0; i < files->n; i++) {
        struct log *log = files->logs[i];
        const struct counts *c = &log->log.counts;

        feed_say_lost(host, log->path, c, &log->said);
        feed_say_strange(host, log->path, "lines", log->path, c, &log->log.samples,
                         &log->strange_said);
    }
}

static void status(const struct feed *f, input_status_cb cb, void *ctx)
{
    const struct files *files = files_of(f);

    for (size_t i = 0; i < files->n; i++) {
        const struct log *log = files->logs[i];
        const struct tail *tail = tail_uv_state(log->tail);
        const char *why = feed_fault(&log->log.counts, follow_log_silent(&log->log, f->host->now));
        struct input_status s = {
            .kind = "file",
            .name = log->path,
            .sensor = log->sensor,
            .counts = log->log.counts,
            .last_line = log->log.last_event,
            .is_file = true,
            .damaged = log->damaged,
            .truncations = log->truncations,
            .fault = log->failed ? "it can't be read: see what the daemon said" : why,
        };
        if (log->twin || log->leaves)
            continue;
        for (size_t k = 0; k < log->log.n; k++) {
            const struct followed *file = log->log.files[k];
            struct stat st;
            if (file->ended || fstat(file->fd, &st) < 0)
                continue;
            s.offset += file->begun ? file->state.position.offset : 0;
            s.size += (uint64_t)st.st_size;
        }
        if (!tail_rests(tail) && s.last_line != INT64_MIN && f->host->now > s.last_line)
            s.lag_s = f->host->now - s.last_line;
        cb(ctx, &s);
    }
}

static void totals(const struct feed *f, struct feed_totals *sum)
{
    const struct files *files = files_of(f);

    counts_add(&sum->counts, &files->left.counts);
    sum->truncations += files->left.truncations;
    sum->unread += files->left.unread;
    sum->damaged += files->left.damaged;
    for (size_t i = 0; i < files->n; i++) {
        counts_add(&sum->counts, &files->logs[i]->log.counts);
        sum->truncations += files->logs[i]->truncations;
        sum->unread += files->logs[i]->unread;
        sum->damaged += files->logs[i]->damaged;
    }
}

static void close_feed(struct feed *f)
{
    struct files *files = files_of(f);

    for (size_t i = 0; i < files->n; i++)
        close_log(files->logs[i]);
    free(files->logs);
    free(files->sorted);
    free(files);
}

/* ---- a changed configuration ---- */

static bool takes(const struct feed *f, const struct config_input *in)
{
    (void)f;
    return in->kind == INPUT_FILE;
}

static bool same_input(const struct log *log, const struct config_input *in)
{
    return in->kind == INPUT_FILE && strcmp(in->file, log->input->file) == 0 &&
           text_same(in->sensor, log->sensor) && text_same(in->rotated, log->input->rotated) &&
           strcmp(zone_name(in->zone), zone_name(log->input->zone)) == 0;
}

/* A log whose input is as it was goes on; any other ends, and maybe begins anew as another's. */
static void adopt_log(struct log *log, const struct config_input *inputs, size_t n)
{
    const struct feed_host *host = log->files->feed.host;
    size_t i = 0;

    while (i < n && !same_input(log, &inputs[i]))
        i++;
    log->leaves |= i == n;
    if (i < n)
        follow_log_set_matcher(&log->log, feed_matcher(host, &inputs[i]));
    log->input = i < n ? &inputs[i] : NULL;
    log->log.silence_s = i < n ? inputs[i].silence_s : 0;
    log->log.zone = i < n ? inputs[i].zone : log->log.zone;
    log->log.geo = host->geo;
}

static bool adopt(struct feed *f, const struct config_input *inputs, size_t n)
{
    struct files *files = files_of(f);

    for (size_t i = 0; i < files->n; i++)
        if (!files->logs[i]->leaves)
            adopt_log(files->logs[i], inputs, n);
    files->inputs = inputs;
    files->input_count = n;
    files->scan_ms = 0;
    leave_gone(files);
    return true;
}

static const struct feed_ops ops = {
    .look = look,
    .turn = turn,
    .reached = reached,
    .rests = rests,
    .records = records,
    .changed = changed,
    .asks = asks,
    .swap = swap,
    .settle = settle,
    .summarize = summarize,
    .status = status,
    .totals = totals,
    .close = close_feed,
    .takes = takes,
    .adopt = adopt,
};

struct feed *files_open(struct feed_host *host, const struct config_input *inputs, size_t n)
{
    struct files *files = xcalloc(1, sizeof *files);

    *files =
        (struct files){.feed = {.ops = &ops, .host = host}, .inputs = inputs, .input_count = n};
    return &files->feed;
}
