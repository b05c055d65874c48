#include "parse/envelope.h"

#include <strings.h>

#include "parse/envelope_parts.h"

/* A relay's head may stand before the sender's, and that before a further one. */
enum { HEADS_MAX = 3 };

/* ---- words ---- */

/* "<PRI>" with at most 191 (RFC 5424 6.2.1), and the blank some senders put behind it. */
static bool skip_priority(struct cursor *c)
{
    size_t at = 1;

    if (peek(c, 0) != '<')
        return false;
    while (at <= 3 && is_digit(peek(c, at)))
        at++;
    if (at == 1 || peek(c, at) != '>' || cursor_number(c, 1, at - 1) > 191)
        return false;
    c->p += at + 1;
    if (peek(c, 0) == ' ')
        c->p++;
    return true;
}

/* The length of the octet count that leaks in front of a frame (RFC 6587 3.4.1), with its blank. */
static size_t octet_count(const struct cursor *c)
{
    size_t n = 0;

    while (n < 6 && is_digit(peek(c, n)))
        n++;
    if (n < 2 || n > 5 || peek(c, n) != ' ' || peek(c, 0) == '0')
        return 0;
    struct cursor behind = {c->p + n + 1, c->end};
    struct stamp stamp;
    if (skip_priority(&behind) ||
        (peek(&behind, 4) == '-' && stamp_read(cursor_rest(&behind), &stamp)))
        return n + 1;
    return 0;
}

/* Without regard to case. */
static bool is_one_of(struct str w, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(words[i]) == w.n && strncasecmp(words[i], w.p, w.n) == 0)
            return true;
    return false;
}

#define IS_ONE_OF(w, words) is_one_of(w, words, sizeof(words) / sizeof *(words))

/* A word that says what became of a packet, and where a host would stand: a LOG prefix, the action
 * of Windows' pfirewall.log, of WatchGuard's Traffic Monitor or of Check Point's fw log. */
static bool is_verdict(struct str w)
{
    static const char *const words[] = {"DROP",         "REJECT",          "DENY", "BLOCK",
                                        "ACCEPT",       "ALLOW",           "OPEN", "CLOSE",
                                        "OPEN-INBOUND", "INFO-EVENTS-LOST"};
    return w.n >= 4 && memchr("DRBAOCI", w.p[0] & ~0x20, 7) && IS_ONE_OF(w, words);
}

/* "kern.warn", "kern:warn", "Kernel.Warning": facility and severity as logread, busybox' syslogd,
 * AIX and Kiwi write them. */
static bool is_facility(struct str w)
{
    static const char *const severities[] = {"emerg",  "alert", "crit", "critical",
                                             "err",    "error", "warn", "warning",
                                             "notice", "info",  "debug"};

    if (w.n < 5 || w.n > 20 || !memchr("gtlrneo", w.p[w.n - 1], 7)) /* how severities end */
        return false;
    const char *dot = memchr(w.p, '.', w.n);
    if (!dot)
        dot = memchr(w.p, ':', w.n);
    if (!dot || dot == w.p)
        return false;
    for (const char *p = w.p; p < dot; p++)
        if (!is_digit(*p) && !is_letter(*p))
            return false;
    struct str severity = {dot + 1, (size_t)(w.p + w.n - dot - 1)};
    return IS_ONE_OF(severity, severities);
}

static bool is_host(struct str w)
{
    if (w.n == 0 || w.n > 255 || w.p[w.n - 1] == ':')
        return false;
    if (w.p[0] == '[' || w.p[0] == '%' || w.p[0] == '<' || w.p[0] == '"')
        return false;
    if (w.n > 2 && is_digit(w.p[0]) && w.p[1] == ',') /* Palo Alto's fields */
        return false;
    if (str_starts(w, STR("CEF:")) || str_starts(w, STR("LEEF:")))
        return false;
    return !memchr(w.p, '=', w.n) && !memchr(w.p, '[', w.n) && !is_verdict(w);
}

static bool is_tag_byte(char ch)
{
    return is_letter(ch) || is_digit(ch) || ch == '_' || ch == '-' || ch == '.' || ch == '/';
}

/* "name:" or "name[pid]:"; known: one that names the logger and so says nothing of a rule,
 * "kernel:" or one with a pid. */
