#include "parse/shape.h"

#include "base/ip.h"
#include "parse/cursor.h"

static bool is_hex(char ch)
{
    return is_digit(ch) || (ch >= 'a' && ch <= 'f') || (ch >= 'A' && ch <= 'F');
}

/* The run of bytes that an address or a number may consist of. */
static size_t run_length(const struct cursor *c)
{
    size_t n = 0;

    while (is_hex(peek(c, n)) || peek(c, n) == '.' || peek(c, n) == ':')
        n++;
    while (n > 0 && (c->p[n - 1] == '.' || c->p[n - 1] == ':')) /* a sentence's end */
        n--;
    return n;
}

static bool is_mac(struct str s)
{
    if (s.n < 17 || s.n % 3 != 2)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (i % 3 == 2 ? s.p[i] != ':' : !is_hex(s.p[i]))
            return false;
    return true;
}

static size_t number_length(const struct cursor *c)
{
    size_t n = 0;

    if (peek(c, 0) == '0' && (peek(c, 1) == 'x' || peek(c, 1) == 'X') && is_hex(peek(c, 2))) {
        for (n = 2; is_hex(peek(c, n)); n++)
            ;
        return n;
    }
    while (is_digit(peek(c, n)))
        n++;
    return n;
}

static size_t put(char *out, size_t at, struct str s)
{
    for (size_t i = 0; i < s.n && at < SHAPE_MAX; i++)
        out[at++] = (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? '?' : s.p[i];
    return at;
}

size_t shape_of(struct str text, char out[SHAPE_MAX + 1])
{
    struct cursor c = cursor_over(text);
    bool in_word = false;
    size_t at = 0;
    struct ip ip;

    while (c.p < c.end && at < SHAPE_MAX) {
        struct str run = {c.p, in_word ? 0 : run_length(&c)};
        size_t n = number_length(&c);
        if (run.n > 2 && is_mac(run)) {
            at = put(out, at, STR("<mac>"));
            c.p += run.n;
        } else if (run.n > 2 && ip_parse(run, &ip) == 0) {
            at = put(out, at, STR("<ip>"));
            c.p += run.n;
        } else if (n > 0) {
            at = put(out, at, STR("#"));
            c.p += n;
        } else {
            in_word = is_letter(*c.p);
            at = put(out, at, (struct str){c.p++, 1});
            continue;
        }
        in_word = false;
    }
    out[at] = 0;
    return at;
}
