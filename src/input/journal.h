/* journal.h - the systemd journal, entry by entry, as lines of a log.
 *
 * An entry becomes one line with an RFC 3339 time, the host, the sender's tag and the message, so
 * that all that comes after treats it like any other. Where it was read up to is the journal's own
 * cursor. Rotation is libsystemd's business. One thread at a time.
 *
 *     struct journal *j;
 *     if (journal_open(NULL, matches, n, &j, &err) < 0) ...
 *     journal_seek(j, cursor, &next);           "": its beginning
 *     while (journal_next(j, line, sizeof line, &entry) > 0)
 *         ...
 *     journal_close(j); */
#ifndef SCANTIDE_INPUT_JOURNAL_H
#define SCANTIDE_INPUT_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct journal;

/* `folder` NULL: this machine's. `matches` as journalctl takes them: FIELD=VALUE, and "+" between
 * alternatives. A fault says which group to join where nothing may be read. */
int journal_open(const char *folder, const char *const *matches, size_t n, struct journal **out,
                 struct error *err);
void journal_close(struct journal *j);

/* Other matches, or the same where the caller keeps them elsewhere now; what comes next is what
 * matches behind the entry that was read last. 0 or a negative errno. */
int journal_set_matches(struct journal *j, const char *const *matches, size_t n);

/* To be polled for reading with journal_events; then, and once a second, journal_process. */
int journal_fd(const struct journal *j);
int journal_events(const struct journal *j);

/* Takes changes of the journal's files in. 0 or a negative errno. */
int journal_process(struct journal *j);

enum journal_start {
    JOURNAL_BEGIN, /* there was no cursor: the oldest entry that there is */
    JOURNAL_ON,    /* behind the cursor's entry */
    JOURNAL_GAP    /* the cursor's entry is gone: behind its place; some may have been lost */
};

/* What the next entry is, and where the cursor's isn't there or doesn't match, when it was (INT64_MAX:
 * not known). A negative errno where the journal can't be read. */
int journal_seek(struct journal *j, const char *cursor, int64_t *next_when);

/* Past the newest entry. */
int journal_seek_end(struct journal *j);

struct journal_entry {
    int64_t when;    /* seconds since 1970 */
    struct str line; /* with its newline, in `buffer` */
    bool cut;        /* the message was longer than the buffer */
};

enum { JOURNAL_LINE_MAX = 8192 };

/* The next entry as a line: 1, 0 where there is none now, or a negative errno. `buffer` has
 * JOURNAL_LINE_MAX bytes. */
int journal_next(struct journal *j, char *buffer, struct journal_entry *out);

/* When the cursor's entry came; INT64_MIN where it doesn't say so. */
int64_t journal_cursor_when(const char *cursor);

/* The cursor of the entry that journal_next has just read, up to size - 1 bytes; untouched where
 * that fails. */
int journal_cursor(struct journal *j, char *cursor, size_t size);

#endif
