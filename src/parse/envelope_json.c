/* Lines of `journalctl -o json`: one object a line; MESSAGE is a string, or a list of bytes where
 * it isn't UTF-8. Source: systemd.journal-fields(7), Journal JSON Format. */
#include "base/find.h"
#include "parse/envelope_parts.h"

static void skip_space(struct cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
        c->p++;
}

/* A string's bytes as they stand, the cursor behind its opening quote and then behind the closing
 * one; false where that is missing. */
static bool take_string(struct cursor *c, struct str *out, bool *escaped)
{
    const char *from = c->p;

    *escaped = false;
    for (; c->p < c->end && *c->p != '"'; c->p++)
        if (*c->p == '\\' && c->p + 1 < c->end) {
            *escaped = true;
            c->p++;
        }
    *out = (struct str){from, (size_t)(c->p - from)};
    return c->p++ < c->end;
}

/* Past a value that isn't of interest. */
static bool skip_value(struct cursor *c)
{
    struct str s;
    bool escaped;
    int depth = 0;

    do {
        char ch = peek(c, 0);
        if (c->p >= c->end)
            return false;
        c->p++;
        if (ch == '"' && !take_string(c, &s, &escaped))
            return false;
        depth += (ch == '[' || ch == '{') - (ch == ']' || ch == '}');
    } while (depth > 0 || (c->p < c->end && *c->p != ',' && *c->p != '}'));
    return true;
}

static int hex4(const char *p)
{
    int v = 0;

    for (int i = 0; i < 4; i++) {
        char low = p[i] | 0x20;
        if (is_digit(p[i]))
            v = v * 16 + (p[i] - '0');
        else if (low >= 'a' && low <= 'f')
            v = v * 16 + (low - 'a' + 10);
        else
            return -1;
    }
    return v;
}

static size_t put_utf8(char *out, int code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3f));
    out[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}

/* RFC 8259 7; surrogates are written as they come, which is never longer than what stands there. */
static struct str unescape(struct str s, char *out)
{
    static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\\' || i + 1 == s.n) {
            out[n++] = s.p[i];
            continue;
        }
        char ch = s.p[++i];
        const char *known = memchr(from, ch, sizeof from - 1);
        int code = ch == 'u' && i + 4 < s.n ? hex4(s.p + i + 1) : -1;
        if (code >= 0) {
            n += put_utf8(out + n, code);
            i += 4;
        } else {
            out[n++] = known ? to[known - from] : ch;
        }
    }
    return (struct str){out, n};
}

/* "[68, 82, ...]", the cursor behind the bracket. */
static bool take_bytes(struct cursor *c, char *out, struct str *message)
{
    size_t n = 0;

    for (;;) {
        int v = 0;
        skip_space(c);
        if (!is_digit(peek(c, 0)))
            break;
        for (; is_digit(peek(c, 0)) && v < 256; c->p++)
            v = v * 10 + (*c->p - '0');
        if (v > 255)
            return false;
        out[n++] = (char)v;
        skip_space(c);
        if (peek(c, 0) == ',')
            c->p++;
    }
    *message = (struct str){out, n};
    return n > 0 && peek(c, 0) == ']';
}

static bool take_message_value(struct cursor *c, char *scratch, struct str *message)
{
    bool escaped;

    if (peek(c, 0) == '[') {
        c->p++;
        if (!take_bytes(c, scratch, message))
            return false;
        c->p++;
        return true;
    }
    if (peek(c, 0) != '"')
        return false;
    c->p++;
    if (!take_string(c, message, &escaped))
        return false;
    if (escaped)
        *message = unescape(*message, scratch);
    return true;
}

static bool take_text(struct cursor *c, struct str *out)
{
    bool escaped;

    if (peek(c, 0) != '"')
        return skip_value(c);
    c->p++;
    return take_string(c, out, &escaped);
}

/* Microseconds since 1970. */
static void take_stamp(struct str text, struct envelope *out)
{
    if (text.n == 16 && stamp_read(text, &out->stamp) == text.n)
        out->stamp_text = text;
    else
        out->stamp.kind = STAMP_NONE;
}

bool take_json(struct str line, char *scratch, struct envelope *out)
{
    struct cursor c = cursor_over(line);
    struct str key, message = {0}, time = {0}, host = {line.p, 0}, tag = {line.p, 0};
    bool escaped;

    if (peek(&c, 0) != '{' || line.p[line.n - 1] != '}' || line.n > LINE_MAX_BYTES ||
        find_literal(line, 0, STR("\"MESSAGE\"")) < 0)
        return false;
    do {
        c.p++;
        skip_space(&c);
        if (peek(&c, 0) != '"')
            return false;
        c.p++;
        if (!take_string(&c, &key, &escaped))
            return false;
        skip_space(&c);
        if (peek(&c, 0) != ':')
            return false;
        c.p++;
        skip_space(&c);
        bool fine = str_eq(key, STR("MESSAGE")) ? take_message_value(&c, scratch, &message)
                    : str_eq(key, STR("__REALTIME_TIMESTAMP")) ? take_text(&c, &time)
                    : str_eq(key, STR("_HOSTNAME"))            ? take_text(&c, &host)
                    : str_eq(key, STR("SYSLOG_IDENTIFIER"))    ? take_text(&c, &tag)
                                                               : skip_value(&c);
        if (!fine)
            return false;
        skip_space(&c);
    } while (peek(&c, 0) == ',');
    if (!message.p)
        return false;
    out->host = host;
    take_stamp(time, out);
    struct cursor text = cursor_over(message);
    take_message(&text, 0, out);
    if (tag.n)
        out->tag = tag;
    out->process |= tag.n > 0 && !str_eq(tag, STR("kernel"));
    return true;
}
