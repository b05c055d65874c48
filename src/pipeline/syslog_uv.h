/* syslog_uv.h - a listener for syslog as a feed: udp://, tcp://, tls://, unix:// or unixgram://.
 *
 * What comes is counted as it comes; nothing is asked for again. So it is watched from its start to
 * its end, a start notes how long nobody listened, and what the kernel or a limit threw away is
 * counted as lost. Who the senders are: senders.h. */
#ifndef SCANTIDE_PIPELINE_SYSLOG_UV_H
#define SCANTIDE_PIPELINE_SYSLOG_UV_H

#include "config/config.h"
#include "pipeline/feed.h"

/* The input outlives it. NULL with a fault added where it can't be listened. */
struct feed *syslog_feed_open(struct feed_host *host, const struct config_input *in,
                              struct error *err);

#endif
