#include "store/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/delta.h"

struct scan {
    struct store *s;
    enum fact_kind kind;
    uint16_t *sensors;
    size_t n, at; /* at: of the one being read */
    int64_t from, to;
    sqlite3_stmt *q; /* stands on the first row of the next start, where `more` */
    bool more;
    struct delta rows; /* of the start that is being merged */
    struct merge *merge;
    int64_t start;
};

static int fault(struct scan *sc)
{
    snprintf(sc->s->said, sizeof sc->s->said, "%s", sqlite3_errmsg(sc->s->db));
    return -EIO;
}

static int step(struct scan *sc)
{
    int rc = sqlite3_step(sc->q);

    sc->more = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : fault(sc);
}

/* Begins with the sensor at `at`. */
static int begin_sensor(struct scan *sc)
{
    sc->more = false;
    if (sc->at >= sc->n)
        return 0;
    sqlite3_reset(sc->q);
    sqlite3_bind_int64(sc->q, 1, sc->kind);
    sqlite3_bind_int64(sc->q, 2, sc->sensors[sc->at]);
    sqlite3_bind_int64(sc->q, 3, sc->from);
    sqlite3_bind_int64(sc->q, 4, sc->to);
    return step(sc);
}

int scan_open(struct store *s, enum fact_kind kind, const uint16_t *sensors, size_t n, int64_t from,
              int64_t to, struct scan **out)
{
    struct scan *sc = xcalloc(1, sizeof *sc);

    sc->s = s;
    sc->kind = kind;
    sc->sensors = xcalloc(n + 1, sizeof *sc->sensors);
    for (size_t i = 0; i < n; i++)
        sc->sensors[i] = sensors[i];
    sc->n = n;
    sc->from = from;
    sc->to = to;
    int rc = sqlite3_prepare_v2(s->db,
                                "SELECT start, data FROM main.segment WHERE kind = ? AND sensor = ?"
                                " AND start >= ? AND start < ? ORDER BY start",
                                -1, &sc->q, NULL) == SQLITE_OK
                 ? begin_sensor(sc)
                 : fault(sc);
    if (rc < 0) {
        scan_close(sc);
        return rc;
    }
    *out = sc;
    return 0;
}

static void drop_rows(struct scan *sc)
{
    merge_close(sc->merge);
    sc->merge = NULL;
    delta_clear(&sc->rows);
}

/* Takes all rows of the next start: 1, 0 at the end, -EIO. */
static int next_start(struct scan *sc)
{
    int rc = 0;

    drop_rows(sc);
    while (!sc->more) {
        if (++sc->at >= sc->n)
            return 0;
        if ((rc = begin_sensor(sc)) < 0)
            return rc;
    }
    sc->start = sqlite3_column_int64(sc->q, 0);
    while (rc == 0 && sc->more && sqlite3_column_int64(sc->q, 0) == sc->start) {
        delta_add(&sc->rows, sc->q, 1);
        rc = step(sc);
    }
    if (rc < 0)
        return rc;
    rc =
        merge_open(sc->kind, sc->sensors[sc->at], sc->start, sc->rows.list, sc->rows.n, &sc->merge);
    return rc < 0 ? delta_damaged(sc->s, (int)sc->kind, sc->start) : 1;
}

int scan_next(struct scan *sc, union fact *f)
{
    int rc = 0;

    while (!sc->merge || (rc = merge_next(sc->merge, f)) == 0)
        if ((rc = next_start(sc)) <= 0)
            return rc;
    return rc < 0 ? delta_damaged(sc->s, (int)sc->kind, sc->start) : rc;
}

void scan_close(struct scan *sc)
{
    if (!sc)
        return;
    drop_rows(sc);
    delta_fini(&sc->rows);
    free(sc->sensors);
    sqlite3_finalize(sc->q);
    free(sc);
}
