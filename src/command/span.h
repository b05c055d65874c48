/* span.h - the span of time that a call asks for: --last 3d, --from T [--to T], --all; rounded
 * outward to whole bins. */
#ifndef SCANTIDE_COMMAND_SPAN_H
#define SCANTIDE_COMMAND_SPAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/zone.h"
#include "store/store.h"

struct span {
    const char *last, *from_text, *to_text; /* as given; NULL: not */
    bool all;
    int64_t from, to; /* half-open, whole bins */
    bool rounded;     /* the call's own times were no whole bins */
};

/* Works out from and to. `otherwise`: what --last is when nothing is said, such as "24h". Returns
 * EXIT_DONE, or EXIT_MISTAKE with a sentence on stderr. With --all, from and to are those of the
 * facts of all sensors (both 0 where there are none). */
int span_resolve(struct span *s, const char *command, const char *otherwise,
                 const struct zone *zone, int64_t now, struct store *store);

/* Says on stderr what the reader of a result must know: that the span was rounded, and, for an
 * `empty` result, where the facts lie. */
void span_say(const struct span *s, const struct zone *zone, struct store *store, bool empty);

#endif
