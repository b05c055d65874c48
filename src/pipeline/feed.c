#include "pipeline/feed.h"

#include <inttypes.h>

const char *feed_fault(const struct counts *c, bool silent)
{
    if (silent)
        return "it has fallen silent for longer than its 'silence' allows: look at its sender";
    if (c->lines >= FEED_STRANGE_LINES && c->by[OUTCOME_UNMATCHED] == c->lines)
        return "no parser knows any of its lines: 'scantide explain' tells more";
    return NULL;
}

struct matcher *feed_matcher(const struct feed_host *host, const struct config_input *in)
{
    struct matcher *m = matcher_new(host->parsers);

    if (in->parser_count)
        matcher_only(m, (const char *const *)in->parsers, in->parser_count);
    return m;
}

void feed_say_lost(const struct feed_host *host, const char *name, const struct counts *c,
                   struct counts *said)
{
    uint64_t lost = c->by[OUTCOME_LOST];

    if (lost > said->by[OUTCOME_LOST])
        host->say(host,
                  "%s: %" PRIu64 " lines were lost, since they were too long or broken (%" PRIu64
                  " since the start)",
                  name, lost - said->by[OUTCOME_LOST], lost);
    if (c->suppressed > said->suppressed)
        host->say(host,
                  "%s: loggers say that they let %" PRIu64
                  " messages fall: raise their rate limits (net.core.message_cost, journald's "
                  "RateLimitBurst, rsyslog's imklog)",
                  name, c->suppressed - said->suppressed);
    *said = *c;
}
