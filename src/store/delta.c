#include "store/delta.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/fault.h"

void delta_add_bytes(struct delta *r, const void *data, size_t n)
{
    if (r->n == r->cap)
        r->list = xrealloc(r->list, r->cap = r->cap * 2 + 16, sizeof *r->list);
    r->list[r->n].p = xmalloc(n);
    r->list[r->n].n = n;
    if (n)
        memcpy(r->list[r->n].p, data, n);
    r->n++;
}

void delta_add(struct delta *r, sqlite3_stmt *q, int column)
{
    delta_add_bytes(r, sqlite3_column_blob(q, column), (size_t)sqlite3_column_bytes(q, column));
}

void delta_clear(struct delta *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->list[i].p);
    r->n = 0;
}

void delta_fini(struct delta *r)
{
    delta_clear(r);
    free(r->list);
    *r = (struct delta){0};
}

int delta_load(struct store *s, int kind, uint16_t sensor, int64_t start, struct delta *r)
{
    sqlite3_stmt *q =
        db_statement(s, "SELECT data FROM segment WHERE kind = ? AND sensor = ? AND start = ?");
    int rc;

    if (q) {
        sqlite3_bind_int64(q, 1, kind);
        sqlite3_bind_int64(q, 2, sensor);
        sqlite3_bind_int64(q, 3, start);
    }
    r->start = start;
    while ((rc = db_step(s, q)) > 0)
        delta_add(r, q, 0);
    sqlite3_reset(q);
    return rc;
}

int delta_replace(struct store *s, int kind, uint16_t sensor, int64_t start, uint64_t events,
                  const struct buf *data)
{
    FAULT("fold");
    int rc = db_exec(s, "DELETE FROM segment WHERE kind = ? AND sensor = ? AND start = ?", kind,
                     sensor, start);

    FAULT("unfolded");
    if (rc < 0)
        return rc;
    sqlite3_stmt *q = db_statement(
        s, "INSERT INTO segment (kind, sensor, start, events, data) VALUES (?, ?, ?, ?, ?)");
    if (q)
        sqlite3_bind_blob64(q, 5, data->p, data->n, SQLITE_STATIC);
    rc = db_run(s, q, 4, (int64_t[]){kind, sensor, start, (int64_t)events});
    if (q)
        sqlite3_clear_bindings(q);
    return rc;
}

int delta_damaged(struct store *s, int kind, int64_t start)
{
    static const char *const names[] = {"", "bin", "source", "target", "margin", "day", "repeats"};

    snprintf(s->said, sizeof s->said,
             "a segment (%s, %lld) is damaged: restore a backup, or keep what can be read with "
             "'scantide rebuild --salvage'",
             names[kind], (long long)start);
    return -EIO;
}
