#include "input/frame.h"

enum { COUNT_DIGITS = 5 };

size_t frame_message(char *to, struct str message)
{
    while (message.n && (message.p[message.n - 1] == '\n' || message.p[message.n - 1] == '\r' ||
                         message.p[message.n - 1] == 0))
        message.n--;
    if (message.n == 0)
        return 0;
    memmove(to, message.p, message.n);
    for (char *lf = to; (lf = memchr(lf, '\n', message.n - (size_t)(lf - to)));)
        *lf = ' ';
    to[message.n] = '\n';
    return message.n + 1;
}

/* Where the bytes are read, and where lines are written: never before the reading. */
struct cut {
    const char *at, *end;
    char *to;
    const char *lf, *nul; /* the next at or after `at`, as far as looked for; `end`: none */
    struct frames *out;
};

static void deliver(struct cut *c, struct str message)
{
    size_t n = frame_message(c->to, message);

    c->to += n;
    c->out->messages += n > 0;
    c->out->empty += n == 0;
}

/* Each byte is searched once, however many ends there are. */
static const char *next(const struct cut *c, const char *found, char what)
{
    if (found && found >= c->at)
        return found;
    found = memchr(c->at, what, (size_t)(c->end - c->at));
    return found ? found : c->end;
}

static const char *next_end(struct cut *c)
{
    c->lf = next(c, c->lf, '\n');
    c->nul = next(c, c->nul, 0);
    return c->lf < c->nul ? c->lf : c->nul;
}

/* ---- a count before it ---- */

enum count { COUNT_NONE, COUNT_MORE, COUNT_IS };

/* "NNN " at the reading; *n: the message's bytes, *head: those of the count and its blank. */
static enum count read_count(const struct framer *f, const struct cut *c, uint32_t *n, size_t *head)
{
    size_t at = 0, left = (size_t)(c->end - c->at);

    *n = 0;
    while (at < left && at < COUNT_DIGITS && c->at[at] >= '0' && c->at[at] <= '9')
        *n = *n * 10 + (uint32_t)(c->at[at++] - '0');
    if (at > 0 && c->at[0] == '0')
        return COUNT_NONE;
    if (at == left)
        return COUNT_MORE;
    if (at == 0 || c->at[at] != ' ')
        return COUNT_NONE;
    *head = at + 1;
    if (f->framing == FRAMING_OCTET)
        return COUNT_IS;
    return *head == left ? COUNT_MORE : c->at[*head] == '<' ? COUNT_IS : COUNT_NONE;
}

/* Whether there may be another behind it. */
static bool cut_counted(struct framer *f, struct cut *c, uint32_t n, size_t head)
{
    size_t left = (size_t)(c->end - c->at) - head;

    if (n > FRAME_MAX_BYTES) {
        c->out->lost++;
        c->at += head;
        f->skip = n;
        return true;
    }
    if (n > left)
        return false;
    struct str message = {c->at + head, n};
    c->at += head + n;
    deliver(c, message);
    return true;
}

static void skip_counted(struct framer *f, struct cut *c)
{
    size_t left = (size_t)(c->end - c->at), n = f->skip < left ? f->skip : left;

    c->at += n;
    f->skip -= (uint32_t)n;
}

/* ---- an end behind it ---- */

static bool cut_line(struct framer *f, struct cut *c)
{
    const char *end = next_end(c);
    struct str message = {c->at, (size_t)(end - c->at)};

    if (end == c->end && !f->skip_line && message.n <= FRAME_MAX_BYTES + 1)
        return false; /* a CR may be among them */
    if (f->skip_line) {
        f->skip_line = end == c->end;
        c->at = end + !f->skip_line;
        return true;
    }
    if (message.n > FRAME_MAX_BYTES + 1 ||
        (message.n > FRAME_MAX_BYTES && message.p[message.n - 1] != '\r')) {
        c->out->lost++;
        f->skip_line = end == c->end;
        c->at = end + !f->skip_line;
        return true;
    }
    c->at = end + 1;
    deliver(c, message);
    return true;
}

/* ---- the stream ---- */

static bool cut_one(struct framer *f, struct cut *c)
{
    uint32_t n;
    size_t head = 0;

    if (f->skip) {
        skip_counted(f, c);
        return true;
    }
    if (f->framing == FRAMING_LINE || f->skip_line)
        return cut_line(f, c);
    if (f->framing == FRAMING_OCTET && (*c->at == '\n' || *c->at == 0)) {
        c->at++; /* some count a message without the end that they send all the same */
        return true;
    }
    switch (read_count(f, c, &n, &head)) {
    case COUNT_IS: return cut_counted(f, c, n, head);
    case COUNT_MORE: return false;
    case COUNT_NONE: break;
    }
    if (f->framing == FRAMING_AUTO)
        return cut_line(f, c);
    c->out->bad = true;
    return false;
}

void framer_cut(struct framer *f, char *bytes, size_t n, struct frames *out)
{
    struct cut c = {.at = bytes, .end = bytes + n, .to = bytes, .out = out};

    *out = (struct frames){.lines = {bytes, 0}};
    while (c.at < c.end && cut_one(f, &c))
        ;
    out->lines.n = (size_t)(c.to - bytes);
    out->used = (size_t)(c.at - bytes);
}

void framer_end(struct framer *f, char *bytes, size_t n, bool whole, struct frames *out)
{
    struct cut c = {.at = bytes, .end = bytes + n, .to = bytes, .out = out};
    uint32_t count;
    size_t head;

    *out = (struct frames){.lines = {bytes, 0}, .used = n};
    if (n == 0 || f->skip || f->skip_line) /* lost already */
        return;
    bool counted = f->framing == FRAMING_OCTET ||
                   (f->framing == FRAMING_AUTO && read_count(f, &c, &count, &head) != COUNT_NONE);
    if (whole && !counted && n <= FRAME_MAX_BYTES)
        deliver(&c, (struct str){bytes, n});
    else
        out->lost++;
    out->lines.n = (size_t)(c.to - bytes);
}
