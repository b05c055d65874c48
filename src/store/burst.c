#include "store/burst.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/country.h"
#include "base/port.h"
#include "store/db.h"

const struct burst_rule burst_rules[BURST_KIND_COUNT] = {
#define X(id, name, events, within, key) {name, events, within, key},
    BURST_KINDS(X)
#undef X
};

/* ---- as text ---- */

enum { KEY_MAX = 32 + 2 * IP_TEXT_MAX + 2 * PORT_TEXT_MAX + 32 };

/* A fact's parts as they are stored; "": several. */
struct texts {
    char source[IP_TEXT_MAX], target[IP_TEXT_MAX], port[PORT_TEXT_MAX], source_port[PORT_TEXT_MAX];
    char country[8], key[KEY_MAX];
};

static void put_port(uint32_t port, char out[PORT_TEXT_MAX])
{
    out[0] = 0;
    if (port != PORT_SEVERAL)
        port_format(port, out);
}

static void format(const struct burst_fact *f, struct texts *t)
{
    unsigned by = burst_rules[f->kind].key;

    ip_format(&f->source, t->source);
    ip_format(&f->target, t->target);
    put_port(f->port, t->port);
    put_port(f->source_port, t->source_port);
    t->country[0] = 0;
    if (f->country != COUNTRY_SEVERAL)
        country_format(f->country, t->country);
    snprintf(t->key, sizeof t->key, "%s %s %s %s %s %d %d", burst_rules[f->kind].name,
             by & BY_SOURCE ? t->source : "", by & BY_TARGET ? t->target : "",
             by & BY_PORT ? t->port : "", by & BY_SOURCE_PORT ? t->source_port : "", f->port_step,
             f->source_port_step);
}

/* ---- writing ---- */

/* Parts of a burst that are there already; those that the new one joins. */
struct known {
    int64_t first, last;
};

struct joining {
    struct burst_fact all;
    struct texts texts;
    struct known *list;
    size_t n;
    bool grows;
};

static void keep_equal(char *have, const char *other)
{
    if (other && strcmp(have, other) != 0)
        have[0] = 0;
}

/* What differs between the parts becomes several. */
static void take_known(struct joining *j, sqlite3_stmt *q)
{
    struct burst_fact *all = &j->all;
    struct texts *t = &j->texts;
    int64_t first = sqlite3_column_int64(q, 0), last = sqlite3_column_int64(q, 1);

    j->list = xrealloc(j->list, j->n + 1, sizeof *j->list);
    j->list[j->n++] = (struct known){first, last};
    j->grows |= all->from < first || all->to > last;
    all->events += (uint64_t)sqlite3_column_int64(q, 2);
    if ((uint64_t)sqlite3_column_int64(q, 3) > all->peak)
        all->peak = (uint64_t)sqlite3_column_int64(q, 3);
    keep_equal(t->source, (const char *)sqlite3_column_text(q, 4));
    keep_equal(t->target, (const char *)sqlite3_column_text(q, 5));
    keep_equal(t->port, (const char *)sqlite3_column_text(q, 6));
    keep_equal(t->source_port, (const char *)sqlite3_column_text(q, 7));
    keep_equal(t->country, (const char *)sqlite3_column_text(q, 8));
}

static bool is_known(const struct joining *j, int64_t when)
{
    for (size_t i = 0; i < j->n; i++)
        if (when >= j->list[i].first && when <= j->list[i].last)
            return true;
    return false;
}

/* Of seconds that are in the burst already only what is new counts. */
static void count_seconds(struct joining *j, const struct burst_second *seconds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t more = is_known(j, seconds[i].when) ? seconds[i].fresh : seconds[i].events;
        j->all.events += more;
        j->grows |= more > 0;
    }
}

#define OVERLAPPING " FROM burst WHERE sensor = ?1 AND key = ?2 AND last >= ?3 AND first <= ?4"

static int find_known(struct store *s, const struct burst_fact *f, struct joining *j)
{
    sqlite3_stmt *q = db_statement(s, "SELECT first, last, events, peak, source, target, port,"
                                      " source_port, country" OVERLAPPING);
    int rc;

    if (q) {
        sqlite3_bind_int64(q, 1, f->sensor);
        sqlite3_bind_text(q, 2, j->texts.key, -1, SQLITE_STATIC);
        sqlite3_bind_int64(q, 3, f->from);
        sqlite3_bind_int64(q, 4, f->to);
    }
    while ((rc = db_step(s, q)) > 0)
        take_known(j, q);
    if (q)
        sqlite3_reset(q);
    for (size_t i = 0; i < j->n; i++) {
        j->all.from = j->list[i].first < j->all.from ? j->list[i].first : j->all.from;
        j->all.to = j->list[i].last > j->all.to ? j->list[i].last : j->all.to;
    }
    return rc;
}

