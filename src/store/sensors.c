#include "store/sensors.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/db.h"
#include "store/gap.h"

/* ---- names ---- */

int store_sensor_name(struct store *s, const char *name, char out[SENSOR_NAME_MAX])
{
    sqlite3_stmt *q = db_statement(s, "SELECT sensor FROM alias WHERE name = ?");

    if (q)
        sqlite3_bind_text(q, 1, name, -1, SQLITE_TRANSIENT);
    int rc = db_step(s, q);
    snprintf(out, SENSOR_NAME_MAX, "%s", rc > 0 ? (const char *)sqlite3_column_text(q, 0) : name);
    if (q)
        sqlite3_reset(q);
    return rc < 0 ? rc : 0;
}

int store_follow_sensor(struct store *s, uint16_t *id)
{
    sqlite3_stmt *q = db_statement(s, "SELECT target FROM merged WHERE id = ?");

    if (q)
        sqlite3_bind_int64(q, 1, *id);
    int rc = db_step(s, q);
    if (rc > 0)
        *id = (uint16_t)sqlite3_column_int(q, 0);
    if (q)
        sqlite3_reset(q);
    return rc < 0 ? rc : 0;
}

struct aliases {
    struct sensor_alias *list;
    size_t n;
};

static int read_aliases(struct store *s, struct aliases *a)
{
    sqlite3_stmt *q = db_statement(s, "SELECT name, sensor FROM alias ORDER BY name");
    int rc;

    while ((rc = db_step(s, q)) > 0) {
        a->list = xrealloc(a->list, a->n + 1, sizeof *a->list);
        a->list[a->n++] = (struct sensor_alias){xstrdup((const char *)sqlite3_column_text(q, 0)),
                                                xstrdup((const char *)sqlite3_column_text(q, 1))};
    }
    if (q)
        sqlite3_reset(q);
    return rc;
}

static void aliases_fini(struct aliases *a)
{
    for (size_t i = 0; i < a->n; i++) {
        free(a->list[i].name);
        free(a->list[i].sensor);
    }
    free(a->list);
}

static const struct sensor_alias *find_alias(const struct sensor_alias *list, size_t n,
                                             const struct sensor_alias *wanted)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, wanted->name) == 0 && strcmp(list[i].sensor, wanted->sensor) == 0)
            return &list[i];
    return NULL;
}

static bool differ(const struct aliases *old, const struct sensor_alias *list, size_t n)
{
    size_t same = 0;

    while (same < n && find_alias(old->list, old->n, &list[same]))
        same++;
    return same < n || old->n != n;
}

int store_compare_sensors(struct store *s, const struct sensor_alias *list, size_t n, bool *out)
{
    struct aliases old = {0};
    int rc = read_aliases(s, &old);

    *out = rc == 0 && differ(&old, list, n);
    aliases_fini(&old);
    return rc;
}

/* ---- merging ---- */

/* What is keyed by sensor. Of hours that both have facts of, margins are made again; until then
 * these are rows of one hour, as readers add them up. */
static int move_rows(struct store *s, uint16_t from, uint16_t to)
{
    static const char *const sql[] = {
        "INSERT OR IGNORE INTO unfolded (sensor, hour) SELECT ?2, hour FROM"
        " (SELECT start - start % 3600 AS hour FROM segment WHERE kind < 4 AND sensor = ?1"
        "  INTERSECT SELECT start - start % 3600 FROM segment WHERE kind < 4 AND sensor = ?2)",
        "INSERT INTO unfolded (sensor, hour, bins, sources, targets)"
        " SELECT ?2, hour, bins, sources, targets FROM unfolded WHERE sensor = ?1"
        " ON CONFLICT (sensor, hour) DO UPDATE SET bins = bins + excluded.bins,"
        " sources = sources + excluded.sources, targets = targets + excluded.targets",
        "DELETE FROM unfolded WHERE sensor = ?1 AND ?2",
        "INSERT OR IGNORE INTO lean (sensor, hour) SELECT ?2, hour FROM lean WHERE sensor = ?1",
        "DELETE FROM lean WHERE sensor = ?1 AND ?2",
        "DELETE FROM day WHERE sensor = ?1 AND ?2", /* its hours' margins drop the other's */
        "UPDATE segment SET sensor = ?2 WHERE sensor = ?1",
        "UPDATE burst SET sensor = ?2 WHERE sensor = ?1",
        "DELETE FROM trace WHERE sensor = ?1 AND ?2",
        "INSERT OR IGNORE INTO position_sensor (position, sensor)"
        " SELECT position, ?2 FROM position_sensor WHERE sensor = ?1",
        "DELETE FROM position_sensor WHERE sensor = ?1 AND ?2",
        "INSERT OR IGNORE INTO pair (sensor, port, country, used)"
        " SELECT ?2, port, country, used FROM pair WHERE sensor = ?1",
        "DELETE FROM pair WHERE sensor = ?1 AND ?2",
        "DELETE FROM late WHERE sensor = ?1 AND ?2",
        "DELETE FROM series WHERE sensor = ?1 AND ?2",
    };
    int rc = 0;

    for (size_t i = 0; i < sizeof sql / sizeof *sql && rc == 0; i++)
        rc = db_exec(s, sql[i], from, to);
    return rc;
}

struct spans {
    int64_t (*list)[2];
    size_t n;
};

static int take_span(void *ctx, int64_t first, int64_t last)
{
    struct spans *x = ctx;

    x->list = xrealloc(x->list, x->n + 1, sizeof *x->list);
    x->list[x->n][0] = first;
    x->list[x->n++][1] = last;
    return 0;
}

