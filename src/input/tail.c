#include "input/tail.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"

enum { DOUBTS_MAX = 8, SECOND_NS = 1000000000 };

/* The last bytes before a place in the file. */
struct window {
    char bytes[TAIL_BYTES];
    size_t n;
};

enum asked { UNASKED, ASKING, TOLD };

enum skip {
    SKIP_NONE,
    SKIP_HOLE, /* NULs before a line: what copytruncate leaves under a writer that doesn't append */
    SKIP_CUT,  /* the rest of a line that is cut out; counted at its end */
    SKIP_JOIN  /* the rest of a line that was taken without its end; empty, it is nothing */
};

struct tail_file {
    unsigned id;
    struct tail_facts facts;
    enum asked asked;
    uint64_t asked_size; /* no larger, there is nothing to ask */
    bool searched;       /* for older ones since it has content */
    bool sure;           /* searched for older ones since it was found to be new */
    bool begun;          /* read, or known */
    bool gave;           /* lines */
    unsigned firsts;     /* the tail's, when it was asked about */
    unsigned doubts;     /* how often it was asked about again */
    size_t first_n;      /* bytes that it began with when it was found to be new */
    uint64_t first;      /* and their hash */
    bool rotated;        /* the path names another file */
    int64_t quiet_ms;    /* since when nothing has changed */

    uint64_t offset; /* up to here lines were given */
    uint64_t scan;   /* the next read goes on here; past `offset` only inside of what is skipped */
    uint64_t seen;   /* the end of what was read, an unfinished line included */
    uint64_t there;  /* its size when it was last known to be what was read */
    bool full;       /* the last read gave all that it asked for */
    bool resting;    /* the last read failed: not before the next tick */
    bool check;      /* it was written, and is no longer: is it still what was read? */
    bool flush;      /* the last line is to be taken as it is */
    bool broken;     /* what comes next can't be unpacked */
    enum skip skip;
    enum tail_end end; /* 0: it goes on */
    uint64_t unread;

    char head[HEAD_BYTES];
    size_t head_n;
    struct window at_scan, at_offset;
    uint64_t started; /* the hash of the unfinished line, from `scan` to `seen` */
};

struct tail {
    struct tail_file **files; /* oldest first */
    size_t n;
    unsigned last_id;
    int64_t now_ms;
    bool looked;      /* at the path, at all */
    unsigned firsts;  /* files that gave lines */
    int64_t since_ns; /* what was written before is left alone if it isn't known */

    /* The search for files by their names. */
    bool searching;
    bool again;        /* a file was truncated meanwhile: once more, for it and for its copy */
    bool by_content;   /* no file is being read: back to a known one; else back to such a one */
    bool passed;       /* the known one: only the one before it may have something left */
    unsigned older;    /* the name that is looked at next */
    unsigned awaited;  /* the file whose answer the search waits for; 0: none */
    unsigned answered; /* the file that this name had when it was asked about; 0: go on */
    unsigned first;    /* the path's own when the search by content began; 0: none yet */
    size_t insert_at;  /* where the next older file belongs */
    int64_t anchor_ns; /* when the newest file that is being read was last written */
};

struct tail *tail_new(void)
{
    struct tail *t = xcalloc(1, sizeof *t);

    t->since_ns = INT64_MAX;
    return t;
}

void tail_free(struct tail *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++)
        free(t->files[i]);
    free(t->files);
    free(t);
}

static struct tail_file *find(const struct tail *t, unsigned id)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->files[i]->id == id)
            return t->files[i];
    ASSERT(false); /* no file of this tail */
    return NULL;
}

/* The open file that the facts are of; NULL: none. */
static struct tail_file *find_open(const struct tail *t, const struct tail_facts *facts, size_t *at)
{
    for (size_t i = 0; i < t->n; i++)
        if (!t->files[i]->end && t->files[i]->facts.dev == facts->dev &&
            t->files[i]->facts.ino == facts->ino) {
            *at = i;
            return t->files[i];
        }
    return NULL;
}

static bool is_open(const struct tail *t, const struct tail_facts *facts)
{
    size_t at;
    return find_open(t, facts, &at) != NULL;
}

/* New, and not begun: until then it may be copied and emptied, and nothing shows it. */
static bool is_unread(const struct tail_file *f)
{
    return f->asked == TOLD && !f->begun;
}

static bool has_more(const struct tail_file *f)
{
    return f->asked == TOLD && (f->flush || f->full || f->check || f->facts.size > f->seen);
}

