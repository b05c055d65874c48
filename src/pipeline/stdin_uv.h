/* stdin_uv.h - lines from a pipe as a feed: `ssh router logread -f | scantide run -`.
 *
 * There is no way back in a pipe, so what was read and not yet committed is lost in a crash, and
 * what is piped twice counts twice. At its end the daemon ends. */
#ifndef SCANTIDE_PIPELINE_STDIN_UV_H
#define SCANTIDE_PIPELINE_STDIN_UV_H

#include "config/config.h"
#include "pipeline/feed.h"

/* `in` outlives it. NULL with a fault where stdin is no pipe, socket or terminal. */
struct feed *stdin_feed_open(struct feed_host *host, const struct config_input *in,
                             struct error *err);

#endif
