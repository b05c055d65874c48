#include "parse/needs.h"

#include <string.h>

#include "parse/cursor.h"

enum { DEPTH_MAX = 32 };

struct text {
    char p[NEEDS_MAX];
    size_t n;
};

struct walk {
    const char *p;
    bool lost; /* something stands there that isn't read here */
};

/* How often an item may come. */
enum times { ONCE, ONCE_OR_MORE, PERHAPS };

static void skip_space(struct walk *w)
{
    for (;;) {
        w->p += strspn(w->p, " \t\r\n\v\f");
        if (*w->p != '#')
            return;
        w->p += strcspn(w->p, "\n");
    }
}

static enum times take_times(struct walk *w)
{
    enum times times = ONCE;

    skip_space(w);
    if (*w->p == '{') {
        w->lost |= !is_digit(w->p[1]);
        w->p += strcspn(w->p, "}");
        times = PERHAPS; /* or once at least, which isn't worth a look */
    } else if (*w->p == '+') {
        times = ONCE_OR_MORE;
    } else if (*w->p == '?' || *w->p == '*') {
        times = PERHAPS;
    } else {
        return ONCE;
    }
    w->p += *w->p != 0;
    if (*w->p == '+' || *w->p == '?')
        w->p++;
    return times;
}

/* Keeps the longer of the two; what was read begins anew. */
static void keep(struct text *best, struct text *t)
{
    if (t->n > best->n)
        *best = *t;
    t->n = 0;
}

static void skip_class(struct walk *w)
{
    w->p += w->p[1] == '^' ? 2 : 1;
    if (*w->p == ']')
        w->p++;
    for (; *w->p && *w->p != ']'; w->p++) {
        if (*w->p == '\\' && w->p[1])
            w->p++;
        else if (*w->p == '[' && w->p[1] == ':') /* [:alpha:] */
            w->lost = true;
    }
    w->lost |= !*w->p;
    w->p += *w->p != 0;
}

/* Past "(?<name>" and its like; whether what the group holds must stand in the line. */
static bool open_group(struct walk *w)
{
    static const char *const opens[] = {"(?:", "(?>", "(?=", "(?<=", "(?!", "(?<!", "(?i:"};

    for (size_t i = 0; i < sizeof opens / sizeof *opens; i++)
        if (strncmp(w->p, opens[i], strlen(opens[i])) == 0) {
            w->p += strlen(opens[i]);
            return i < 4;
        }
    bool named = strncmp(w->p, "(?<", 3) == 0 && (is_letter(w->p[3]) || w->p[3] == '_');
    w->lost |= named ? !strchr(w->p, '>') : w->p[1] == '?' || w->p[1] == '*';
    w->p += named ? strcspn(w->p, ">") : 0;
    w->p += *w->p != 0;
    return true;
}

static void walk_alternatives(struct walk *w, int depth, struct text *best);

static void walk_group(struct walk *w, int depth, struct text *best)
{
    struct text inside = {.n = 0};

    bool counts = open_group(w);
    if (depth == DEPTH_MAX)
        w->lost = true;
    if (w->lost)
        return;
    walk_alternatives(w, depth + 1, &inside);
    w->lost |= *w->p != ')';
    w->p += *w->p != 0;
    if (take_times(w) != PERHAPS && counts)
        keep(best, &inside);
}

/* A byte as it stands. */
static void take_byte(struct walk *w, char ch, struct text *run, struct text *best)
{
    w->p++;
    enum times times = take_times(w);
    if (times != PERHAPS && run->n < NEEDS_MAX)
        run->p[run->n++] = ch;
    if (times != ONCE)
        keep(best, run);
}

/* What matches more than one text. */
static void take_other(struct walk *w, size_t n, struct text *run, struct text *best)
{
    keep(best, run);
    w->p += n;
    take_times(w);
}

/* To the end, or the parenthesis that closes. */
static void walk_alternatives(struct walk *w, int depth, struct text *best)
{
    struct text run = {.n = 0}, here = {.n = 0};
    bool alone = true;

    for (skip_space(w); !w->lost && *w->p && *w->p != ')'; skip_space(w)) {
        char ch = *w->p, next = w->p[1];
        if (ch == '|') {
            alone = false;
            take_other(w, 1, &run, &here);
        } else if (ch == '(') {
            keep(&here, &run);
            walk_group(w, depth, &here);
        } else if (ch == '[') {
            skip_class(w);
            take_other(w, 0, &run, &here);
        } else if (ch == '.' || ch == '^' || ch == '$') {
            take_other(w, 1, &run, &here);
        } else if (ch != '\\') {
            take_byte(w, ch, &run, &here);
        } else if (is_letter(next) || is_digit(next) || !next) {
            w->lost |= !next || !strchr("dDwWsSbBAzZhHvVR", next);
            take_other(w, w->lost ? 1 : 2, &run, &here);
        } else {
            w->p++;
            take_byte(w, next, &run, &here);
        }
    }
    keep(&here, &run);
    if (alone)
        keep(best, &here);
}

size_t needs_of(const char *pattern, char out[NEEDS_MAX])
{
    struct walk w = {.p = pattern};
    struct text best = {.n = 0};

    walk_alternatives(&w, 0, &best);
    if (w.lost || *w.p)
        return 0;
    memcpy(out, best.p, best.n);
    return best.n;
}
