/* envelope.h - what stands before a message: priority, time, host, tag, the kernel's uptime.
 *
 * Takes the deviations from RFC 3164 that are met in logs: no priority, no host, a year before or
 * after the date or behind the time, fractions of seconds, RFC 3339 times and their like, seconds
 * since 1970, RFC 5424 heads, a host given twice. What it doesn't know it leaves to the message. Pure; any thread. */
#ifndef SCANTIDE_PARSE_ENVELOPE_H
#define SCANTIDE_PARSE_ENVELOPE_H

#include "base/str.h"
#include "parse/clock.h"

struct envelope {
    struct stamp stamp;
    struct str stamp_text; /* as it stands in the line; empty for none */
    struct str host;       /* empty for none */
    struct str message; /* without a known logger's tag ("kernel:", "name[pid]:") and the uptime */
    size_t head;        /* bytes of the line up to the end of such a tag; 0: there is none */
};

/* `line`: without its newline. Always succeeds: at worst all of the line is message. */
void envelope_parse(struct str line, struct envelope *out);

/* The message of a line whose head (as above) is the same as the line before's. */
struct str envelope_message(struct str line, size_t head);

/* For a line whose stamp is the same text as the line before's: the parts behind it only.
 * `stamp_len`: bytes of the line up to the stamp's end. Leaves out->stamp alone. */
void envelope_parse_rest(struct str line, size_t stamp_len, struct envelope *out);

#endif
