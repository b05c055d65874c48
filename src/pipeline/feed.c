#include "pipeline/feed.h"

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
