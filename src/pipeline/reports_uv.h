/* reports_uv.h - the daily reports of a daemon: at a set hour a child is started, `scantide report --missing`, which makes that of the day that is over
 * and any before it that the folder lacks.
 *
 * A child, since drawing takes memory, time and other people's libraries, of which the daemon is to know nothing. One at a time, with a low
 * priority; what it says on stderr is said. One that takes longer than REPORTS_LONGEST_S is ended; one that fails is started again every REPORTS_RETRY_S. The loop's thread.
 *
 *     struct reports *r = reports_new(&loop, say, ctx);
 *     reports_adopt(r, &order);
 *     reports_look(r, wall_now(), ready);      // each second
 *     reports_close(r);                        // then the loop's last turn
 *     reports_free(r); */
#ifndef SCANTIDE_PIPELINE_REPORTS_UV_H
#define SCANTIDE_PIPELINE_REPORTS_UV_H

#include <uv.h>

#include "base/zone.h"

enum { REPORTS_RETRY_S = 300, REPORTS_LONGEST_S = 3600 };

/* Strings are the caller's, up to the next order. */
struct report_order {
    const char *folder;            /* NULL: no reports */
    const char *format;            /* as `scantide report` calls them */
    const char *language, *config; /* NULL: the child finds out by itself */
    const char *data;
    const struct zone *zone; /* of the days, and of the hour */
    int at_s;                /* after midnight */
};

struct reports;

struct reports *reports_new(uv_loop_t *loop, void (*say)(void *ctx, const char *text), void *ctx);

/* Takes effect at once, but for a child that runs. */
void reports_adopt(struct reports *r, const struct report_order *order);

/* Starts a child where one is due. `ready`: all that came about before it is in the facts; a day is reported on
 * once it is over by that, too. */
void reports_look(struct reports *r, int64_t now, int64_t ready);

/* Ends the child. */
void reports_close(struct reports *r);

/* When the loop has closed its handles. */
void reports_free(struct reports *r);

/* The last day, since 1970, whose hour has come. */
int64_t reports_due(const struct report_order *order, int64_t now);

#endif