static int drop_known(struct store *s, const struct burst_fact *f, const char *key)
{
    sqlite3_stmt *q = db_statement(s, "DELETE" OVERLAPPING);

    if (q) {
        sqlite3_bind_int64(q, 1, f->sensor);
        sqlite3_bind_text(q, 2, key, -1, SQLITE_STATIC);
        sqlite3_bind_int64(q, 3, f->from);
        sqlite3_bind_int64(q, 4, f->to);
    }
    return db_run(s, q, 0, NULL);
}

static int insert(struct store *s, const struct burst_fact *f, const struct texts *t)
{
    sqlite3_stmt *q = db_statement(
        s, "INSERT INTO burst (sensor, first, last, events, peak, rule, anonymous, port_step,"
           " source_port_step, kind, key, source, target, port, source_port, country)"
           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)");

    if (q) {
        const char *const texts[] = {burst_rules[f->kind].name,
                                     t->key,
                                     t->source,
                                     t->target,
                                     t->port,
                                     t->source_port,
                                     t->country};
        for (int i = 0; i < 7; i++)
            sqlite3_bind_text(q, 10 + i, texts[i], -1, SQLITE_STATIC);
    }
    return db_run(s, q, 9,
                  (int64_t[]){f->sensor, f->from, f->to, (int64_t)f->events, (int64_t)f->peak,
                              f->rule, f->anonymous, f->port_step, f->source_port_step});
}

int store_put_burst(struct store *s, const struct burst_fact *f, const struct burst_second *seconds,
                    size_t n)
{
    struct joining j = {.all = *f};

    format(f, &j.texts);
    j.all.events = 0;
    for (size_t i = 0; i < n; i++)
        j.all.peak = seconds[i].events > j.all.peak ? seconds[i].events : j.all.peak;
    int rc = find_known(s, f, &j);
    count_seconds(&j, seconds, n);
    if (rc == 0 && j.n && j.grows)
        rc = drop_known(s, f, j.texts.key);
    if (rc == 0 && (j.n == 0 || j.grows))
        rc = insert(s, &j.all, &j.texts);
    free(j.list);
    return rc;
}

/* ---- reading ---- */

static void read_ip(sqlite3_stmt *q, int column, struct ip *out)
{
    const char *text = (const char *)sqlite3_column_text(q, column);

    *out = (struct ip){0};
    if (text && *text)
        ip_parse(str_from(text), out); /* what is damaged reads as several */
}

static uint32_t read_port(sqlite3_stmt *q, int column)
{
    const char *text = (const char *)sqlite3_column_text(q, column);
    uint32_t port = PORT_SEVERAL;

    if (text && *text)
        port_parse(str_from(text), &port);
    return port;
}

static bool read_kind(sqlite3_stmt *q, int column, enum burst_kind *out)
{
    const char *text = (const char *)sqlite3_column_text(q, column);

    for (int i = 0; text && i < BURST_KIND_COUNT; i++)
        if (strcmp(burst_rules[i].name, text) == 0) {
            *out = (enum burst_kind)i;
            return true;
        }
    return false;
}

int store_read_bursts(struct store *s, uint16_t sensor, int64_t from, int64_t to, store_burst_cb cb,
                      void *ctx)
{
    sqlite3_stmt *q = db_statement(
        s, "SELECT sensor, first, last, events, peak, rule, port_step, source_port_step, kind,"
           " source, target, port, source_port, country, anonymous FROM burst WHERE (?1 = 0 OR "
           "sensor = ?1)"
           " AND last >= ?2 AND first < ?3 ORDER BY first, sensor, key");
    int rc;

    if (q) {
        sqlite3_bind_int64(q, 1, sensor);
        sqlite3_bind_int64(q, 2, from);
        sqlite3_bind_int64(q, 3, to);
    }
    while ((rc = db_step(s, q)) > 0) {
        const char *country = (const char *)sqlite3_column_text(q, 13);
        struct burst_fact f = {.sensor = (uint16_t)sqlite3_column_int(q, 0),
                               .from = sqlite3_column_int64(q, 1),
                               .to = sqlite3_column_int64(q, 2),
                               .events = (uint64_t)sqlite3_column_int64(q, 3),
                               .peak = (uint64_t)sqlite3_column_int64(q, 4),
                               .rule = (uint16_t)sqlite3_column_int(q, 5),
                               .port_step = sqlite3_column_int(q, 6),
                               .source_port_step = sqlite3_column_int(q, 7),
                               .port = read_port(q, 11),
                               .source_port = read_port(q, 12),
                               .country = COUNTRY_SEVERAL,
                               .anonymous = sqlite3_column_int(q, 14)};
        read_ip(q, 9, &f.source);
        read_ip(q, 10, &f.target);
        if (country && *country && country_parse(str_from(country), &f.country) < 0)
            f.country = COUNTRY_SEVERAL;
        if (read_kind(q, 8, &f.kind) && (rc = cb(ctx, &f)) != 0)
            break;
    }
    if (q)
        sqlite3_reset(q);
    return rc;
}