static int move_watched(struct store *s, uint16_t from, uint16_t to)
{
    struct spans x = {0};
    int rc = store_read_watched(s, from, 0, INT64_MAX, take_span, &x);

    if (rc == 0)
        rc = db_exec(s, "DELETE FROM coverage WHERE sensor = ?", from);
    for (size_t i = 0; i < x.n && rc == 0; i++)
        rc = store_put_watched(s, to, x.list[i][0], x.list[i][1]);
    free(x.list);
    return rc;
}

struct gaps {
    struct gap *list;
    size_t n;
    uint16_t from, to;
};

static int take_gap(void *ctx, const struct gap *g)
{
    struct gaps *x = ctx;

    if (g->sensor != x->from)
        return 0;
    x->list = xrealloc(x->list, x->n + 1, sizeof *x->list);
    struct gap *copy = &x->list[x->n++];
    *copy = *g;
    copy->sensor = x->to;
    copy->input = xstrdup(g->input);
    copy->text = xstrdup(g->text);
    return 0;
}

/* Nobody watched where neither was watched. */
static int move_gaps(struct store *s, uint16_t from, uint16_t to)
{
    struct gaps x = {.from = from, .to = to};
    int rc = store_read_gaps(s, from, 0, INT64_MAX, take_gap, &x);

    if (rc == 0)
        rc = db_exec(s, "DELETE FROM gap WHERE sensor = ?", from);
    for (size_t i = 0; i < x.n; i++) {
        if (rc == 0)
            rc = store_put_gap(s, &x.list[i]);
        free((char *)x.list[i].input);
        free((char *)x.list[i].text);
    }
    free(x.list);
    return rc;
}

static int run_text(struct store *s, const char *sql, const char *a, const char *b)
{
    sqlite3_stmt *q = db_statement(s, sql);

    if (q) {
        sqlite3_bind_text(q, 1, a, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(q, 2, b, -1, SQLITE_TRANSIENT);
    }
    return db_run(s, q, 0, NULL);
}

/* The id of a sensor, 0: there is none. */
static int find_id(struct store *s, const char *name, uint16_t *id)
{
    sqlite3_stmt *q = db_statement(s, "SELECT id FROM sensor WHERE name = ?");

    if (q)
        sqlite3_bind_text(q, 1, name, -1, SQLITE_TRANSIENT);
    int rc = db_step(s, q);
    *id = rc > 0 ? (uint16_t)sqlite3_column_int(q, 0) : 0;
    if (q)
        sqlite3_reset(q);
    return rc < 0 ? rc : 0;
}

static int count_events(struct store *s, uint16_t sensor, uint64_t *events)
{
    sqlite3_stmt *q =
        db_statement(s, "SELECT ifnull(sum(events), 0) FROM segment WHERE kind = 1 AND sensor = ?");

    if (q)
        sqlite3_bind_int64(q, 1, sensor);
    int rc = db_step(s, q);
    *events = rc > 0 ? (uint64_t)sqlite3_column_int64(q, 0) : 0;
    if (q)
        sqlite3_reset(q);
    return rc < 0 ? rc : 0;
}

static int merge(struct store *s, uint16_t from, uint16_t to)
{
    int rc = move_watched(s, from, to);

    if (rc == 0)
        rc = move_gaps(s, from, to);
    if (rc == 0)
        rc = move_rows(s, from, to);
    if (rc == 0)
        rc = db_exec(s, "DELETE FROM sensor WHERE id = ?", from);
    if (rc == 0)
        rc = db_exec(s, "UPDATE merged SET target = ?2 WHERE target = ?1", from, to);
    return rc < 0 ? rc : db_exec(s, "INSERT INTO merged (id, target) VALUES (?, ?)", from, to);
}

static int take_over(struct store *s, const struct sensor_alias *a, struct sensors_change *change)
{
    uint16_t from = 0, to = 0;
    uint64_t events = 0;
    int rc = find_id(s, a->name, &from);

    if (rc == 0)
        rc = find_id(s, a->sensor, &to);
    if (rc == 0) /* logs are known by the name that was given for them, too */
        rc = run_text(s, "UPDATE position SET sensor = ?2 WHERE sensor = ?1", a->name, a->sensor);
    if (rc < 0 || from == 0)
        return rc;
    rc = count_events(s, from, &events);
    if (rc == 0 && to == 0)
        rc = run_text(s, "UPDATE sensor SET name = ?2 WHERE name = ?1", a->name, a->sensor);
    else if (rc == 0)
        rc = merge(s, from, to);
    if (rc == 0)
        rc = store_touch_series(s, to ? to : from);
    if (rc == 0 && change->merged)
        change->merged(change->ctx, a->name, a->sensor, events);
    return rc;
}

static int change_all(struct store *s, const struct aliases *old, const struct sensor_alias *list,
                      size_t n, struct sensors_change *change)
{
    int rc = db_script(s, "DELETE FROM alias");

    for (size_t i = 0; i < old->n && change->released; i++)
        if (!find_alias(list, n, &old->list[i]))
            change->released(change->ctx, old->list[i].name, old->list[i].sensor);
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = run_text(s, "INSERT INTO alias (name, sensor) VALUES (?1, ?2)", list[i].name,
                      list[i].sensor);
        if (rc == 0)
            rc = take_over(s, &list[i], change);
    }
    s->sensors_stale = true;
    return rc;
}

int store_set_sensors(struct store *s, const struct sensor_alias *list, size_t n,
                      struct sensors_change *change)
{
    struct aliases old = {0};
    bool own;
    int rc = db_begin(s, &own);

    if (rc < 0)
        return rc;
    rc = read_aliases(s, &old);
    change->differ = rc == 0 && differ(&old, list, n);
    if (change->differ)
        rc = change_all(s, &old, list, n, change);
    rc = db_end(s, own, rc);
    aliases_fini(&old);
    return rc;
}
