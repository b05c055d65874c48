/* journal_uv.h - the systemd journal as a feed: read on from its cursor, which is in the facts. */
#ifndef SCANTIDE_PIPELINE_JOURNAL_UV_H
#define SCANTIDE_PIPELINE_JOURNAL_UV_H

#include "config/config.h"
#include "pipeline/feed.h"

/* `in` outlives it. NULL with a fault where the journal can't be read. */
struct feed *journal_feed_open(struct feed_host *host, const struct config_input *in,
                               struct error *err);

#endif
