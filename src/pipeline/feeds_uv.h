/* feeds_uv.h - all of the daemon's feeds as one: opened from the configuration's inputs, asked and
 * told together, and changed when the configuration does. The loop's thread only. */
#ifndef SCANTIDE_PIPELINE_FEEDS_UV_H
#define SCANTIDE_PIPELINE_FEEDS_UV_H

#include "pipeline/feed.h"

struct feeds;

struct feeds *feeds_new(struct feed_host *host);

/* Opens what the inputs name. A negative code with faults where something can't be opened. The
 * inputs outlive it, or are replaced by feeds_adopt. */
int feeds_open(struct feeds *f, const struct config_input *inputs, size_t n, struct error *err);

void feeds_look(struct feeds *f);
bool feeds_turn(struct feeds *f); /* whether there may be more */
void feeds_flow(struct feeds *f, bool on);
void feeds_stop(struct feeds *f);
bool feeds_stopped(const struct feeds *f); /* after it, what was received is taken in */

int64_t feeds_reached(const struct feeds *f, int64_t until);
bool feeds_rest(const struct feeds *f);
size_t feeds_records(const struct feeds *f);
bool feeds_changed(const struct feeds *f);
bool feeds_ask(const struct feeds *f);
void feeds_swap(struct feeds *f, bool watch, bool last, struct batch *b);

/* A batch was written and told of; feeds that have ended are closed. */
void feeds_settle(struct feeds *f);

void feeds_summarize(struct feeds *f);
void feeds_totals(const struct feeds *f, struct feed_totals *sum); /* closed ones included */

void feeds_status(const struct feeds *f, input_status_cb cb, void *ctx);

/* Changed inputs, in two steps: opens what is new, without effect yet; on a negative code, with
 * faults, all is as before. Then either of the others, with no batch under way. */
int feeds_prepare(struct feeds *f, const struct config_input *inputs, size_t n, struct error *err);
void feeds_abandon(struct feeds *f);
void feeds_adopt(struct feeds *f, const struct config_input *inputs, size_t n);

/* Closes all; free it when the loop has ended. */
void feeds_close(struct feeds *f);
void feeds_free(struct feeds *f);

#endif
