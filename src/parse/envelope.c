#include "parse/envelope.h"

#include <stdbool.h>

/* A reader over the line; past its end it reads NUL, which matches nothing. */
struct cursor {
    const char *p, *end;
};

static char peek(const struct cursor *c, size_t i)
{
    return (size_t)(c->end - c->p) > i ? c->p[i] : 0;
}

static bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

/* `n` digits at offset `at`; -1 where one isn't. */
static int number(const struct cursor *c, size_t at, size_t n)
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

static int month_number(const char *p)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int m = 0; m < 12; m++)
        if (p[0] == names[m * 3] && p[1] == names[m * 3 + 1] && p[2] == names[m * 3 + 2])
            return m + 1;
    return 0;
}

/* "hh:mm:ss" at `at`; seconds of the day, or -1. */
static int time_of_day(const struct cursor *c, size_t at)
{
    int h = number(c, at, 2), m = number(c, at + 3, 2), s = number(c, at + 6, 2);

    if (h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60 || peek(c, at + 2) != ':' ||
        peek(c, at + 5) != ':')
        return -1;
    return h * 3600 + m * 60 + s;
}

static size_t skip_fraction(const struct cursor *c, size_t at)
{
    if ((peek(c, at) != '.' && peek(c, at) != ',') || !is_digit(peek(c, at + 1)))
        return at;
    for (at++; is_digit(peek(c, at)); at++)
        ;
    return at;
}

static bool valid_day(int month, int day)
{
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return day >= 1 && day <= days[month - 1];
}

/* " yyyy " at `at`: the year; 0 where it isn't one. */
static int year_behind(const struct cursor *c, size_t at)
{
    int year = peek(c, at) == ' ' && peek(c, at + 5) == ' ' ? number(c, at + 1, 4) : 0;
    return year >= 1970 ? year : 0;
}

/* "[yyyy ]Mmm [d]d[ yyyy] hh:mm:ss[.frac][ yyyy][:]"; the length read, or 0. */
static size_t bsd_stamp(const struct cursor *c, struct stamp *out)
{
    size_t at = 0;
    int year = 0;

    if (peek(c, 4) == ' ' && (year = number(c, 0, 4)) >= 1970)
        at = 5;
    else
        year = 0;
    if ((size_t)(c->end - c->p) < at + 14 || peek(c, at + 3) != ' ')
        return 0;
    int month = month_number(c->p + at);
    if (!month)
        return 0;
    at += 4;
    while (peek(c, at) == ' ')
        at++;
    int day = number(c, at, 2);
    if (day >= 0)
        at += 2;
    else if ((day = number(c, at, 1)) >= 0)
        at += 1;
    if (day < 0 || !valid_day(month, day) || peek(c, at) != ' ')
        return 0;
    at++;
    if (!year && peek(c, at + 4) == ' ' && (year = number(c, at, 4)) >= 1970)
        at += 5;
    else if (year < 1970)
        year = 0;
    int seconds = time_of_day(c, at);
    if (seconds < 0)
        return 0;
    at = skip_fraction(c, at + 8);
    if (!year && (year = year_behind(c, at)))
        at += 5;
    out->month = (uint8_t)month;
    out->day = (uint8_t)day;
    out->seconds = seconds;
    out->kind = STAMP_YEARLESS;
    if (year) {
        int64_t date = civil_seconds(year, (unsigned)month, (unsigned)day, 0, 0, 0);
        if (civil_from_seconds(date).day != (unsigned)day) { /* no leap year */
            out->kind = STAMP_NONE;
            return 0;
        }
        out->kind = STAMP_LOCAL;
        out->seconds += date;
    }
    return at;
}

/* What stands between a date's parts and before its time: RFC 3339, with a blank for the T, with
 * slashes (Yamaha, Huawei) or with colons (Sophos UTM: "2026:11:24-10:00:01"). */
static bool date_signs(const struct cursor *c)
{
    char sign = peek(c, 4), before_time = peek(c, 10);

    if (peek(c, 7) != sign)
        return false;
    if (sign == ':')
        return before_time == '-';
    return (sign == '-' || sign == '/') && (before_time == 'T' || before_time == ' ');
}

