/* cursor.h - a reader over a line; past its end it reads NUL, which matches nothing. Any thread. */
#ifndef SCANTIDE_PARSE_CURSOR_H
#define SCANTIDE_PARSE_CURSOR_H

#include "base/str.h"

struct cursor {
    const char *p, *end;
};

static inline struct cursor cursor_over(struct str s)
{
    return (struct cursor){s.p, s.n ? s.p + s.n : s.p}; /* p may be NULL */
}

static inline struct str cursor_rest(const struct cursor *c)
{
    return (struct str){c->p, (size_t)(c->end - c->p)};
}

static inline char peek(const struct cursor *c, size_t i)
{
    return (size_t)(c->end - c->p) > i ? c->p[i] : 0;
}

static inline bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

static inline bool is_letter(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

/* `n` digits at offset `at`; -1 where one isn't. */
static inline int cursor_number(const struct cursor *c, size_t at, size_t n)
{
    int v = 0;

    for (size_t i = 0; i < n; i++) {
        char ch = peek(c, at + i);
        if (!is_digit(ch))
            return -1;
        v = v * 10 + (ch - '0');
    }
    return v;
}

#endif