/* ---- what is seen ---- */

/* `size`: what it had, as far as that is known. */
static void truncated(struct tail_file *f, uint64_t size)
{
    f->end = TAIL_TRUNCATED;
    f->unread = size > f->offset ? size - f->offset : 0;
}

/* Nothing has come for long: the last line won't get its end any more. */
static void drain(struct tail_file *f)
{
    if (f->asked == TOLD && f->seen > f->scan)
        f->flush = true;
    else
        f->end = TAIL_DRAINED;
}

/* One that has no successor, or none with a line yet, is still the log. */
static bool has_successor(const struct tail *t, size_t i)
{
    while (++i < t->n)
        if (t->files[i]->asked == TOLD)
            return true;
    return false;
}

static bool path_is_gone(const struct tail *t, const struct tail_file *f)
{
    return f->facts.links == 0 && f == t->files[t->n - 1];
}

void tail_tick(struct tail *t, int64_t now_ms)
{
    t->now_ms = now_ms;
    for (size_t i = 0; i < t->n; i++) {
        struct tail_file *f = t->files[i];
        f->resting = false;
        if (f->end || f->flush || f->asked == ASKING || has_more(f))
            continue;
        bool done = f->rotated ? has_successor(t, i) : path_is_gone(t, f);
        if (done && now_ms - f->quiet_ms >= (f->facts.links ? TAIL_DRAIN_MS : TAIL_DELETED_MS))
            drain(f);
    }
}

static void begin_names(struct tail *t)
{
    t->passed = false;
    t->older = 0;
    t->answered = 0;
    t->insert_at = t->n;
}

static void begin_search(struct tail *t)
{
    t->searching = t->by_content = true;
    t->again = false;
    t->awaited = 0;
    t->first = 0;
    begin_names(t);
    for (size_t i = 0; i < t->n; i++)
        if (t->files[i]->asked == TOLD && !is_unread(t->files[i])) {
            t->by_content = false;
            t->anchor_ns = t->files[i]->facts.mtime_ns;
        }
}

static void set_rotated(struct tail *t, struct tail_file *f, bool rotated)
{
    if (rotated && !f->rotated) {
        f->quiet_ms = t->now_ms;
        if (f->asked == UNASKED && f->asked_size > 0) /* a copy of what is known: it won't grow */
            f->end = TAIL_UNWANTED;
    }
    f->rotated = rotated;
}

void tail_saw_path(struct tail *t, const struct tail_facts *facts)
{
    bool first = !t->looked;

    t->looked = true;
    if (facts)
        for (size_t i = 0; i < t->n; i++) {
            struct tail_file *f = t->files[i];
            set_rotated(t, f, f->facts.dev != facts->dev || f->facts.ino != facts->ino);
        }
    if (!t->searching && (facts ? !is_open(t, facts) : first))
        begin_search(t);
}

void tail_saw(struct tail *t, unsigned file, const struct tail_facts *facts)
{
    struct tail_file *f = find(t, file);

    if (f->end)
        return;
    if (f->asked == ASKING) { /* judged when the answer is there */
        f->facts = *facts;
        return;
    }
    /* An empty file that was written meanwhile has been filled and emptied. */
    bool emptied = f->facts.size == 0 && facts->size == 0 && facts->mtime_ns != f->facts.mtime_ns;
    bool shorter = facts->size < f->facts.size;
    if (emptied || (f->asked == TOLD && (facts->size < f->seen || (!f->begun && shorter)))) {
        truncated(f, f->facts.size);
        return;
    }
    if (shorter && !f->rotated)
        f->searched = false;
    if (facts->size != f->facts.size || (facts->links == 0) != (f->facts.links == 0))
        f->quiet_ms = t->now_ms;
    if (facts->size < f->asked_size) /* no longer what it was when it was asked about */
        f->asked_size = 0;
    f->check |= facts->size == f->seen && facts->mtime_ns != f->facts.mtime_ns;
    f->facts = *facts;
}

/* ---- the search for files ---- */

/* A packed file keeps the time of what it was; some packers keep its whole seconds only. */
static int64_t as_packed(const struct tail_facts *packed, int64_t ns)
{
    return packed->mtime_ns % SECOND_NS ? ns : ns - ns % SECOND_NS;
}

