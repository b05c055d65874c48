#include "store/query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "store/virtual.h"

struct query {
    struct store *s;
    sqlite3_stmt *stmt;
    struct buf hex;
};

static const char *const table_names[] = {"bins",     "sources", "targets", "bursts",
                                          "coverage", "logs",    "sensors", "rules"};

enum { TABLE_NAMES = sizeof table_names / sizeof *table_names };

/* Only reading: no statement that changes, attaches, or names a file. */
static int authorize(void *ctx, int action, const char *a, const char *b, const char *database,
                     const char *trigger)
{
    static const char *const pragmas[] = {"table_info",  "table_xinfo",     "table_list",
                                          "quick_check", "integrity_check", "compile_options"};

    (void)ctx;
    (void)b;
    (void)database;
    (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE: return SQLITE_OK;
    case SQLITE_PRAGMA:
        for (size_t i = 0; a && i < sizeof pragmas / sizeof *pragmas; i++)
            if (sqlite3_stricmp(a, pragmas[i]) == 0)
                return SQLITE_OK;
        return SQLITE_DENY;
    default: return SQLITE_DENY;
    }
}

/* The first time: makes the tables, then locks the connection. */
static int prepare_connection(struct store *s, struct error *err)
{
    int locked = 0;

    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, -1, &locked);
    if (!locked && virtual_register(s) < 0) {
        error_add(err, NULL, 0, 0, "the tables can't be made (%s)", store_error(s));
        return -EIO;
    }
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_exec(s->db, "PRAGMA query_only = ON", NULL, NULL, NULL);
    /* From here on all statements see one state; a BEGIN alone doesn't choose it yet. */
    if (sqlite3_exec(s->db, "BEGIN; SELECT 1 FROM main.sensor LIMIT 1", NULL, NULL, NULL) !=
        SQLITE_OK) {
        error_add(err, s->path, 0, 0, "the facts can't be read (%s)", sqlite3_errmsg(s->db));
        return -EIO;
    }
    sqlite3_set_authorizer(s->db, authorize, NULL);
    return 0;
}

static void say_mistake(struct store *s, int rc, struct error *err)
{
    static const char no_table[] = "no such table: ";
    const char *said = sqlite3_errmsg(s->db);

    if (rc == SQLITE_AUTH || strstr(said, "may not be modified")) {
        error_add(err, NULL, 0, 0, "the facts can only be read here: begin with SELECT or WITH");
        return;
    }
    if (strncmp(said, no_table, sizeof no_table - 1) != 0) {
        error_add(err, NULL, 0, 0, "%s", said);
        return;
    }
    const char *name = said + sizeof no_table - 1;
    const char *near = nearest_word(str_from(name), table_names, TABLE_NAMES);
    if (near)
        error_add(err, NULL, 0, 0, "there is no table '%s'; did you mean '%s'?", name, near);
    else
        error_add(
            err, NULL, 0, 0,
            "there is no table '%s'; there are bins, sources, targets, bursts, coverage, logs, "
            "sensors and rules",
            name);
}

/* Blanks, comments and semicolons behind the statement are nothing more. */
static bool is_more(struct store *s, const char *tail)
{
    sqlite3_stmt *stmt = NULL;

    while (*tail == ';' || *tail == ' ' || *tail == '\n' || *tail == '\t' || *tail == '\r')
        tail++;
    if (!*tail)
        return false;
    int rc = sqlite3_prepare_v2(s->db, tail, -1, &stmt, NULL);
    bool more = rc != SQLITE_OK || stmt;
    sqlite3_finalize(stmt);
    return more;
}

int query_open(struct store *s, const char *sql, struct query **out, struct error *err)
{
    const char *tail = "";
    int rc = prepare_connection(s, err);

    if (rc < 0)
        return rc;
    struct query *q = xcalloc(1, sizeof *q);
    q->s = s;
    rc = sqlite3_prepare_v2(s->db, sql, -1, &q->stmt, &tail);
    if (rc != SQLITE_OK)
        say_mistake(s, rc, err);
    else if (!q->stmt)
        error_add(err, NULL, 0, 0, "there is no query here");
    else if (!sqlite3_stmt_readonly(q->stmt))
        say_mistake(s, SQLITE_AUTH, err);
    else if (is_more(s, tail))
        error_add(err, NULL, 0, 0, "one query at a time, please");
    if (err->n) {
        query_close(q);
        return -EINVAL;
    }
    *out = q;
    return 0;
}

int query_columns(const struct query *q)
{
    return sqlite3_column_count(q->stmt);
}

const char *query_column(const struct query *q, int i)
{
    return sqlite3_column_name(q->stmt, i);
}

int query_next(struct query *q)
{
    return db_step(q->s, q->stmt);
}

static struct str hexadecimal(struct query *q, const uint8_t *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    q->hex.n = 0;
    buf_reserve(&q->hex, 2 * n);
    for (size_t i = 0; i < n; i++) {
        q->hex.p[q->hex.n++] = (uint8_t)digits[p[i] >> 4];
        q->hex.p[q->hex.n++] = (uint8_t)digits[p[i] & 15];
    }
    return (struct str){(const char *)q->hex.p, q->hex.n};
}

struct query_value query_value(struct query *q, int i)
{
    struct query_value v = {0};
    int type = sqlite3_column_type(q->stmt, i);

    if (type == SQLITE_NULL)
        return v;
    if (type == SQLITE_INTEGER) {
        v.type = QUERY_INTEGER;
        v.integer = sqlite3_column_int64(q->stmt, i);
    } else if (type == SQLITE_FLOAT) {
        v.type = QUERY_REAL;
        v.real = sqlite3_column_double(q->stmt, i);
    } else {
        v.type = QUERY_TEXT;
    }
    const void *p = type == SQLITE_BLOB ? sqlite3_column_blob(q->stmt, i)
                                        : (const void *)sqlite3_column_text(q->stmt, i);
    size_t n = (size_t)sqlite3_column_bytes(q->stmt, i);
    v.text = type == SQLITE_BLOB ? hexadecimal(q, p, n) : (struct str){p, n};
    return v;
}

void query_close(struct query *q)
{
    if (!q)
        return;
    sqlite3_finalize(q->stmt);
    buf_fini(&q->hex);
    sqlite3_set_authorizer(q->s->db, NULL, NULL);
    sqlite3_exec(q->s->db, "ROLLBACK", NULL, NULL, NULL);
    free(q);
}