static bool is_tag(struct str w, struct str *name, bool *known)
{
    size_t n = 0;

    while (n < w.n && is_tag_byte(w.p[n]))
        n++;
    if (n == 0 || w.p[w.n - 1] != ':')
        return false;
    bool has_pid = n + 3 < w.n && w.p[n] == '[' && w.p[w.n - 2] == ']';
    if (n + 1 != w.n && !has_pid)
        return false;
    *name = (struct str){w.p, n};
    *known = has_pid || str_eq(*name, STR("kernel")) || str_eq(*name, STR("/kernel"));
    return true;
}

static bool is_known_tag(struct str w)
{
    struct str name;
    bool known;

    return is_tag(w, &name, &known) && known;
}

bool skip_uptime(struct cursor *c)
{
    size_t at = 1;

    if (peek(c, 0) != '[')
        return false;
    while (peek(c, at) == ' ')
        at++;
    size_t from = at;
    while (is_digit(peek(c, at)))
        at++;
    if (at == from || peek(c, at) != '.' || !is_digit(peek(c, at + 1)))
        return false;
    for (at++; is_digit(peek(c, at)); at++)
        ;
    if (peek(c, at) != ']')
        return false;
    c->p += at + 1;
    if (peek(c, 0) == ' ')
        c->p++;
    return true;
}

/* ---- the message ---- */

/* rsyslog and Solaris: "message repeated 3 times: [ MSG]", which stands for three more. */
static void unwrap_repeated(struct cursor *c, struct envelope *out)
{
    static const struct str words = STR("message repeated ");
    struct str text = cursor_rest(c);
    size_t at = words.n;
    uint32_t times = 0;

    if (!str_starts(text, words))
        return;
    for (; at < words.n + 7 && is_digit(peek(c, at)); at++)
        times = times * 10 + (uint32_t)(peek(c, at) - '0');
    struct str rest = str_skip(text, at);
    if (times == 0 || !str_starts(rest, STR(" times: [")) || rest.p[rest.n - 1] != ']')
        return;
    out->repeated = times;
    c->p = rest.p + 9;
    c->end--;
    if (peek(c, 0) == ' ')
        c->p++;
}

/* Whether a further head may begin here: nearly every message is past this at once. */
static bool may_be_head(const struct cursor *c)
{
    char ch = peek(c, 0);

    if (is_digit(ch))
        return is_digit(peek(c, 1));
    if (ch == '<' || ch == '*' || ch == ':')
        return true;
    return ch >= 'A' && ch <= 'W' && peek(c, 3) == ' ';
}

static bool skip_inner_head(struct cursor *c, int depth, struct envelope *out);

/* Behind a tag that was taken off. */
static void take_text(struct cursor *c, int depth, struct envelope *out)
{
    unwrap_repeated(c, out);
    skip_uptime(c);
    if (depth > 1 && may_be_head(c) && skip_inner_head(c, 1, out))
        return;
    out->message = out->body = cursor_rest(c);
}

void take_message(struct cursor *c, int depth, struct envelope *out)
{
    struct str tag = {c->p, 0};
    struct cursor behind = *c;
    bool known = false;

    if (is_tag(cursor_word(c), &tag, &known))
        skip_word(&behind);
    if (tag.n)
        out->tag = tag;
    if (known) {
        out->process |= tag.p[tag.n] == '[';
        if (behind.p[-1] == ' ')
            out->tag_end = behind.p;
        *c = behind;
    }
    if (known || !tag.n) {
        take_text(c, known ? depth : 0, out);
        return;
    }
    out->message = cursor_rest(c);
    take_text(&behind, depth, out); /* the body; a head in it is no rule's prefix */
    if (out->body.p == behind.p && out->repeated == 1)
        out->message = cursor_rest(c);
}

/* ---- behind the time ---- */

/* Past Cisco's "[seq: ][HOST: ][seq: ][*|.]" to a time, whose length it gives; 0, with nothing
 * moved, where none stands. */
static size_t skip_sequence(struct cursor *c, struct stamp *stamp, struct str *host)
{
    struct cursor at = *c;
    struct str named = {0};

    for (int i = 0; i < 4; i++) {
        if (peek(&at, 0) == '*' || peek(&at, 0) == '.')
            at.p++;
        size_t n = stamp_read(cursor_rest(&at), stamp);
        if (n) {
            if (named.p && !host->n)
                *host = named;
            *c = at;
            return n;
        }
        struct str w = cursor_word(&at), name;
        bool known;
        if (str_eq(w, STR(":"))) {
            skip_word(&at);
            continue;
        }
        if (at.p > c->p + 64 || !is_tag(w, &name, &known) || known)
            return 0;
        bool digits = true;
        for (size_t k = 0; k < name.n; k++)
            digits &= is_digit(name.p[k]);
        if (!digits)
            named = name;
        skip_word(&at);
        skip_blanks(&at);
    }
    return 0;
}