/* What the path's own file came after, and was there before the log was followed. */
static void drop_older(struct tail *t)
{
    for (size_t i = 0; i < t->n && t->files[i]->id != t->first; i++) {
        struct tail_file *f = t->files[i];
        if (f->asked != ASKING && f->facts.mtime_ns < as_packed(&f->facts, t->since_ns))
            f->end = TAIL_UNWANTED;
    }
}

static void end_by_content(struct tail *t, bool known)
{
    if (!known)
        drop_older(t);
    t->searching = false;
}

/* No older name is left to look at. */
static void end_of_names(struct tail *t)
{
    if (t->by_content)
        end_by_content(t, t->passed);
    t->searching = false;
}

static void next_name(struct tail *t)
{
    if (t->older++ == TAIL_OLDER_MAX)
        end_of_names(t);
}

static bool is_copy(const struct tail_facts *packed, const struct tail_facts *f)
{
    return packed->packed && !f->packed && f->links == 0 &&
           packed->mtime_ns == as_packed(packed, f->mtime_ns);
}

/* Behind the open file of which this is the copy: no name shows that one any more. */
static void find_place(struct tail *t, const struct tail_facts *facts)
{
    for (size_t i = t->insert_at; i > 0 && t->files[i - 1]->facts.links == 0; i--)
        if (is_copy(facts, &t->files[i - 1]->facts)) {
            t->insert_at = i;
            return;
        }
}

/* What is found next is older than this. */
static void pass(struct tail *t, size_t i)
{
    bool copy = i > 0 && is_copy(&t->files[i]->facts, &t->files[i - 1]->facts);

    t->insert_at = copy ? i - 1 : i;
}

static struct tail_file *insert(struct tail *t, const struct tail_facts *facts)
{
    struct tail_file *f = xcalloc(1, sizeof *f);

    find_place(t, facts);
    f->id = ++t->last_id;
    f->facts = *facts;
    f->searched = facts->size > 0;
    f->rotated = t->older > 0;
    f->quiet_ms = t->now_ms;
    t->files = xrealloc(t->files, t->n + 1, sizeof *t->files);
    memmove(t->files + t->insert_at + 1, t->files + t->insert_at,
            (t->n - t->insert_at) * sizeof *t->files);
    t->files[t->insert_at] = f;
    t->n++;
    pass(t, t->insert_at);
    return f;
}

/* Whether the search is at a file that is open already; what is found from here on is older than
 * it. */
static bool pass_open(struct tail *t, const struct tail_facts *facts, bool *was_read)
{
    size_t at;
    const struct tail_file *f = find_open(t, facts, &at);

    if (!f)
        return false;
    *was_read = f->asked == TOLD && !is_unread(f);
    pass(t, at);
    next_name(t);
    return true;
}

/* It was taken in before, or is the beginning of what was. */
static bool is_known(const struct tail_file *f)
{
    return f->asked == TOLD ? f->begun : f->asked == UNASKED && f->asked_size > 0;
}

/* While the answer was waited for, rotation may have moved the names on, and new files may have come
 * between: then they are looked through from the newest. */
static void go_on_behind(struct tail *t, const struct tail_file *f)
{
    bool there = f && f->id == t->answered;

    t->answered = 0;
    if (!there) {
        begin_names(t);
        return;
    }
    t->passed |= is_known(f);
    next_name(t);
}

/* Looking for a known file: each is asked about in turn, also one that an earlier search opened. */
static unsigned opened_by_content(struct tail *t, const struct tail_facts *facts)
{
    size_t at;
    struct tail_file *f = facts ? find_open(t, facts, &at) : NULL;
    bool was_open = f != NULL;

    if (was_open)
        pass(t, at);
    if (t->answered) {
        go_on_behind(t, f);
        return 0;
    }
    if (!was_open && facts && (t->older == 0 || facts->size > 0))
        f = insert(t, facts);
    if (f && t->older == 0 && !t->first)
        t->first = f->id;
    if (f && f->asked == UNASKED && f->facts.size > f->asked_size) {
        t->awaited = f->id;
    } else {
        t->passed |= f && is_known(f);
        next_name(t);
    }
    return f && !was_open ? f->id : 0;
}

/* Looking for a file that is being read: what is newer came after it. One that is open and still
 * empty doesn't tell: it may have been filled, copied and emptied. */
