#include "store/virtual.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/country.h"
#include "base/port.h"
#include "base/sketch.h"
#include "base/zone.h"
#include "parse/fields.h"
#include "store/scan.h"
#include "tag/anonymizer.h"

enum column {
    SENSOR,
    TIME,
    EPOCH,
    CLASS,
    RULE,
    PORT,
    COUNTRY,
    ASN,
    ADDRESS,
    FIRST,
    LAST,
    FIRST_EPOCH,
    LAST_EPOCH,
    EVENTS,
    DISTINCT
};

struct column_name {
    enum column column;
    const char *sql;
};

enum { COLUMNS_MAX = 16 };

struct table {
    const char *name;
    enum fact_kind kind;
    int n;
    struct column_name columns[COLUMNS_MAX];
};

static const struct table tables[] = {
    {"bins",
     FACT_BIN,
     8,
     {{SENSOR, "sensor TEXT"},
      {TIME, "time TEXT"},
      {EPOCH, "epoch INTEGER"},
      {CLASS, "class TEXT"},
      {RULE, "rule INTEGER"},
      {PORT, "port TEXT"},
      {COUNTRY, "country TEXT"},
      {EVENTS, "events INTEGER"}}},
    {"sources",
     FACT_SOURCE,
     13,
     {{SENSOR, "sensor TEXT"},
      {TIME, "hour TEXT"},
      {EPOCH, "epoch INTEGER"},
      {ADDRESS, "source TEXT"},
      {PORT, "port TEXT"},
      {CLASS, "class TEXT"},
      {COUNTRY, "country TEXT"},
      {ASN, "asn INTEGER"},
      {FIRST, "first TEXT"},
      {LAST, "last TEXT"},
      {FIRST_EPOCH, "first_epoch INTEGER"},
      {LAST_EPOCH, "last_epoch INTEGER"},
      {EVENTS, "events INTEGER"}}},
    {"targets",
     FACT_TARGET,
     7,
     {{SENSOR, "sensor TEXT"},
      {TIME, "hour TEXT"},
      {EPOCH, "epoch INTEGER"},
      {ADDRESS, "target TEXT"},
      {PORT, "port TEXT"},
      {EVENTS, "events INTEGER"},
      {DISTINCT, "sources INTEGER"}}},
};

enum { TABLES = sizeof tables / sizeof *tables };

static const char views[] =
    "CREATE TEMP VIEW coverage AS SELECT s.name AS sensor, 'watched' AS state, utc(c.first) AS "
    "first, utc(c.last) AS last, NULL AS lost, NULL AS input, NULL AS text,"
    " c.first AS first_epoch, c.last AS last_epoch"
    " FROM main.coverage c JOIN main.sensor s ON s.id = c.sensor UNION ALL SELECT s.name, g.reason,"
    " utc(g.first), utc(g.last), nullif(g.lost, 0), nullif(g.input, ''), nullif(g.text, ''),"
    " g.first, g.last FROM main.gap g LEFT JOIN main.sensor s ON s.id = g.sensor;"
    "CREATE TEMP VIEW bursts AS SELECT s.name AS sensor, b.kind, utc(b.first) AS first,"
    " utc(b.last) AS last, b.events, b.peak, nullif(b.source, '') AS source,"
    " nullif(b.target, '') AS target, nullif(b.port, '') AS port, nullif(b.source_port, '') AS "
    "source_port, nullif(b.port_step, 0) AS port_step, nullif(b.source_port_step, 0) AS "
    "source_port_step, nullif(b.country, '') AS country, nullif(b.rule, 0) AS rule,"
    " b.first AS first_epoch, b.last AS last_epoch"
    " FROM main.burst b JOIN main.sensor s ON s.id = b.sensor;"
    "CREATE TEMP VIEW logs AS SELECT sensor, path, offset AS bytes, utc(first_when) AS first,"
    " utc(last_when) AS last, epoch(first_when) AS first_epoch, epoch(last_when) AS last_epoch"
    " FROM main.position;"
    "CREATE TEMP VIEW sensors AS SELECT s.name AS sensor,"
    " utc((SELECT min(start) FROM main.segment WHERE kind = 1 AND sensor = s.id)) AS first_bin,"
    " utc((SELECT max(start) FROM main.segment WHERE kind = 1 AND sensor = s.id)) AS last_bin"
    " FROM main.sensor s;"
    "CREATE TEMP VIEW rules AS SELECT number AS rule, kind, name, networks FROM main.rule;";