/* Behind a time: a zone's name before a colon ("10:00:01.123 UTC: %SEC"), and the colon itself.
 * Gives the length and whether the name is UTC's. */
static size_t cisco_zone(const struct cursor *c, bool *utc)
{
    size_t at = 0;

    *utc = false;
    if (peek(c, 0) == ' ') {
        for (at = 1; is_letter(peek(c, at)) && at <= 6; at++)
            ;
        if (at < 3 || peek(c, at) != ':' || peek(c, at + 1) != ' ' || peek(c, at + 2) != '%')
            return 0;
        struct str name = {c->p + 1, at - 1};
        *utc = str_eq(name, STR("UTC")) || str_eq(name, STR("GMT"));
    }
    return at;
}

/* Moves behind the time at the cursor, whose `n` bytes have been read into out->stamp. */
static bool take_stamp(struct cursor *c, size_t n, struct envelope *out)
{
    bool utc;

    if (n == 0)
        return false;
    out->stamp_text = (struct str){c->p, n};
    c->p += n;
    n = cisco_zone(c, &utc);
    out->stamp_text.n += n;
    c->p += n;
    if (utc && out->stamp.kind == STAMP_LOCAL)
        out->stamp.kind = STAMP_UTC;
    out->stamp.is_utc = utc;
    return true;
}

/* Whether a host follows a further head's time: before a tag, or behind RFC 3339's time. Other
 * programs' own times ("pf: Nov 24 10:00:01.5 rule 2") have none. */
static bool names_host(const struct cursor *c, struct str stamp)
{
    struct cursor behind = *c;
    struct str name;
    bool known;

    skip_word(&behind);
    return (stamp.n > 10 && stamp.p[10] == 'T') || is_tag(cursor_word(&behind), &name, &known);
}

/* A further head behind the relay's: "[<PRI>][seq: ]TIME[ HOST]", or RFC 5424. Its time and host
 * say nothing new. */
static bool skip_inner_head(struct cursor *c, int depth, struct envelope *out)
{
    struct cursor at = *c;
    struct envelope inner = *out;

    bool has_priority = skip_priority(&at);
    if (has_priority && peek(&at, 0) == '1' && peek(&at, 1) == ' ') {
        take_5424(&at, &inner);
    } else {
        struct str host = out->host;
        if (!take_stamp(&at, skip_sequence(&at, &inner.stamp, &host), &inner))
            return false;
        bool colon = peek(&at, 0) == ':';
        if (!colon && peek(&at, 0) != ' ')
            return false;
        at.p += colon;
        skip_blanks(&at);
        if (!colon && names_host(&at, inner.stamp_text))
            take_rest(&at, depth - 1, &inner);
        else
            take_message(&at, depth - 1, &inner);
    }
    if (!out->host.n)
        out->host = inner.host;
    if (inner.tag.n)
        out->tag = inner.tag;
    out->message = inner.message;
    out->body = inner.body;
    out->repeated = inner.repeated;
    out->process |= inner.process; /* who passed it on may have made it up */
    out->tag_end = NULL;
    return true;
}

/* "\tKernel.Warning\t192.0.2.1\tMSG", Kiwi Syslog's files. */
static bool take_kiwi(struct cursor *c, int depth, struct envelope *out)
{
    struct cursor at = {c->p + 1, c->end};
    struct str words[2];

    for (size_t i = 0; i < 2; i++) {
        const char *tab = memchr(at.p, '\t', (size_t)(at.end - at.p));
        if (!tab)
            return false;
        words[i] = (struct str){at.p, (size_t)(tab - at.p)};
        at.p = tab + 1;
    }
    if (!is_facility(words[0]) || !is_host(words[1]))
        return false;
    out->host = words[1];
    *c = at;
    if (depth <= 1 || !may_be_head(c) || !skip_inner_head(c, depth, out))
        take_message(c, depth, out);
    return true;
}