/* ---- the trace ---- */

/* Removing one as each comes would write a page more each time. */
enum { TRACE_PIECES = 64 };

int store_trace_serial(struct store *s, uint16_t sensor, int64_t *serial)
{
    sqlite3_stmt *q = db_statement(s, "SELECT ifnull(max(id), 0) FROM trace WHERE sensor = ?");

    if (q)
        sqlite3_bind_int64(q, 1, sensor);
    int rc = db_step(s, q);
    *serial = rc > 0 ? sqlite3_column_int64(q, 0) : 0;
    if (q)
        sqlite3_reset(q);
    return rc < 0 ? rc : 0;
}

int store_read_trace(struct store *s, uint16_t sensor,
                     int (*cb)(void *ctx, const void *data, size_t n), void *ctx)
{
    sqlite3_stmt *q = db_statement(s, "SELECT data FROM trace WHERE sensor = ? ORDER BY id");
    int rc;

    if (q)
        sqlite3_bind_int64(q, 1, sensor);
    while ((rc = db_step(s, q)) > 0)
        if ((rc = cb(ctx, sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0))) != 0)
            break;
    if (q)
        sqlite3_reset(q);
    return rc;
}

int store_put_trace(struct store *s, uint16_t sensor, int64_t oldest, int64_t newest,
                    const void *data, size_t n)
{
    sqlite3_stmt *q =
        db_statement(s, "INSERT INTO trace (sensor, oldest, newest, data) VALUES (?, ?, ?, ?)");

    if (q)
        sqlite3_bind_blob64(q, 4, data, n, SQLITE_STATIC);
    int rc = db_run(s, q, 3, (int64_t[]){sensor, oldest, newest});
    if (q)
        sqlite3_clear_bindings(q);
    return rc;
}

int store_cut_trace(struct store *s, uint16_t sensor, int64_t before, int64_t keep_from,
                    int64_t keep_to)
{
    return db_exec(s,
                   "DELETE FROM trace WHERE sensor = ?1 AND newest < ?2 AND (newest < ?3 OR oldest "
                   "> ?4) AND (SELECT count(*) FROM trace WHERE sensor = ?1) > ?5",
                   sensor, before, keep_from, keep_to, TRACE_PIECES);
}

/* ---- pruning and rules ---- */

int burst_prune(struct store *s, uint16_t sensor, int64_t from, int64_t to)
{
    int rc = db_exec(s, "DELETE FROM burst WHERE sensor = ?1 AND last >= ?2 AND first < ?3", sensor,
                     from, to);

    if (rc == 0)
        rc = db_exec(s, "DELETE FROM trace WHERE sensor = ?1 AND newest >= ?2 AND oldest < ?3",
                     sensor, from, to);
    /* An empty piece: whoever remembers the trace reads it again. */
    return rc < 0 ? rc : store_put_trace(s, sensor, from, from, "", 0);
}

struct ruled {
    int64_t id;
    uint16_t rule;
};

int burst_apply_rules(struct store *s, const struct rules *rules)
{
    sqlite3_stmt *q =
        db_statement(s, "SELECT id, rule, source FROM burst WHERE source <> '' AND NOT anonymous");
    struct ruled *list = NULL;
    size_t n = 0, cap = 0;
    int rc;

    while ((rc = db_step(s, q)) > 0) {
        struct ip source;
        read_ip(q, 2, &source);
        uint16_t rule = source.family ? rules_find(rules, &source) : 0;
        if (rule == sqlite3_column_int(q, 1))
            continue;
        if (n == cap)
            list = xrealloc(list, cap = cap * 2 + 64, sizeof *list);
        list[n++] = (struct ruled){sqlite3_column_int64(q, 0), rule};
    }
    if (q)
        sqlite3_reset(q);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = db_exec(s, "UPDATE burst SET rule = ? WHERE id = ?", list[i].rule, list[i].id);
    free(list);
    return rc;
}
