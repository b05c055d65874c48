/* db.h - the store's insides, for its own files only: the connection and its prepared
 * statements. */
#ifndef SCANTIDE_STORE_DB_H
#define SCANTIDE_STORE_DB_H

#include <sqlite3.h>

#include "store/store.h"
#include "tag/rules.h"

enum { SCANTIDE_APPLICATION_ID = 0x7363616e /* "scan" */ };

enum { STATEMENTS_MAX = 96 };

/* Small, since a commit of some hundred bytes changes a dozen pages. */
enum { DB_PAGE_BYTES = 512 };

struct store {
    sqlite3 *db;
    char *path;
    bool in_transaction;
    bool days_made; /* of all that is folded (days.h) */
    struct sensor *sensors;
    size_t sensor_count;
    bool sensors_stale; /* another process may have merged some */
    struct {
        const char *sql; /* identified by its address: each is one literal */
        sqlite3_stmt *stmt;
    } statements[STATEMENTS_MAX];
    struct rules *rules; /* as store_rules gave them last, and the state of the table then */
    int64_t rules_generation;
    void *kept;
    void (*drop_kept)(void *thing);
    char said[256]; /* what went wrong last, where SQLite has no words for it */
};

/* The statement for a literal, reset and unbound, made on first use. NULL where SQLite refuses
 * it. */
sqlite3_stmt *db_statement(struct store *s, const char *sql);

/* Binds 64-bit integers from the first parameter on and runs a statement that gives no rows. 0 or
 * -EIO. */
int db_run(struct store *s, sqlite3_stmt *stmt, int n, const int64_t *values);

/* Shorter: db_exec(s, "DELETE ... WHERE id = ?", id). */
#define db_exec(s, sql, ...)              \
    db_run((s), db_statement((s), (sql)), \
           (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})

/* One step of a query: 1 a row, 0 the end, -EIO. */
int db_step(struct store *s, sqlite3_stmt *stmt);

/* A sensor's hour, or day. */
struct db_place {
    uint16_t sensor;
    int64_t start;
};

/* The places that a query gives, whose columns are a sensor and a time, its parameters bound; NULL is
 * a fault. *list is the caller's to free, also where it fails. 0 or -EIO. */
int db_places(struct store *s, sqlite3_stmt *query, struct db_place **list, size_t *n);

/* Several statements without rows. 0 or -EIO. */
int db_script(struct store *s, const char *sql);

/* Opens one file, made with its tables where `mode` lets it; store_open does the folder. */
int db_open(const char *path, enum store_mode mode, struct store **out, struct error *err);
extern const char db_schema[];

/* BEGIN IMMEDIATE unless a transaction is open already; *own tells db_end whether to commit. */
int db_begin(struct store *s, bool *own);
int db_end(struct store *s, bool own, int rc);

/* A segment of bins is about to be added, or the bin `start` became known: where series were
 * written past it, what has to be made again is noted, in the open transaction. */
int late_note(struct store *s, uint16_t sensor, int64_t start, const void *data, size_t len);
int late_note_all(struct store *s, uint16_t sensor, int64_t start);

#endif