void take_rest(struct cursor *c, int depth, struct envelope *out)
{
    if (peek(c, 0) == '\t' && take_kiwi(c, depth, out))
        return;
    skip_blanks(c);
    struct str w = cursor_word(c);
    if (is_facility(w)) { /* logread: no host behind it */
        skip_word(c);
        take_message(c, depth, out);
        return;
    }
    if (depth > 1 && may_be_head(c) && skip_inner_head(c, depth, out))
        return;
    if (is_host(w) && c->p + w.n < c->end) {
        out->host = w;
        skip_word(c);
        if (str_eq(cursor_word(c), w)) /* UniFi says it twice */
            skip_word(c);
        if (is_facility(cursor_word(c)))
            skip_word(c);
        if (peek(c, 0) == ':' && peek(c, 1) == ' ') /* Cisco's ASA: "fw01 : %ASA" */
            c->p += 2;
        if (depth > 1 && may_be_head(c) && skip_inner_head(c, depth, out))
            return;
    }
    take_message(c, depth, out); /* "pf: Nov 24 10:00:01.123 rule", "junos: 2026-11-24T..." */
}

/* ---- lines ---- */

/* "VMID LEVEL CHAIN 24/Nov/2026:10:00:01 +0900 MSG", Proxmox' pvefw-logger. */
static bool take_pve(struct cursor *c, struct envelope *out)
{
    struct cursor at = *c;

    for (int i = 0; i < 2; i++) {
        struct str w = cursor_word(&at);
        if (w.n == 0 || w.n > 10)
            return false;
        for (size_t k = 0; k < w.n; k++)
            if (!is_digit(w.p[k]))
                return false;
        skip_word(&at);
    }
    skip_word(&at); /* CHAIN */
    if (peek(&at, 2) != '/' || !take_stamp(&at, stamp_read(cursor_rest(&at), &out->stamp), out))
        return false;
    skip_blanks(&at);
    *c = at;
    take_message(c, 0, out);
    return true;
}

/* "[Tue Nov 24 10:00:01 2026] MSG", dmesg -T. */
static bool take_dmesg(struct cursor *c, struct envelope *out)
{
    struct cursor at = {c->p + 1, c->end};

    if (peek(c, 0) != '[' || !is_letter(peek(c, 1)))
        return false;
    size_t n = stamp_read(cursor_rest(&at), &out->stamp);
    if (n == 0 || peek(&at, n) != ']') {
        out->stamp.kind = STAMP_NONE;
        return false;
    }
    take_stamp(&at, n, out);
    at.p++;
    skip_blanks(&at);
    *c = at;
    take_message(c, 0, out);
    return true;
}

/* "kern  :warn  : ", dmesg -x. */
static void skip_dmesg_level(struct cursor *c)
{
    struct cursor at = *c;

    for (int i = 0; i < 2; i++) {
        size_t n = 0;
        while (peek(&at, n) >= 'a' && peek(&at, n) <= 'z')
            n++;
        size_t end = n;
        while (peek(&at, end) == ' ')
            end++;
        if (n < 3 || end < 6 || end > 8 || peek(&at, end) != ':')
            return;
        at.p += end + 1;
    }
    skip_blanks(&at);
    *c = at;
}

/* "00:00:46: ", "1w2d: " before Cisco's "%FAC-": how long it has been up, which is no time. */
static void skip_cisco_uptime(struct cursor *c)
{
    struct cursor at = *c;

    for (int i = 0; i < 3; i++) {
        struct str w = cursor_word(&at);
        if (w.n < 2 || w.n > 32 || w.p[w.n - 1] != ':' || !is_digit(w.p[0]))
            return;
        skip_word(&at);
        if (peek(&at, 0) == '%') {
            *c = at;
            return;
        }
    }
}

/* grep's name of a file, glued to the time: "messages:Nov 24 10:00:01". */
static void skip_file_name(struct cursor *c)
{
    const char *colon = memchr(c->p, ':', (size_t)(c->end - c->p));
    struct stamp stamp;

    if (!colon || colon - c->p > 255 || colon + 1 == c->end || colon[1] == ' ')
        return;
    for (const char *p = c->p; p < colon; p++)
        if (!is_tag_byte(*p))
            return;
    struct cursor behind = {colon + 1, c->end};
    if (is_digit(c->p[0]) || !stamp_read(cursor_rest(&behind), &stamp))
        return;
    c->p = colon + 1;
}

/* No time: "[HOST ]kernel: [uptime] MSG", "[uptime] [HOST kernel: ]MSG" (journalctl -o
 * short-monotonic, dmesg). */