struct vtab {
    sqlite3_vtab base;
    struct store *store;
    const struct table *table;
};

struct cursor {
    sqlite3_vtab_cursor base;
    struct scan *scan;
    struct sensor *sensors;
    size_t sensor_count;
    bool by_port, by_country, eof;
    uint32_t port;
    uint16_t country;
    union fact now;
    sqlite3_int64 row;
};

/* ---- values ---- */

enum { UTC_MAX = 32 };

static const char *utc_text(int64_t when, char out[UTC_MAX])
{
    struct civil c = civil_from_seconds(when);

    snprintf(out, UTC_MAX, "%04d-%02u-%02u %02u:%02u:%02u", c.year, c.month, c.day, c.hour,
             c.minute, c.second);
    return out;
}

static void utc_function(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    char text[UTC_MAX];
    int64_t when = sqlite3_value_int64(args[0]);

    (void)n;
    if (sqlite3_value_type(args[0]) != SQLITE_NULL && when >= 0 && when <= UINT32_MAX)
        sqlite3_result_text(ctx, utc_text(when, text), -1, SQLITE_TRANSIENT);
}

/* A time, or NULL for the marks that say there is none. */
static void epoch_function(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    int64_t when = sqlite3_value_int64(args[0]);

    (void)n;
    if (when >= 0 && when <= UINT32_MAX)
        sqlite3_result_int64(ctx, when);
}

/* The first second whose text isn't before `text` (or is behind it): text and seconds have one
 * order, so halving finds it. */
static int64_t second_of_text(const char *text, bool behind)
{
    int64_t low = 0, high = (int64_t)1 << 32;
    char at[UTC_MAX];

    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int order = strcmp(utc_text(middle, at), text);
        if (behind ? order > 0 : order >= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* ---- planning ---- */

/* One letter an argument of the filter: s sensor, p port, c country; a bound of the time as text
 * (t) or of the epoch (e), with its operator behind it. */
static char constraint_letter(enum column c)
{
    switch (c) {
    case SENSOR: return 's';
    case PORT: return 'p';
    case COUNTRY: return 'c';
    case TIME: return 't';
    case EPOCH: return 'e';
    default: return 0;
    }
}

static char operator_letter(unsigned char op)
{
    switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ: return '=';
    case SQLITE_INDEX_CONSTRAINT_GT: return '>';
    case SQLITE_INDEX_CONSTRAINT_GE: return 'G';
    case SQLITE_INDEX_CONSTRAINT_LT: return '<';
    case SQLITE_INDEX_CONSTRAINT_LE: return 'L';
    default: return 0;
    }
}

enum { PLAN_MAX = 64 };

/* How much of the table a constraint leaves. */
static double share_left(char letter, char op)
{
    if (letter == 't' || letter == 'e')
        return op == '=' ? 0.0001 : 0.05;
    return letter == 's' ? 0.5 : 0.9; /* rows of other ports and countries are read all the same */
}

static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const struct vtab *v = (struct vtab *)base;
    char plan[PLAN_MAX + 2] = "";
    int n = 0;
    double rows = 1e8;

    for (int i = 0; i < info->nConstraint && 2 * n < PLAN_MAX; i++) {
        const struct sqlite3_index_constraint *c = &info->aConstraint[i];
        if (!c->usable || c->iColumn < 0)
            continue;
        char letter = constraint_letter(v->table->columns[c->iColumn].column);
        char op = operator_letter(c->op);
        bool range = letter == 't' || letter == 'e';
        if (!letter || !op || (!range && op != '='))
            continue;
        plan[2 * n] = letter;
        plan[2 * n + 1] = op;
        info->aConstraintUsage[i].argvIndex = ++n;
        rows *= share_left(letter, op);
    }
    info->idxStr = sqlite3_mprintf("%s", plan);
    info->needToFreeIdxStr = 1;
    info->estimatedCost = rows;
    info->estimatedRows = (sqlite3_int64)rows;
    return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}

