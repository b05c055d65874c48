/* facts_dump.h - all that a data folder says, as text: two folders with the same facts give the same text.
 *
 * Folds the delta rows first, so how many commits there were doesn't show. Positions are left out. */
#ifndef SCANTIDE_TESTS_FACTS_DUMP_H
#define SCANTIDE_TESTS_FACTS_DUMP_H

#include "base/country.h"
#include "base/port.h"
#include "helper.h"
#include "store/burst.h"
#include "store/gap.h"
#include "store/store.h"

static inline int dump_bin(void *ctx, const struct bin_fact *f)
{
    char when[TIME_TEXT_MAX], port[PORT_TEXT_MAX], country[3];

    port_format(f->port, port);
    fprintf(ctx, "bin %s %d %s %s %llu", time_format_utc(f->bin, when), f->class, port,
            country_format(f->country, country), (unsigned long long)f->events);
    if (f->rule)
        fprintf(ctx, " rule %u", f->rule);
    fputc('\n', ctx);
    return 0;
}

static inline int dump_source(void *ctx, const struct source_fact *f)
{
    char when[TIME_TEXT_MAX], port[PORT_TEXT_MAX], ip[IP_TEXT_MAX];

    port_format(f->port, port);
    ip_format(&f->source, ip);
    fprintf(ctx, "source %s %s %s %d %u-%u %llu:", time_format_utc(f->hour, when), ip, port,
            f->class, f->first, f->last, (unsigned long long)f->events);
    for (int i = 0; i < HOUR_BINS; i++)
        fprintf(ctx, " %llu", (unsigned long long)f->spread[i]);
    fputc('\n', ctx);
    return 0;
}

static inline int dump_target(void *ctx, const struct target_fact *f)
{
    char when[TIME_TEXT_MAX], port[PORT_TEXT_MAX], ip[IP_TEXT_MAX];

    port_format(f->port, port);
    ip_format(&f->target, ip);
    fprintf(ctx, "target %s %s %s %llu ", time_format_utc(f->hour, when), ip, port,
            (unsigned long long)f->events);
    for (uint32_t i = 0; i < f->sketch_len; i++)
        fprintf(ctx, "%02x", f->sketch[i]);
    fputc('\n', ctx);
    return 0;
}

static inline int dump_gap(void *ctx, const struct gap *g)
{
    char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];

    fprintf(ctx, "gap %s %s %s %llu %s\n", time_format_utc(g->from, a), time_format_utc(g->to, b),
            gap_reason_name(g->reason), (unsigned long long)g->lost, g->text);
    return 0;
}

static inline int dump_burst(void *ctx, const struct burst_fact *f)
{
    char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX], source[IP_TEXT_MAX], target[IP_TEXT_MAX];

    ip_format(&f->source, source);
    ip_format(&f->target, target);
    fprintf(ctx, "burst %s %s %s %llu %llu %s>%s %x %x %d %d\n", burst_rules[f->kind].name,
            time_format_utc(f->from, a), time_format_utc(f->to, b), (unsigned long long)f->events,
            (unsigned long long)f->peak, source, target, f->port, f->source_port, f->port_step,
            f->source_port_step);
    return 0;
}

static inline void dump_known(FILE *out, struct store *s, uint16_t id)
{
    int64_t from, to;
    char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];

    if (store_extent(s, id, &from, &to) < 0)
        return;
    fprintf(out, "extent %s %s\n", time_format_utc(from, a), time_format_utc(to, b));
    from -= from % BIN_S;
    size_t n = (size_t)((to - from) / BIN_S + 1);
    uint8_t *known = malloc(n);
    assert_non_null(known);
    assert_int_equal(store_known(s, id, from, from + (int64_t)n * BIN_S, known), 0);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || known[i] != known[i - 1])
            fprintf(out, "%s from %s\n", known[i] ? "known" : "unknown",
                    time_format_utc(from + (int64_t)i * BIN_S, a));
    free(known);
}

static inline int by_name(const void *a, const void *b)
{
    return strcmp(((const struct sensor *)a)->name, ((const struct sensor *)b)->name);
}

/* The caller frees it. "" where there are no facts at all. */
static inline char *facts_dump(const char *data)
{
    const int64_t end = (int64_t)1 << 32;
    struct error err = {0};
    struct store *s;
    const struct sensor *list;
    struct sensor sensors[SENSORS_MAX + 1];
    char *text;
    size_t size, n;

    if (store_open(data, STORE_WRITE, &s, &err) < 0)
        fail_msg("%s", faults_text(&err));
    assert_int_equal(store_fold(s, end), 0);
    assert_int_equal(store_sensors(s, &list, &n), 0);
    assert_true(n <= COUNT(sensors));
    if (n)
        memcpy(sensors, list, n * sizeof *list);
    qsort(sensors, n, sizeof *sensors, by_name);
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "sensor %s\n", sensors[i].name);
        dump_known(out, s, sensors[i].id);
        assert_int_equal(store_read_bursts(s, sensors[i].id, 0, end, dump_burst, out), 0);
        assert_int_equal(store_read_gaps(s, sensors[i].id, 0, end, dump_gap, out), 0);
        assert_int_equal(store_read_bins(s, sensors[i].id, 0, end, dump_bin, out), 0);
        assert_int_equal(store_read_sources(s, sensors[i].id, 0, end, dump_source, out), 0);
        assert_int_equal(store_read_targets(s, sensors[i].id, 0, end, dump_target, out), 0);
    }
    fclose(out);
    store_close(s);
    return text;
}

/* Fails at the first line in which the two folders' facts differ. */
static inline void same_facts(const char *row, const char *got_folder, const char *want_folder)
{
    char *got = facts_dump(got_folder), *want = facts_dump(want_folder);

    for (char *g = got, *w = want; *g || *w;) {
        size_t gn = strcspn(g, "\n"), wn = strcspn(w, "\n");
        if (gn != wn || memcmp(g, w, gn) != 0)
            fail_msg("%s: got '%.*s', want '%.*s'", row, (int)gn, g, (int)wn, w);
        g += gn + (g[gn] != 0);
        w += wn + (w[wn] != 0);
    }
    free(got);
    free(want);
}

#endif