static void take_timeless(struct cursor *c, struct envelope *out)
{
    skip_dmesg_level(c);
    skip_cisco_uptime(c);
    if (is_facility(cursor_word(c)))
        skip_word(c);
    if (skip_uptime(c)) {
        struct cursor behind = *c;
        struct str w = cursor_word(c);
        skip_word(&behind);
        if (is_host(w) && is_known_tag(cursor_word(&behind))) {
            out->host = w;
            *c = behind;
        }
    }
    take_message(c, 0, out);
}

/* An epoch says nothing as a word of its own: it needs a priority before it (Meraki), or
 * microseconds (journalctl -o short-unix), and a blank behind. */
static bool is_stamp(const struct cursor *c, size_t n, bool has_priority)
{
    bool epoch = is_digit(peek(c, 0)) && is_digit(peek(c, 4)) && n >= 10;

    if (!n || !epoch)
        return n > 0;
    return peek(c, n) == ' ' && (has_priority || (n == 17 && peek(c, 10) == '.'));
}

/* dmesg --time-format iso, whose fraction has a comma, names no host. */
static bool is_dmesg_iso(struct str stamp)
{
    return stamp.n > 20 && stamp.p[10] == 'T' && stamp.p[19] == ',';
}

/* "1 " behind the priority: a version, which counts without a priority too where an RFC 3339 time
 * follows; true. Meraki's before an epoch is none, and skipped. */
static bool is_version(struct cursor *c, bool has_priority)
{
    struct cursor behind = {c->p + 2, c->end};
    struct stamp stamp;

    if (peek(c, 0) != '1' || peek(c, 1) != ' ')
        return false;
    size_t n = stamp_read(cursor_rest(&behind), &stamp);
    if (has_priority && n && is_digit(peek(&behind, 4))) {
        *c = behind;
        return false;
    }
    return has_priority || (n && peek(&behind, 10) == 'T');
}

/* Moves to the line's time and gives its length; 0 where it has none that a head begins with. */
static size_t find_stamp(struct cursor *c, bool has_priority, struct stamp *stamp, struct str *host)
{
    size_t n = stamp_read(cursor_rest(c), stamp);

    if (n == 0) {
        skip_file_name(c);
        n = skip_sequence(c, stamp, host);
    } else if (!is_stamp(c, n, has_priority)) {
        stamp->kind = STAMP_NONE;
        n = 0;
    }
    return n;
}

static void take_line(struct cursor *c, struct envelope *out)
{
    const char *start = c->p;
    bool has_priority = skip_priority(c);

    if (is_version(c, has_priority)) {
        take_5424(c, out);
        return;
    }
    struct str host = {c->p, 0};
    size_t n = find_stamp(c, has_priority, &out->stamp, &host);
    if (n == 0) {
        if (!take_pve(c, out) && !take_dmesg(c, out))
            take_timeless(c, out);
        return;
    }
    const char *stamp_at = c->p;
    take_stamp(c, n, out);
    if (is_dmesg_iso(out->stamp_text)) {
        skip_blanks(c);
        take_message(c, 0, out);
        return;
    }
    out->plain = stamp_at == start || (has_priority && stamp_at[-1] == '>');
    if (peek(c, 0) == ':') { /* Cisco's colon behind the time */
        c->p++;
        out->plain = false;
    }
    take_rest(c, HEADS_MAX, out);
    if (!out->host.n)
        out->host = host;
}

static void begin(struct str line, struct envelope *out)
{
    out->host = out->tag = (struct str){line.p, 0};
    out->tag_end = NULL;
    out->process = false;
    out->repeated = 1;
}

void envelope_parse(struct str line, char *scratch, struct envelope *out)
{
    struct cursor c = cursor_over(line);

    *out = (struct envelope){.stamp_text = {line.p, 0}};
    begin(line, out);
    if (scratch && take_json(line, scratch, out))
        return;
    c.p += octet_count(&c);
    take_line(&c, out);
}

void envelope_parse_message(struct str line, size_t head, struct envelope *out)
{
    struct cursor c = {line.p + head, line.p + line.n};

    out->repeated = 1;
    take_text(&c, HEADS_MAX, out);
}

void envelope_parse_rest(struct str line, size_t stamp_len, struct envelope *out)
{
    struct cursor c = {line.p + stamp_len, line.p + line.n};

    begin(line, out);
    take_rest(&c, HEADS_MAX, out);
}