/* ---- reading ---- */

struct bounds {
    int64_t from, to;
    const char *sensor;
    bool nothing;
};

static void bound_from(struct bounds *b, int64_t from)
{
    b->from = from > b->from ? from : b->from;
}

static void bound_to(struct bounds *b, int64_t to)
{
    b->to = to < b->to ? to : b->to;
}

/* SQLite compares again, so a bound that is too wide does no harm. */
static void take_time(struct bounds *b, char op, sqlite3_value *value)
{
    const char *text = (const char *)sqlite3_value_text(value);

    if (!text || sqlite3_value_type(value) != SQLITE_TEXT)
        return;
    if (op == '=' || op == 'G')
        bound_from(b, second_of_text(text, false));
    if (op == '>')
        bound_from(b, second_of_text(text, true));
    if (op == '=' || op == 'L')
        bound_to(b, second_of_text(text, true));
    if (op == '<')
        bound_to(b, second_of_text(text, false));
}

static void take_epoch(struct bounds *b, char op, sqlite3_value *value)
{
    int64_t v = sqlite3_value_int64(value);
    int type = sqlite3_value_numeric_type(value);

    if (type != SQLITE_INTEGER && type != SQLITE_FLOAT)
        return;
    if (op == '=' || op == 'G' || op == '>')
        bound_from(b, v);
    if ((op == '=' || op == 'L' || op == '<') && v < INT64_MAX)
        bound_to(b, v + 1);
}

static void take_argument(struct cursor *c, struct bounds *b, const char *plan,
                          sqlite3_value *value)
{
    const char *text;

    switch (plan[0]) {
    case 't': take_time(b, plan[1], value); return;
    case 'e': take_epoch(b, plan[1], value); return;
    default: text = (const char *)sqlite3_value_text(value);
    }
    if (!text) { /* NULL equals nothing */
        b->nothing = true;
        return;
    }
    if (plan[0] == 's')
        b->sensor = text;
    else if (plan[0] == 'p' && port_parse(str_from(text), &c->port) == 0)
        c->by_port = true;
    else if (plan[0] == 'c' && country_parse(str_from(text), &c->country) == 0)
        c->by_country = true;
    else
        b->nothing = true; /* no port or country is written so */
}

static int fail(sqlite3_vtab *base, const char *why)
{
    sqlite3_free(base->zErrMsg);
    base->zErrMsg = sqlite3_mprintf("%s", why);
    return SQLITE_ERROR;
}

static int take_sensors(struct cursor *c, struct store *s, const struct bounds *b, uint16_t *ids,
                        size_t *n)
{
    const struct sensor *list;
    size_t count;
    int rc = store_sensors(s, &list, &count);

    *n = 0;
    if (rc < 0)
        return rc;
    free(c->sensors);
    c->sensors = xcalloc(count + 1, sizeof *c->sensors);
    c->sensor_count = count;
    for (size_t i = 0; i < count; i++) {
        c->sensors[i] = list[i];
        if (!b->nothing && *n < SENSORS_MAX + 1 &&
            (!b->sensor || strcmp(list[i].name, b->sensor) == 0))
            ids[(*n)++] = list[i].id;
    }
    return 0;
}

