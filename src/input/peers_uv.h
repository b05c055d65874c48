/* peers_uv.h - syslog by TCP, TLS and Unix streams on a libuv loop: one listener and its
 * connections.
 *
 * What a connection sends is cut into messages (frame.h) where it was received, and handed over as
 * a block of lines. A peer that isn't allowed, one too many, or one that has been quiet for too long
 * is closed; a broken frame closes its connection; all that is counted. A turn takes a small piece
 * of each connection, so a slow, busy or hostile one costs the others nothing. Where descriptors
 * run short, connections wait in the kernel's queue until the next look. The loop's thread only.
 *
 *     struct peers *p = peers_new(loop, fd, &options, &calls, ctx);
 *     peers_look(p, now_ms);                                      each second
 *     peers_stop(p);                      connections are asked to end, and what they sent is read
 *     if (peers_are_done(p)) peers_close(p);            the fd stays open: it is the caller's */
#ifndef SCANTIDE_INPUT_PEERS_UV_H
#define SCANTIDE_INPUT_PEERS_UV_H

#include <uv.h>

#include "base/ip.h"
#include "input/frame.h"
#include "input/tls.h"

struct peers;

struct peers_options {
    enum framing framing;
    const struct tls_server *tls; /* NULL: plain */
    unsigned connections;         /* at most, in all */
    unsigned per_peer;            /* and of one address */
    int idle_s;                   /* a connection that says nothing for so long is closed */
};

struct peers_calls {
    bool (*allowed)(void *ctx, const struct ip *peer);
    /* Its connections begin with a PROXY header (proxy.h), which says who the peer is. */
    bool (*is_proxy)(void *ctx, const struct ip *peer);
    /* `lines`: each with its LF, in order; valid for the call. A Unix socket's peer has no
     * address. */
    void (*lines)(void *ctx, const struct ip *peer, struct str lines);
    void (*lost)(void *ctx, uint64_t messages);
    /* Something about a connection that an operator may have to mend; rarely. */
    void (*fault)(void *ctx, const struct ip *peer, const char *what);
    /* After peers_stop: all connections are closed. */
    void (*done)(void *ctx);
};

struct peers_counts {
    uint64_t accepted;
    uint64_t refused;        /* not allowed */
    uint64_t too_many;       /* closed, since there were `connections`, or `per_peer` */
    uint64_t idle;           /* closed */
    uint64_t bad;            /* closed: broken frames, PROXY headers, TLS */
    uint64_t empty;          /* messages of nothing */
    uint64_t too_long, torn; /* messages lost: over FRAME_MAX_BYTES; not whole at their end */
    uint64_t deferred;       /* times that accepting waited for descriptors */
};

struct peers *peers_new(uv_loop_t *loop, int fd, const struct peers_options *options,
                        const struct peers_calls *calls, void *ctx);

/* Other options, for those that come from now on. Whoever isn't allowed any more is closed, and
 * counted as refused; what it sent and wasn't read is lost. */
void peers_set_options(struct peers *p, const struct peers_options *options);

/* Reads and accepts, or leaves it to the kernel's buffers. */
void peers_flow(struct peers *p, bool on);

void peers_look(struct peers *p, int64_t now_ms);

/* Accepts what waits, and then no more. Tells each peer that it is the end; reads on until the peer
 * closes, or is quiet for PEERS_QUIET_MS, but at most PEERS_STOP_MS; then calls done(), maybe at
 * once. */
void peers_stop(struct peers *p);

enum { PEERS_QUIET_MS = 200, PEERS_STOP_MS = 2000 };

unsigned peers_open(const struct peers *p);
const struct peers_counts *peers_counts(const struct peers *p);

/* Cuts what is open off. */
void peers_close(struct peers *p);

#endif
