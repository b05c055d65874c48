/* Heads of RFC 5424. */
#include "parse/envelope_parts.h"
#include "parse/words.h"

/* Structured data begins with "[NAME " or "[NAME]" (RFC 5424 6.3); other text in brackets, such as
 * Check Point's "[action:"Drop"; ...]", is message. */
static bool is_structured_data(const struct cursor *c)
{
    size_t at = 1;

    if (peek(c, 0) != '[')
        return false;
    while (peek(c, at) > ' ' && !memchr("=\"]:;", peek(c, at), 5))
        at++;
    return at > 1 && (peek(c, at) == ' ' || peek(c, at) == ']');
}

/* Past the elements: quoted values may hold blanks, "\]" and "\"". */
static void skip_structured_data(struct cursor *c)
{
    bool quoted = false;

    for (; c->p < c->end; c->p++) {
        if (quoted && *c->p == '\\' && c->p + 1 < c->end)
            c->p++;
        else if (*c->p == '"')
            quoted = !quoted;
        else if (!quoted && *c->p == ']' && peek(c, 1) != '[') {
            c->p++;
            break;
        }
    }
}

/* A word that isn't "-"; moves past it. */
static struct str take_word(struct cursor *c)
{
    struct str w = cursor_word(c);

    skip_word(c);
    return str_eq(w, STR("-")) ? (struct str){w.p, 0} : w;
}

/* Where nothing follows the structured data, it is what the sender has to say (Juniper, Check
 * Point): then the message begins with MSGID. */
void take_5424(struct cursor *c, struct envelope *out)
{
    c->p += 2;
    struct str stamp = take_word(c);
    if (stamp.n && stamp_read(stamp, &out->stamp) == stamp.n)
        out->stamp_text = stamp;
    else
        out->stamp.kind = STAMP_NONE;
    struct str host = take_word(c), tag = take_word(c);
    if (host.n)
        out->host = host;
    struct str pid = take_word(c);
    struct cursor whole = *c;
    skip_word(c);
    if (is_structured_data(c)) {
        skip_structured_data(c);
        if (peek(c, 0) == ' ')
            c->p++;
        else if (c->p == c->end && c->p[-1] == ']')
            *c = whole;
    } else if (str_eq(cursor_word(c), STR("-"))) { /* some leave it out */
        skip_word(c);
    }
    if (peek(c, 0) == '\xef' && peek(c, 1) == '\xbb' && peek(c, 2) == '\xbf')
        c->p += 3;
    take_message(c, 0, out);
    if (tag.n)
        out->tag = tag;
    out->process |= word_number(pid, INT32_MAX) > 0;
}