static bool is_wanted(const struct cursor *c, enum fact_kind kind)
{
    uint32_t port = 0;
    uint16_t country = c->country;

    switch (kind) {
    case FACT_BIN:
        port = c->now.bin.port;
        country = c->now.bin.country;
        break;
    case FACT_SOURCE:
        port = c->now.source.port;
        country = c->now.source.country;
        break;
    default: port = c->now.target.port;
    }
    return (!c->by_port || port == c->port) && (!c->by_country || country == c->country);
}

static int next_row(sqlite3_vtab_cursor *base)
{
    struct cursor *c = (struct cursor *)base;
    const struct vtab *v = (struct vtab *)base->pVtab;
    int rc;

    do {
        rc = scan_next(c->scan, &c->now);
    } while (rc > 0 && !is_wanted(c, v->table->kind));
    if (rc < 0)
        return fail(base->pVtab, store_error(v->store));
    c->eof = rc == 0;
    c->row++;
    return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int number, const char *plan, int n,
                  sqlite3_value **values)
{
    struct cursor *c = (struct cursor *)base;
    const struct vtab *v = (struct vtab *)base->pVtab;
    struct bounds b = {.from = 0, .to = (int64_t)1 << 32};
    uint16_t ids[SENSORS_MAX + 1];
    size_t count;

    (void)number;
    c->by_port = c->by_country = false;
    c->row = 0;
    scan_close(c->scan);
    c->scan = NULL;
    for (int i = 0; i < n; i++)
        take_argument(c, &b, plan + 2 * i, values[i]);
    if (take_sensors(c, v->store, &b, ids, &count) < 0 ||
        scan_open(v->store, v->table->kind, ids, count, b.from, b.to, &c->scan) < 0)
        return fail(base->pVtab, store_error(v->store));
    return next_row(base);
}

static int at_end(sqlite3_vtab_cursor *base)
{
    return ((struct cursor *)base)->eof;
}

/* What the three kinds have in common, and what only some have. */
struct row {
    int64_t start;
    const struct ip *address;
    uint64_t events;
    uint32_t port, as;
    uint16_t sensor, country, rule, first, last;
    uint8_t class;
    bool anonymous;
};

static struct row row_of(const union fact *f, enum fact_kind kind)
{
    switch (kind) {
    case FACT_BIN:
        return (struct row){.start = f->bin.bin,
                            .events = f->bin.events,
                            .port = f->bin.port,
                            .sensor = f->bin.sensor,
                            .country = f->bin.country,
                            .rule = f->bin.rule,
                            .class = f->bin.class};
    case FACT_SOURCE:
        return (struct row){.start = f->source.hour,
                            .address = &f->source.source,
                            .events = f->source.events,
                            .port = f->source.port,
                            .as = f->source.as,
                            .anonymous = f->source.kept_rule != 0,
                            .sensor = f->source.sensor,
                            .country = f->source.country,
                            .first = f->source.first,
                            .last = f->source.last,
                            .class = f->source.class};
    default:
        return (struct row){.start = f->target.hour,
                            .address = &f->target.target,
                            .events = f->target.events,
                            .port = f->target.port,
                            .sensor = f->target.sensor};
    }
}

static const char *sensor_name(const struct cursor *c, uint16_t id)
{
    for (size_t i = 0; i < c->sensor_count; i++)
        if (c->sensors[i].id == id)
            return c->sensors[i].name;
    return "";
}

static uint64_t distinct(const struct target_fact *f)
{
    struct sketch s;

    memset(&s, 0, sizeof s);
    sketch_join(&s, f->sketch, f->sketch_len);
    return sketch_count(&s);
}

