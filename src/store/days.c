#include "store/days.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/delta.h"

/* Adds the margins of its hours up, and what is left of those whose sketches were moved. */
static int join_hours(struct store *s, struct margin *m, uint16_t sensor, int64_t day,
                      size_t *bytes)
{
    sqlite3_stmt *q = db_statement(s, "SELECT start, data FROM segment WHERE kind IN (4, 5)"
                                      " AND sensor = ? AND start >= ? AND start < ?");
    int rc;

    if (q) {
        sqlite3_bind_int64(q, 1, sensor);
        sqlite3_bind_int64(q, 2, day);
        sqlite3_bind_int64(q, 3, day + DAY_S);
    }
    while ((rc = db_step(s, q)) > 0) {
        const void *data = sqlite3_column_blob(q, 1);
        size_t n = (size_t)sqlite3_column_bytes(q, 1);
        *bytes += n;
        if ((rc = margin_join_hour(m, data, n)) < 0) {
            rc = delta_damaged(s, FACT_MARGIN, sqlite3_column_int64(q, 0));
            break;
        }
    }
    sqlite3_reset(q);
    return rc;
}

static int put_day(struct store *s, struct margin *m, uint16_t sensor, int64_t day)
{
    const struct margin_parts *parts = margin_finish_day(m);
    const struct bytes *const columns[] = {&parts->countries,        &parts->total,
                                           &parts->country_sketches, &parts->ports,
                                           &parts->untold,           &parts->port_sketches};
    sqlite3_stmt *q = db_statement(
        s, "INSERT OR REPLACE INTO day (sensor, start, countries, total, country_sketches, ports,"
           " untold, port_sketches) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");

    if (!q)
        return -EIO;
    sqlite3_bind_int64(q, 1, sensor);
    sqlite3_bind_int64(q, 2, day);
    for (int i = 0; i < (int)(sizeof columns / sizeof *columns); i++)
        sqlite3_bind_blob64(q, 3 + i, columns[i]->p ? columns[i]->p : (const void *)"",
                            (sqlite3_uint64)(columns[i]->end - columns[i]->p), SQLITE_STATIC);
    int rc = db_step(s, q);
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return rc;
}

static int make_day(struct store *s, struct margin *m, uint16_t sensor, int64_t day, size_t *bytes)
{
    bool own;
    int rc = db_begin(s, &own);

    if (rc < 0)
        return rc;
    margin_clear(m);
    rc = join_hours(s, m, sensor, day, bytes);
    if (rc == 0)
        rc = put_day(s, m, sensor, day);
    return db_end(s, own, rc);
}

/* Those with margins, with nothing to be folded and without a row. */
static int list_days(struct store *s, int64_t before, struct db_place **list, size_t *n)
{
    sqlite3_stmt *q = db_statement(
        s, "SELECT DISTINCT sensor, start - start % 86400 AS day FROM segment WHERE kind = 4"
           " AND start - start % 86400 <= ?1 - 86400"
           " AND NOT EXISTS (SELECT 1 FROM day d WHERE d.sensor = segment.sensor AND d.start ="
           " segment.start - segment.start % 86400)"
           " AND NOT EXISTS (SELECT 1 FROM unfolded u WHERE u.sensor = segment.sensor AND u.hour"
           " >= segment.start - segment.start % 86400 AND u.hour < segment.start - segment.start"
           " % 86400 + 86400)");

    if (q)
        sqlite3_bind_int64(q, 1, before);
    return db_places(s, q, list, n);
}

int days_make(struct store *s, int64_t before, size_t bytes, bool *more)
{
    struct margin *m = NULL;
    struct db_place *days = NULL;
    size_t n = 0, i = 0, read = 0;
    int rc = list_days(s, before, &days, &n);

    if (n)
        m = margin_new();
    for (; i < n && rc == 0 && read < bytes; i++)
        rc = make_day(s, m, days[i].sensor, days[i].start, &read);
    *more = rc == 0 && i < n;
    margin_free(m);
    free(days);
    return rc;
}