/* RFC 3339 and its like, the offset optional, with or without its colon; the length read, or 0. */
static size_t iso_stamp(const struct cursor *c, struct stamp *out)
{
    int year = number(c, 0, 4), month = number(c, 5, 2), day = number(c, 8, 2);

    if (year < 1970 || month < 1 || month > 12 || day < 1 || !date_signs(c))
        return 0;
    int seconds = time_of_day(c, 11);
    int64_t date = civil_seconds(year, (unsigned)month, (unsigned)day, 0, 0, 0);
    if (seconds < 0 || civil_from_seconds(date).day != (unsigned)day)
        return 0;
    size_t at = skip_fraction(c, 19);
    out->kind = STAMP_LOCAL;
    out->seconds = date + seconds;
    char sign = peek(c, at);
    if (sign == 'Z') {
        out->kind = STAMP_UTC;
        return at + 1;
    }
    if (sign != '+' && sign != '-')
        return at;
    size_t colon = peek(c, at + 3) == ':';
    int hours = number(c, at + 1, 2), minutes = number(c, at + 3 + colon, 2);
    if (hours < 0 || minutes < 0)
        return at;
    if (hours > 23 || minutes > 59) { /* RFC 3339 5.6 */
        out->kind = STAMP_NONE;
        return 0;
    }
    out->kind = STAMP_UTC;
    out->seconds -= (sign == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
    return at + 5 + colon;
}

/* Seconds since 1970 with or without a fraction, or milliseconds, and a blank behind (Meraki); the
 * length read, or 0. */
static size_t epoch_stamp(const struct cursor *c, struct stamp *out)
{
    size_t n = 0;
    int64_t v = 0;

    for (; n < 14 && is_digit(peek(c, n)); n++)
        v = v * 10 + (peek(c, n) - '0');
    if ((n != 9 && n != 10 && n != 13) || peek(c, 0) == '0')
        return 0;
    size_t end = n == 13 ? n : skip_fraction(c, n);
    if (peek(c, end) != ' ')
        return 0;
    out->kind = STAMP_UTC;
    out->seconds = n == 13 ? v / 1000 : v;
    return end;
}

/* "<PRI>" with at most 191 (RFC 5424 6.2.1), and the blank some senders put behind it. */
static void skip_priority(struct cursor *c)
{
    size_t at = 1;

    if (peek(c, 0) != '<')
        return;
    while (at <= 3 && is_digit(peek(c, at)))
        at++;
    if (at == 1 || peek(c, at) != '>' || number(c, 1, at - 1) > 191)
        return;
    c->p += at + 1;
    if (peek(c, 0) == ' ')
        c->p++;
}

static struct str word(const struct cursor *c)
{
    const char *space = memchr(c->p, ' ', (size_t)(c->end - c->p));
    return (struct str){c->p, (size_t)((space ? space : c->end) - c->p)};
}

static void skip_word(struct cursor *c)
{
    struct str w = word(c);

    c->p += w.n;
    if (c->p < c->end)
        c->p++;
}

/* A word that says what became of a packet, and where a host would stand: a LOG prefix, or the
 * action of Windows' pfirewall.log. */
static bool is_verdict(struct str w)
{
    static const char *const words[] = {"DROP",         "REJECT",          "DENY", "BLOCK",
                                        "ACCEPT",       "ALLOW",           "OPEN", "CLOSE",
                                        "OPEN-INBOUND", "INFO-EVENTS-LOST"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq(w, str_from(words[i])))
            return true;
    return false;
}

static bool is_host(struct str w)
{
    if (w.n == 0 || w.n > 255 || w.p[w.n - 1] == ':')
        return false;
    if (w.p[0] == '[' || w.p[0] == '%' || w.p[0] == '<' || w.p[0] == '"')
        return false;
    return !memchr(w.p, '=', w.n) && !memchr(w.p, '[', w.n) && !is_verdict(w);
}

/* A tag that names the logger and so says nothing of the rule: "kernel:", "name[pid]:". Others
 * ("DENY:") stay in the message, since they may be a LOG prefix. */
static bool skip_tag(struct cursor *c)
{
    struct str w = word(c);

    if (w.n < 2 || w.p[w.n - 1] != ':')
        return false;
    bool has_pid = w.n > 3 && w.p[w.n - 2] == ']' && memchr(w.p, '[', w.n) && w.p[0] != '[';
    if (!has_pid && !str_eq(w, STR("kernel:")))
        return false;
    skip_word(c);
    return true;
}

/* "[12345.678901] ", padded with blanks inside. */
static void skip_uptime(struct cursor *c)
{
    size_t at = 1;

    if (peek(c, 0) != '[')
        return;
    while (peek(c, at) == ' ')
        at++;
    size_t from = at;
    while (is_digit(peek(c, at)))
        at++;
    if (at == from || peek(c, at) != '.' || !is_digit(peek(c, at + 1)))
        return;
    for (at++; is_digit(peek(c, at)); at++)
        ;
    if (peek(c, at) != ']')
        return;
    c->p += at + 1;
    if (peek(c, 0) == ' ')
        c->p++;
}

/* Behind the time: "[HOST ]...[TAG: ][uptime] MSG". */
static void rest_of_line(struct cursor *c, struct str line, struct envelope *out)
{
    out->head = 0;
    while (peek(c, 0) == ' ')
        c->p++;
    struct str w = word(c);
    if (is_host(w) && c->p + w.n < c->end) {
        out->host = w;
        skip_word(c);
        if (str_eq(word(c), w)) /* UniFi says it twice */
            skip_word(c);
    }
    if (skip_tag(c) && c->p[-1] == ' ')
        out->head = (size_t)(c->p - line.p);
    skip_uptime(c);
    out->message = (struct str){c->p, (size_t)(c->end - c->p)};
}

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

/* RFC 5424: "1 TIME HOST APP PROCID MSGID SD MSG", the version and a blank already known to be
 * there. Where nothing follows the structured data, it is what the sender has to say (Juniper,
 * Check Point): then the message begins with MSGID. */
static void rfc5424(struct cursor *c, struct envelope *out)
{
    c->p += 2;
    struct str w = word(c);
    struct cursor stamp = {w.p, w.p + w.n};
    if (iso_stamp(&stamp, &out->stamp) == w.n)
        out->stamp_text = w;
    else
        out->stamp.kind = STAMP_NONE;
    skip_word(c);
    w = word(c);
    if (!str_eq(w, STR("-")))
        out->host = w;
    for (int i = 0; i < 3; i++) /* HOST APP PROCID */
        skip_word(c);
    struct cursor whole = *c;
    skip_word(c);
    if (is_structured_data(c)) {
        skip_structured_data(c);
        if (peek(c, 0) == ' ')
            c->p++;
        else if (c->p == c->end && c->p[-1] == ']')
            *c = whole;
    } else if (peek(c, 0) != '[') {
        skip_word(c);
    }
    if (peek(c, 0) == '\xef' && peek(c, 1) == '\xbb' && peek(c, 2) == '\xbf')
        c->p += 3;
    skip_uptime(c);
    out->message = (struct str){c->p, (size_t)(c->end - c->p)};
}

/* "1 " before an RFC 3339 time, which is a head even without its priority. */
static bool begins_rfc5424(const struct cursor *c, bool has_priority)
{
    struct cursor behind = {c->p + 2, c->end};
    struct stamp stamp;

    if (peek(c, 0) != '1' || peek(c, 1) != ' ')
        return false;
    return has_priority || (peek(c, 12) == 'T' && iso_stamp(&behind, &stamp));
}

struct str envelope_message(struct str line, size_t head)
{
    struct cursor c = {line.p + head, line.p + line.n};

    skip_uptime(&c);
    return (struct str){c.p, (size_t)(c.end - c.p)};
}

void envelope_parse_rest(struct str line, size_t stamp_len, struct envelope *out)
{
    struct cursor c = {line.p + stamp_len, line.p + line.n};

    out->host = (struct str){line.p, 0};
    rest_of_line(&c, line, out);
}

void envelope_parse(struct str line, struct envelope *out)
{
    struct cursor c = {line.p, line.p + line.n};

    *out = (struct envelope){.host = {line.p, 0}, .stamp_text = {line.p, 0}};
    skip_priority(&c);
    bool has_priority = c.p > line.p;
    size_t n = 0;
    if (has_priority && peek(&c, 0) == '1' &&
        peek(&c, 1) == ' ') { /* Meraki's "1 " is no version */
        struct cursor behind = {c.p + 2, c.end};
        if ((n = epoch_stamp(&behind, &out->stamp)))
            c = behind;
    }
    if (n == 0 && begins_rfc5424(&c, has_priority)) {
        rfc5424(&c, out);
        return;
    }
    if (n == 0 && is_digit(peek(&c, 0)))
        n = iso_stamp(&c, &out->stamp);
    if (n == 0 && has_priority)
        n = epoch_stamp(&c, &out->stamp);
    if (n == 0)
        n = bsd_stamp(&c, &out->stamp);
    if (n == 0) {
        skip_tag(&c);
        skip_uptime(&c);
        out->message = (struct str){c.p, (size_t)(c.end - c.p)};
        return;
    }
    out->stamp_text = (struct str){c.p, n};
    c.p += n;
    if (peek(&c, 0) == ':') /* Cisco's colon behind the time */
        c.p++;
    rest_of_line(&c, line, out);
}
