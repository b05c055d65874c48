/* notice.h - a logger's word that it let messages fall: how many.
 *
 * The kernel ("net_ratelimit: 12 callbacks suppressed"), journald ("Suppressed 12 messages from
 * kernel") and rsyslog ("imuxsock lost 12 messages from pid 7 due to rate-limiting", "imjournal: 12
 * messages lost due to rate-limiting") say it under their own names only: what a stranger had
 * another program write doesn't count. Pure; any thread. */
#ifndef SCANTIDE_PARSE_NOTICE_H
#define SCANTIDE_PARSE_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Whether the line is such a notice; *n: of how many messages. For lines that no parser took. */
bool notice_lost(struct str line, uint64_t *n);

#endif
