#include "parse/notice.h"

#include <string.h>

#include "parse/envelope.h"

/* The words before and after the number, in the message of the logger with this tag. */
static const struct {
    const char *tag, *before, *after;
} notices[] = {
    {"kernel", ": ", " callbacks suppressed"},
    {"kernel", ": ", " messages suppressed"},
    {"kernel", ": ", " output lines suppressed due to ratelimiting"},
    {"systemd-journald", "Suppressed ", " messages from "},
    {"systemd-journal", "Suppressed ", " messages from "},
    {"journal", "Suppressed ", " messages from "},
    {"rsyslogd", "lost ", " messages from "},
    {"rsyslogd", ": ", " messages lost due to rate-limiting"},
};

enum { NOTICES = sizeof notices / sizeof *notices, DIGITS_MAX = 12 };

/* The number between the two words, wherever they stand. */
static bool find_number(struct str text, const char *before, const char *after, uint64_t *n)
{
    const char *at = memmem(text.p, text.n, after, strlen(after));
    size_t digits = 0, skip = strlen(before);

    if (!at)
        return false;
    while (at - digits > text.p && digits < DIGITS_MAX && at[-1 - (long)digits] >= '0' &&
           at[-1 - (long)digits] <= '9')
        digits++;
    const char *from = at - digits;
    if (digits == 0 || (size_t)(from - text.p) < skip || memcmp(from - skip, before, skip) != 0)
        return false;
    for (*n = 0; from < at; from++)
        *n = *n * 10 + (uint64_t)(*from - '0');
    return true;
}

bool notice_lost(struct str line, uint64_t *n)
{
    struct envelope env;

    if (!memmem(line.p, line.n, "uppressed", 9) && !memmem(line.p, line.n, "lost", 4))
        return false;
    envelope_parse(line, NULL, &env);
    for (size_t i = 0; i < NOTICES; i++)
        if (str_eq(env.tag, str_from(notices[i].tag)) &&
            find_number(env.body, notices[i].before, notices[i].after, n))
            return true;
    return false;
}