static void text_result(sqlite3_context *ctx, const char *text)
{
    sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

static void give(sqlite3_context *ctx, const struct cursor *c, enum column column,
                 const struct row *r)
{
    char text[IP_TEXT_MAX + UTC_MAX + PORT_TEXT_MAX];

    switch (column) {
    case SENSOR: text_result(ctx, sensor_name(c, r->sensor)); break;
    case TIME: text_result(ctx, utc_text(r->start, text)); break;
    case EPOCH: sqlite3_result_int64(ctx, r->start); break;
    case CLASS: sqlite3_result_text(ctx, class_name(r->class), -1, SQLITE_STATIC); break;
    case RULE:
        if (r->rule)
            sqlite3_result_int(ctx, r->rule);
        break;
    case PORT:
        port_format(r->port, text);
        text_result(ctx, text);
        break;
    case COUNTRY: text_result(ctx, country_format(r->country, text)); break;
    case ASN:
        if (r->as)
            sqlite3_result_int64(ctx, r->as);
        break;
    case ADDRESS:
        if (r->anonymous)
            anonymous_format(r->address, text);
        else
            ip_format(r->address, text);
        text_result(ctx, text);
        break;
    case FIRST: text_result(ctx, utc_text(r->start + r->first, text)); break;
    case LAST: text_result(ctx, utc_text(r->start + r->last, text)); break;
    case FIRST_EPOCH: sqlite3_result_int64(ctx, r->start + r->first); break;
    case LAST_EPOCH: sqlite3_result_int64(ctx, r->start + r->last); break;
    case EVENTS: sqlite3_result_int64(ctx, (sqlite3_int64)r->events); break;
    case DISTINCT: sqlite3_result_int64(ctx, (sqlite3_int64)distinct(&c->now.target)); break;
    }
}

static int column_value(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int i)
{
    const struct cursor *c = (struct cursor *)base;
    const struct table *t = ((struct vtab *)base->pVtab)->table;
    struct row r = row_of(&c->now, t->kind);

    if (i >= 0 && i < t->n)
        give(ctx, c, t->columns[i].column, &r);
    return SQLITE_OK;
}

static int row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *id)
{
    *id = ((struct cursor *)base)->row;
    return SQLITE_OK;
}

/* ---- the module ---- */

struct module_context {
    struct store *store;
    const struct table *table;
};

static int connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out,
                   char **error)
{
    const struct module_context *m = aux;
    char sql[512] = "CREATE TABLE x(";

    (void)argc;
    (void)argv;
    (void)error;
    for (int i = 0; i < m->table->n; i++) {
        strcat(sql, i ? ", " : "");
        strcat(sql, m->table->columns[i].sql);
    }
    strcat(sql, ")");
    int rc = sqlite3_declare_vtab(db, sql);
    if (rc != SQLITE_OK)
        return rc;
    struct vtab *v = xcalloc(1, sizeof *v);
    v->store = m->store;
    v->table = m->table;
    *out = &v->base;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base)
{
    free(base);
    return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    struct cursor *c = xcalloc(1, sizeof *c);

    (void)base;
    *out = &c->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    struct cursor *c = (struct cursor *)base;

    scan_close(c->scan);
    free(c->sensors);
    free(c);
    return SQLITE_OK;
}

/* Without xCreate the table is there without having been made. */
static const sqlite3_module module = {
    .xConnect = connect,
    .xBestIndex = best_index,
    .xDisconnect = disconnect,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next_row,
    .xEof = at_end,
    .xColumn = column_value,
    .xRowid = row_id,
};

int virtual_register(struct store *s)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    int rc = sqlite3_create_function(s->db, "utc", 1, flags, NULL, utc_function, NULL, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_create_function(s->db, "epoch", 1, flags, NULL, epoch_function, NULL, NULL);
    for (int i = 0; i < TABLES && rc == SQLITE_OK; i++) {
        struct module_context *m = xcalloc(1, sizeof *m);
        *m = (struct module_context){s, &tables[i]};
        rc = sqlite3_create_module_v2(s->db, tables[i].name, &module, m, free);
    }
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(s->db, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(s->db, views, NULL, NULL, NULL);
    /* Connected now, since whoever asks may not declare tables later on. */
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(s->db, "SELECT 1 FROM bins, sources, targets WHERE 0", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return 0;
    snprintf(s->said, sizeof s->said, "%s", sqlite3_errmsg(s->db));
    return -EIO;
}