static unsigned opened_by_place(struct tail *t, const struct tail_facts *facts)
{
    bool was_read = false;

    if (facts && pass_open(t, facts, &was_read)) {
        if (was_read)
            end_of_names(t);
        return 0;
    }
    if (!facts && t->older > 0) {
        next_name(t);
        return 0;
    }
    if (!facts || (t->older > 0 && facts->mtime_ns < as_packed(facts, t->anchor_ns))) {
        end_of_names(t);
        return 0;
    }
    struct tail_file *f = insert(t, facts);
    next_name(t);
    return f->id;
}

unsigned tail_opened(struct tail *t, const struct tail_facts *facts)
{
    ASSERT(t->searching && !t->awaited);
    return t->by_content ? opened_by_content(t, facts) : opened_by_place(t, facts);
}

void tail_no_more(struct tail *t)
{
    ASSERT(t->searching && !t->awaited && t->older > 0);
    if (t->answered)
        begin_names(t);
    else
        end_of_names(t);
}

/* The search's answer for the file it waited for. */
static void go_on_searching(struct tail *t, struct tail_file *f, enum tail_answer answer)
{
    t->awaited = 0;
    if (t->passed) {
        if (answer != TAIL_KNOWN || f->offset >= f->facts.size)
            f->end = TAIL_UNWANTED;
        end_by_content(t, true);
    } else if (f->end) { /* a copy of what is known */
        end_by_content(t, true);
    } else {
        t->answered = f->id;
    }
}

/* ---- the answer: where the file is to be read from ---- */

static void window_set(struct window *w, struct str s)
{
    ASSERT(s.n <= TAIL_BYTES);
    memcpy(w->bytes, s.p, s.n);
    w->n = s.n;
}

/* A hole is as good as read: it shows nothing, and another one shows itself where it ended. */
static void pass_hole(struct tail_file *f, uint64_t hole)
{
    f->offset = 0;
    f->scan = f->seen = hole;
    f->head_n = hole < HEAD_BYTES ? (size_t)hole : HEAD_BYTES;
    memset(f->head, 0, f->head_n);
    f->at_scan.n = hole < TAIL_BYTES ? (size_t)hole : TAIL_BYTES;
    memset(f->at_scan.bytes, 0, f->at_scan.n);
    f->at_offset.n = 0;
    f->skip = hole ? SKIP_HOLE : SKIP_NONE;
}

void tail_told(struct tail *t, unsigned file, enum tail_answer answer, uint64_t offset,
               struct str head, struct str tail, int64_t since_ns)
{
    struct tail_file *f = find(t, file);

    ASSERT(f->asked == ASKING);
    if (answer == TAIL_NEW)
        t->since_ns = since_ns;
    f->asked = answer == TAIL_LATER ? UNASKED : TOLD;
    f->asked_size = f->facts.size;
    f->flush = f->facts.packed && answer != TAIL_LATER;
    if (answer == TAIL_LATER && (f->rotated || f->facts.packed))
        f->end = TAIL_UNWANTED;
    f->begun = answer == TAIL_KNOWN;
    pass_hole(f, answer == TAIL_NEW ? offset : 0);
    if (answer == TAIL_NEW) {
        f->first_n = head.n;
        f->first = hash_bytes(head.p, head.n, 0);
    }
    if (answer == TAIL_KNOWN) {
        ASSERT(head.n <= HEAD_BYTES);
        f->offset = f->scan = f->seen = offset;
        memcpy(f->head, head.p, head.n);
        f->head_n = head.n;
        window_set(&f->at_scan, tail);
        f->at_offset = f->at_scan;
        bool at_line = tail.n == 0 || tail.p[tail.n - 1] == '\n' || tail.p[tail.n - 1] == 0;
        f->skip = at_line ? SKIP_NONE : SKIP_JOIN;
    }
    if (t->awaited == file)
        go_on_searching(t, f, answer);
}

/* ---- reading ---- */

static void window_feed(struct window *w, const char *bytes, size_t n)
{
    if (n >= TAIL_BYTES) {
        window_set(w, (struct str){bytes + n - TAIL_BYTES, TAIL_BYTES});
        return;
    }
    size_t keep = w->n + n > TAIL_BYTES ? TAIL_BYTES - n : w->n;
    memmove(w->bytes, w->bytes + w->n - keep, keep);
    memcpy(w->bytes + keep, bytes, n);
    w->n = keep + n;
}

