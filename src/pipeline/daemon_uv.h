/* daemon_uv.h - the daemon: what comes in on a libuv loop is counted until it is told to end.
 *
 * The loop's thread reads and parses. What blocks is a job on a worker, one at a time, and only
 * jobs use the store and the series: a commit every few seconds (sooner where many events wait, and
 * reading waits where a commit is in the way); the RRDs `late_s` after the end of each bin, or of
 * each `write_every_s`; folding, once an hour; thinning, once a day. When idle it wakes once a
 * second.
 *
 * SIGHUP loads the configuration anew: it is validated whole, and what can fail is done first; on
 * any fault the old one stays. Inputs that are as they were go on untouched.
 *
 * SIGTERM and SIGINT end it: reading stops, what was read is committed, closed bins go to the RRDs.
 * A second signal leaves the RRDs to the next start. */
#ifndef SCANTIDE_PIPELINE_DAEMON_UV_H
#define SCANTIDE_PIPELINE_DAEMON_UV_H

#include "config/config.h"
#include "pipeline/commit.h"
#include "pipeline/feeds_uv.h"
#include "pipeline/reports_uv.h"
#include "series/series.h"
#include "store/store.h"
#include "tag/geo.h"

/* What a changed configuration changes. */
struct daemon_setup {
    const struct config_input *inputs;
    size_t input_count;
    const struct parser_set *parsers;
    struct geo *geo;
    struct commit_tags tags;
    struct series *series;
    const char *data;  /* the folder of both */
    uint64_t max_size; /* of it; 0: no limit */
    int commit_every_s, late_s;
    int write_every_s; /* between two batches of the series */
    struct report_order report;
    void (*free)(struct daemon_setup *s);
};

/* How it is doing. */
struct daemon_status {
    int64_t now, started;      /* UTC, seconds */
    int64_t committed;         /* when the last commit ended; 0: none yet */
    size_t waiting;            /* events that wait for the next */
    bool failing;              /* commits fail */
    uint64_t longest_ms;       /* the longest turn of the loop */
    int64_t series_until;      /* bins before it are in the RRDs; 0: none were written yet */
    const struct feeds *feeds; /* see feeds_status */
};

struct daemon_options {
    struct store *store;
    const char *data; /* the folder, for its control socket */
    /* What who asks there is told, as one text, which the daemon frees. */
    void (*tell)(const struct daemon_status *status, char **text);
    void (*say)(const char *text); /* a line for the operator */

    /* On SIGHUP, and when changed() says so; the three in a worker but for changed(). load: the new
     * setup, or a negative code with faults. apply: what it means to the facts. changed: whether a
     * database that the setup has was replaced. */
    void *ctx;
    int (*load)(void *ctx, const struct daemon_setup *old, struct daemon_setup **out,
                struct error *err);
    int (*apply)(void *ctx, struct daemon_setup *setup, struct error *err);
    bool (*changed)(void *ctx, const struct daemon_setup *setup);
};

/* Returns when it has ended: 0, or -EIO where what was read last could not be committed; a next
 * start reads it again; -EINVAL where an input can't be opened, which is said. *setup is the one
 * that was in use last, the caller's to free. */
int daemon_run(const struct daemon_options *o, struct daemon_setup **setup);

#endif
