#include "input/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "base/check.h"
#include "base/zone.h"

struct journal {
    sd_journal *sd;
    const char *const *matches;
    size_t match_count;
};

static int add_matches(struct journal *j)
{
    int rc = 0;

    sd_journal_flush_matches(j->sd);
    for (size_t i = 0; i < j->match_count && rc >= 0; i++)
        rc = strcmp(j->matches[i], "+") == 0 ? sd_journal_add_disjunction(j->sd)
                                             : sd_journal_add_match(j->sd, j->matches[i], 0);
    return rc < 0 ? rc : 0;
}

/* Whether there is any entry that this user may read. */
static bool may_read(struct journal *j)
{
    sd_journal_flush_matches(j->sd);
    return sd_journal_seek_head(j->sd) >= 0 && sd_journal_next(j->sd) > 0;
}

int journal_open(const char *folder, const char *const *matches, size_t n, struct journal **out,
                 struct error *err)
{
    struct journal *j = xcalloc(1, sizeof *j);

    j->matches = matches;
    j->match_count = n;
    int rc = folder ? sd_journal_open_directory(&j->sd, folder, 0)
                    : sd_journal_open(&j->sd, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
    if (rc >= 0 && !may_read(j))
        rc = -EACCES;
    if (rc >= 0)
        rc = add_matches(j);
    if (rc >= 0)
        rc = sd_journal_set_data_threshold(j->sd, JOURNAL_LINE_MAX);
    if (rc >= 0) {
        *out = j;
        return 0;
    }
    if (rc == -EACCES)
        error_add(err, folder ? folder : "the journal", 0, 0,
                  "there is no entry in it that may be read: join the group systemd-journal "
                  "(usermod -aG systemd-journal USER), or look whether systemd-journald runs");
    else
        error_add(err, folder ? folder : "the journal", 0, 0, "it can't be read (%s)",
                  strerror(-rc));
    journal_close(j);
    return rc;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->sd)
        sd_journal_close(j->sd);
    free(j);
}

int journal_set_matches(struct journal *j, const char *const *matches, size_t n)
{
    bool same = n == j->match_count;

    for (size_t i = 0; i < n && same; i++)
        same = strcmp(matches[i], j->matches[i]) == 0;
    j->matches = matches;
    j->match_count = n;
    return same ? 0 : add_matches(j); /* sd-journal goes on behind the entry that was read last */
}

int journal_fd(const struct journal *j)
{
    return sd_journal_get_fd(j->sd);
}

int journal_events(const struct journal *j)
{
    return sd_journal_get_events(j->sd);
}

int journal_process(struct journal *j)
{
    int rc = sd_journal_process(j->sd);
    return rc < 0 ? rc : 0;
}

/* Whether the entry itself is still there: asked without the matches, which may be others by now. */
static int has_entry(struct journal *j, const char *cursor)
{
    sd_journal_flush_matches(j->sd);
    int rc = sd_journal_seek_cursor(j->sd, cursor);
    if (rc >= 0)
        rc = sd_journal_next(j->sd);
    if (rc > 0)
        rc = sd_journal_test_cursor(j->sd, cursor);
    int again = add_matches(j);
    return rc < 0 ? rc : again < 0 ? again : rc;
}

static struct str field(struct journal *j, const char *name)
{
    const void *data;
    size_t n, skip = strlen(name) + 1;

    if (sd_journal_get_data(j->sd, name, &data, &n) < 0 || n < skip)
        return (struct str){"", 0};
    return (struct str){(const char *)data + skip, n - skip};
}

/* When the sender says it was, else when it came. */
static int64_t entry_when(struct journal *j)
{
    struct str source = field(j, "_SOURCE_REALTIME_TIMESTAMP");
    uint64_t usec = 0;

    for (size_t i = 0; i < source.n && source.p[i] >= '0' && source.p[i] <= '9'; i++)
        usec = usec * 10 + (uint64_t)(source.p[i] - '0');
    if (!usec && sd_journal_get_realtime_usec(j->sd, &usec) < 0)
        return 0;
    return (int64_t)(usec / 1000000);
}

int journal_seek(struct journal *j, const char *cursor, int64_t *next_when)
{
    int rc;

    *next_when = INT64_MAX;
    if (!*cursor)
        return (rc = sd_journal_seek_head(j->sd)) < 0 ? rc : JOURNAL_BEGIN;
    int there = has_entry(j, cursor);
    if (there < 0)
        return there;
    if ((rc = sd_journal_seek_cursor(j->sd, cursor)) < 0)
        return rc;
    /* Seeking goes to the entry or, where it is gone or doesn't match, to the next one. */
    if ((rc = sd_journal_next(j->sd)) < 0)
        return rc;
    if (rc > 0 && sd_journal_test_cursor(j->sd, cursor) <= 0) {
        *next_when = entry_when(j);
        if (sd_journal_previous(j->sd) == 0) /* it is the first */
            sd_journal_seek_head(j->sd);
    }
    return there ? JOURNAL_ON : JOURNAL_GAP;
}

int journal_seek_end(struct journal *j)
{
    int rc = sd_journal_seek_tail(j->sd);

    if (rc >= 0)
        rc = sd_journal_previous(j->sd);
    return rc < 0 ? rc : 0;
}

/* The part of a line; a stranger's newlines don't begin others. */
static size_t put(char *out, size_t at, size_t size, struct str s)
{
    for (size_t i = 0; i < s.n && at < size; i++)
        out[at++] = s.p[i] == '\n' ? ' ' : s.p[i];
    return at;
}

int journal_next(struct journal *j, char *buffer, struct journal_entry *out)
{
    const size_t size = JOURNAL_LINE_MAX - 1;
    char when[TIME_TEXT_MAX];
    int rc = sd_journal_next(j->sd);

    if (rc <= 0)
        return rc;
    out->when = entry_when(j);
    struct str host = field(j, "_HOSTNAME"), message = field(j, "MESSAGE");
    struct str tag = field(j, "SYSLOG_IDENTIFIER");
    size_t at = (size_t)snprintf(buffer, size, "%s ", time_format_utc(out->when, when));
    at = put(buffer, at, size, host.n ? host : str_from("localhost"));
    at = put(buffer, at, size, str_from(" "));
    at = put(buffer, at, size, tag.n ? tag : str_from("kernel"));
    /* all but the kernel are processes, and their lines tell it: which one doesn't matter */
    bool process = tag.n && !str_eq(tag, STR("kernel"));
    at = put(buffer, at, size, process ? STR("[0]: ") : STR(": "));
    out->cut = at + message.n > size;
    at = put(buffer, at, size, message);
    buffer[at++] = '\n';
    out->line = (struct str){buffer, at};
    return 1;
}

/* "s=...;i=...;b=...;m=...;t=HEX;x=...": t is its time in microseconds. */
int64_t journal_cursor_when(const char *cursor)
{
    const char *t = strstr(cursor, ";t=");
    return t ? (int64_t)(strtoull(t + 3, NULL, 16) / 1000000) : INT64_MIN;
}

int journal_cursor(struct journal *j, char *cursor, size_t size)
{
    char *text = NULL;

    int rc = sd_journal_get_cursor(j->sd, &text);
    if (rc >= 0 && strlen(text) >= size)
        rc = -ENAMETOOLONG;
    if (rc >= 0)
        snprintf(cursor, size, "%s", text);
    free(text);
    return rc < 0 ? rc : 0;
}