/* The next `n` bytes are done with. */
static void advance(struct tail_file *f, const char *bytes, size_t n)
{
    if (f->head_n < HEAD_BYTES) {
        size_t part = n < HEAD_BYTES - f->head_n ? n : HEAD_BYTES - f->head_n;
        memcpy(f->head + f->head_n, bytes, part);
        f->head_n += part;
    }
    window_feed(&f->at_scan, bytes, n);
    f->scan += n;
    if (f->skip == SKIP_NONE) {
        f->offset = f->scan;
        f->at_offset = f->at_scan;
    }
}

/* Passes over what is to be skipped at the head of the bytes; how many of them. */
static size_t skip_head(struct tail_file *f, const char *bytes, size_t n, struct tail_lines *out)
{
    size_t at = 0;

    if (f->skip == SKIP_CUT || f->skip == SKIP_JOIN) {
        const char *newline = memchr(bytes, '\n', n);
        at = newline ? (size_t)(newline - bytes) : n;
        if (at > 0 || f->skip == SKIP_CUT)
            f->skip = SKIP_CUT;
        if (newline) {
            out->cut += f->skip == SKIP_CUT;
            f->skip = SKIP_NONE;
            at++;
        }
        advance(f, bytes, at);
        return at;
    }
    while (at < n && bytes[at] == 0)
        at++;
    if (at > 0) {
        f->skip = at < n ? SKIP_NONE : SKIP_HOLE;
        advance(f, bytes, at);
    }
    if (at < n)
        f->skip = SKIP_NONE;
    return at;
}

/* Where the whole lines end. */
static size_t lines_end(const struct tail_file *f, const char *bytes, size_t n)
{
    if (f->flush && !f->full)
        return n;
    const char *last = memrchr(bytes, '\n', n);
    return last ? (size_t)(last - bytes) + 1 : 0;
}

static void take(struct tail_file *f, const char *bytes, size_t n, struct tail_lines *out)
{
    size_t at = skip_head(f, bytes, n, out), end = lines_end(f, bytes + at, n - at);

    out->lines = (struct str){bytes + at, end};
    if (end > 0) {
        advance(f, bytes + at, end);
    } else if (at == 0 && f->full) { /* a turn full of one line */
        f->skip = SKIP_CUT;
        advance(f, bytes, n);
    }
}

/* Whether a read begins with what was read last. */
static bool goes_on(const struct tail_file *f, const char *bytes, size_t n)
{
    size_t again = f->at_scan.n, started = (size_t)(f->seen - f->scan);

    if (is_unread(f) && !f->facts.packed &&
        (n < again + f->first_n || hash_bytes(bytes + again, f->first_n, 0) != f->first))
        return false;

    return n >= again + started && memcmp(bytes, f->at_scan.bytes, again) == 0 &&
           (started == 0 || hash_bytes(bytes + again, started, 0) == f->started);
}

void tail_broken(struct tail *t, unsigned file)
{
    struct tail_file *f = find(t, file);

    f->broken = true;
    f->flush = false;
}

void tail_took(struct tail *t, unsigned file, const char *bytes, size_t n, bool failed,
               struct tail_lines *out)
{
    struct tail_file *f = find(t, file);
    size_t again = f->at_scan.n;

    *out = (struct tail_lines){.lines = {bytes, 0}};
    f->resting = failed;
    if (failed)
        return;
    if (!goes_on(f, bytes, n)) {
        if (f->broken) /* before the place where it goes on */
            f->end = TAIL_DAMAGED;
        else
            truncated(f, f->there); /* what fstat said may be of what it holds now */
        return;
    }
    f->there = f->facts.size;
    f->begun = true;
    bytes += again;
    n -= again;
    f->check = false;
    f->full = n >= TAIL_TURN_BYTES;
    f->seen = f->scan + n;
    if (f->facts.size < f->seen || !f->full) /* the read knows better than an older fstat */
        f->facts.size = f->seen;
    const char *end = bytes + n;
    take(f, bytes, n, out);
    if (out->lines.n > 0 && !f->gave) {
        f->gave = true;
        t->firsts++;
    }
    f->started = hash_bytes(end - (f->seen - f->scan), (size_t)(f->seen - f->scan), 0);
    if ((f->flush || f->broken) && !f->full) {
        out->cut += f->skip == SKIP_CUT;
        f->flush = false;
        f->end = f->broken ? TAIL_DAMAGED : TAIL_DRAINED;
    }
}

/* ---- what is to be done ---- */

