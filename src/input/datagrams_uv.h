/* datagrams_uv.h - syslog by UDP and by Unix datagrams on a libuv loop.
 *
 * One datagram is one message. They are read many at a time (recvmmsg) and handed over as blocks of
 * lines, a block a sender; those of senders that aren't allowed are thrown away unread and counted.
 * While many come, they are let gather in the kernel's buffer for some ms, where that is large enough.
 * What the kernel throws away, for want of room, is asked for at each look. The loop's thread only.
 *
 *     struct datagrams *d = datagrams_new(loop, fd, &calls, ctx);
 *     datagrams_look(d);                            each second
 *     datagrams_drain(d); datagrams_close(d);       the fd stays open: it is the caller's */
#ifndef SCANTIDE_INPUT_DATAGRAMS_UV_H
#define SCANTIDE_INPUT_DATAGRAMS_UV_H

#include <uv.h>

#include "base/ip.h"

struct datagrams;

struct datagrams_calls {
    bool (*allowed)(void *ctx, const struct ip *peer);
    /* `lines`: each with its LF, in order; valid for the call. */
    void (*lines)(void *ctx, const struct ip *peer, struct str lines);
    void (*lost)(void *ctx, uint64_t messages);
};

struct datagrams_counts {
    uint64_t refused; /* of senders that aren't allowed */
    uint64_t empty;
    uint64_t too_long, kernel; /* lost: over FRAME_MAX_BYTES; thrown away by the kernel */
};

struct datagrams *datagrams_new(uv_loop_t *loop, int fd, const struct datagrams_calls *calls,
                                void *ctx);

/* Reads, or leaves it to the kernel's buffer. */
void datagrams_flow(struct datagrams *d, bool on);

void datagrams_look(struct datagrams *d);

/* Who is allowed has changed: ask again. */
void datagrams_ask_again(struct datagrams *d);

/* Takes in what the kernel holds; at most for a second. */
void datagrams_drain(struct datagrams *d);

const struct datagrams_counts *datagrams_counts(const struct datagrams *d);

void datagrams_close(struct datagrams *d);

#endif
