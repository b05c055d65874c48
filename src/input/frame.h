/* frame.h - a byte stream cut into syslog messages, and a datagram's message made a line.
 *
 * RFC 6587 and RFC 5425 know two ways to tell messages apart on a stream: a count of octets before
 * each ("83 <13>..."), and an end behind each (LF, or NUL). Which it is, is decided per frame, as
 * OpenBSD's syslogd does: 1 to 5 digits, the first no zero, a blank and a '<' are a count; anything
 * else is read up to its end. A listener may insist on one of them.
 *
 * Messages are cut in place, so that a buffer as it was received becomes a block of lines: each
 * loses a CR, LF and NUL at its end, and an LF within becomes a blank. One over FRAME_MAX_BYTES is
 * lost, whole, and costs no memory. Pure; one thread at a time.
 *
 *     struct framer f = {.framing = FRAMING_AUTO};
 *     framer_cut(&f, bytes, n, &out);             bytes: what was left of the last, and what came
 *     take(out.lines); keep(bytes + out.used, n - out.used);
 *     framer_end(&f, rest, n, true, &out);                                 the peer has said all */
#ifndef SCANTIDE_INPUT_FRAME_H
#define SCANTIDE_INPUT_FRAME_H

#include <stdint.h>

#include "base/str.h"

enum framing { FRAMING_AUTO, FRAMING_OCTET, FRAMING_LINE, FRAMINGS };

enum {
    FRAME_MAX_BYTES = 8192,                   /* of a message: RFC 5425 4.3.1, and a line's limit */
    FRAME_REST_MAX = FRAME_MAX_BYTES + 1 + 6, /* of what is kept: a message, its end, its count */
};

/* Zeroed but for `framing` at a stream's begin. */
struct framer {
    enum framing framing;
    uint32_t skip;  /* bytes of a counted message that is too long, still to come */
    bool skip_line; /* the same for one that has an end */
};

struct frames {
    struct str lines;  /* whole messages, each with an LF behind it; within the bytes given */
    uint64_t messages; /* in them */
    uint64_t lost;     /* messages that were too long, or cut off */
    uint64_t empty;    /* nothing between two ends; no message */
    size_t used;       /* of the bytes; the rest comes again before what comes next */
    bool bad;          /* FRAMING_OCTET, and no count: nothing that follows can be told */
};

/* Cuts what is whole out of bytes[0..n), which are overwritten. At most FRAME_REST_MAX - 1 bytes
 * aren't used. */
void framer_cut(struct framer *f, char *bytes, size_t n, struct frames *out);

/* The stream has ended: what is left is a message where it needs no end and `whole` (the peer ended
 * it), else lost. bytes[n] is written to. */
void framer_end(struct framer *f, char *bytes, size_t n, bool whole, struct frames *out);

/* Writes a message as a line with its LF to `to`, which may be where it stands or before, and has
 * room for one byte more. Returns the length; 0: it is empty. */
size_t frame_message(char *to, struct str message);

#endif