static void forget(struct tail *t, size_t i)
{
    if (t->first == t->files[i]->id)
        t->first = i + 1 < t->n ? t->files[i + 1]->id : 0;
    free(t->files[i]);
    t->n--;
    memmove(t->files + i, t->files + i + 1, (t->n - i) * sizeof *t->files);
    if (t->insert_at > i)
        t->insert_at--;
}

static struct tail_todo ask(const struct tail *t, struct tail_file *f)
{
    f->asked = ASKING;
    f->firsts = t->firsts;
    return (struct tail_todo){.kind = TAIL_ASK, .file = f->id};
}

/* Another file gave its first lines since this was judged, of which this may be a copy. A packed one
 * that nothing can be stored of is found to be new again and again. */
static bool is_doubtful(const struct tail *t, const struct tail_file *f)
{
    return f->asked == TOLD && !f->gave && has_more(f) && f->firsts != t->firsts &&
           f->doubts < DOUBTS_MAX;
}

static void doubt(struct tail_file *f)
{
    f->doubts++;
    f->asked = UNASKED;
    f->asked_size = 0;
    f->flush = f->check = f->sure = false;
}

static struct tail_todo next_reading(struct tail *t)
{
    for (size_t i = 0; i < t->n; i++) {
        struct tail_file *f = t->files[i];
        if (f->asked == ASKING || f->resting)
            break;
        if (is_doubtful(t, f))
            doubt(f);
        if (f->asked == UNASKED && f->facts.size > f->asked_size) {
            if (f->searched)
                return ask(t, f);
            /* It was empty when it was opened: it may have been filled, copied and emptied before
             * this. */
            f->searched = true;
            begin_search(t);
            return tail_next(t);
        }
        if (f->asked == UNASKED && !f->rotated)
            break;
        if (is_unread(f) && has_more(f) && !f->rotated && !f->sure) {
            f->sure = true;
            begin_search(t);
            return tail_next(t);
        }
        if (has_more(f))
            return (struct tail_todo){.kind = TAIL_READ,
                                      .file = f->id,
                                      .offset = f->scan - f->at_scan.n,
                                      .bytes = TAIL_TURN_BYTES + f->at_scan.n};
    }
    return (struct tail_todo){.kind = TAIL_REST};
}

struct tail_todo tail_next(struct tail *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct tail_file *f = t->files[i];
        if (!f->end)
            continue;
        struct tail_todo todo = {
            .kind = TAIL_END, .file = f->id, .end = f->end, .unread = f->unread};
        forget(t, i);
        t->again |= todo.end == TAIL_TRUNCATED;
        return todo;
    }
    if (t->again && !t->searching)
        begin_search(t);
    if (t->searching && !t->awaited)
        return (struct tail_todo){.kind = TAIL_OPEN, .older = t->older};
    if (t->awaited) {
        struct tail_file *f = find(t, t->awaited);
        return f->asked == UNASKED ? ask(t, f) : (struct tail_todo){.kind = TAIL_REST};
    }
    return next_reading(t);
}

/* ---- what can be asked ---- */

uint64_t tail_offset(const struct tail *t, unsigned file)
{
    return find(t, file)->offset;
}

struct str tail_head(const struct tail *t, unsigned file)
{
    const struct tail_file *f = find(t, file);
    return (struct str){f->head, f->offset < f->head_n ? (size_t)f->offset : f->head_n};
}

struct str tail_tail(const struct tail *t, unsigned file)
{
    const struct tail_file *f = find(t, file);
    return (struct str){f->at_offset.bytes, f->at_offset.n};
}

int64_t tail_written(const struct tail *t, unsigned file)
{
    const struct tail_file *f = find(t, file);
    return f->rotated ? 0 : f->facts.mtime_ns;
}

bool tail_at_end(const struct tail *t, unsigned file)
{
    const struct tail_file *f = find(t, file);
    return f->asked == TOLD && !f->end && !has_more(f);
}

bool tail_rests(const struct tail *t)
{
    if (t->searching || t->again)
        return false;
    for (size_t i = 0; i < t->n; i++) {
        const struct tail_file *f = t->files[i];
        if (f->end || f->asked == ASKING || has_more(f) ||
            (f->asked == UNASKED && f->facts.size > f->asked_size))
            return false;
    }
    return true;
}

unsigned tail_current(const struct tail *t)
{
    for (size_t i = t->n; i > 0; i--)
        if (t->files[i - 1]->asked == TOLD)
            return t->files[i - 1]->id;
    return 0;
}
