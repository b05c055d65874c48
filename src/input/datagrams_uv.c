#include "input/datagrams_uv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/check.h"
#include "input/frame.h"
#include "input/listen.h"

enum {
    BATCH = 64, /* datagrams a call */
    ROUNDS = 8, /* calls a turn of the loop */
    /* One byte more than a message may have tells those that are too long; the rest keeps the slots
     * from falling into the same sets of the processor's cache. */
    SLOT_BYTES = FRAME_MAX_BYTES + 1 + 191,
    DRAIN_MS = 1000,
    BUSY = 16,           /* datagrams a turn: more are on their way */
    PACE_MS_MAX = 4,     /* then the socket rests so long */
    PACE_BYTES = 4 << 20 /* of the kernel's buffer: a ms of rest each */
};

struct datagrams {
    uv_poll_t poll;
    uv_timer_t timer;
    int open; /* handles */
    int fd;
    unsigned pace_ms; /* 0: the buffer is too small to let datagrams gather */
    bool flowing;
    const struct datagrams_calls *calls;
    void *ctx;
    struct datagrams_counts counts;
    uint32_t drops; /* the kernel's count, as of the last look */

    /* Who sent the last one. */
    struct sockaddr_storage from;
    socklen_t from_n;
    struct ip peer;
    bool allowed;
    size_t n; /* bytes of lines that are his and wait in the block */

    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    struct sockaddr_storage names[BATCH];
    char block[BATCH * (FRAME_MAX_BYTES + 1)];
    char slots[BATCH][SLOT_BYTES];
};

static void flush(struct datagrams *d)
{
    size_t n = d->n;

    d->n = 0;
    if (n)
        d->calls->lines(d->ctx, &d->peer, (struct str){d->block, n});
}

/* The same as of the one before, nearly always. */
static void know_sender(struct datagrams *d, const struct msghdr *m)
{
    if (m->msg_namelen == d->from_n && memcmp(m->msg_name, &d->from, d->from_n) == 0)
        return;
    flush(d);
    d->from_n = m->msg_namelen;
    memset(&d->from, 0, sizeof d->from);
    memcpy(&d->from, m->msg_name, d->from_n);
    d->peer = listen_peer(&d->from);
    d->allowed = d->calls->allowed(d->ctx, &d->peer);
}

static void take(struct datagrams *d, const struct mmsghdr *m, const char *bytes)
{
    know_sender(d, &m->msg_hdr);
    if (!d->allowed) {
        d->counts.refused++;
    } else if (m->msg_len > FRAME_MAX_BYTES) {
        d->counts.too_long++;
        d->calls->lost(d->ctx, 1);
    } else {
        size_t n = frame_message(d->block + d->n, (struct str){bytes, m->msg_len});
        d->n += n;
        d->counts.empty += n == 0;
    }
}

/* How many; BATCH: there may be more. */
static int read_batch(struct datagrams *d)
{
    for (size_t i = 0; i < BATCH; i++)
        d->messages[i].msg_hdr.msg_namelen = sizeof d->names[i];
    int got = recvmmsg(d->fd, d->messages, BATCH, MSG_DONTWAIT, NULL);
    if (got < 0) /* EAGAIN; a router's ICMP about what was never sent from here */
        return errno == EINTR ? BATCH : 0;
    for (int i = 0; i < got; i++)
        take(d, &d->messages[i], d->slots[i]);
    flush(d);
    return got;
}

static int read_turn(struct datagrams *d)
{
    int n = 0, got = BATCH;

    for (int round = 0; round < ROUNDS && d->flowing && got == BATCH; round++)
        n += got = read_batch(d);
    return n;
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* To be woken for each few of very many costs as much as to read them, so while many come they
 * are let gather in the kernel's buffer. */
static void on_pace(uv_timer_t *timer)
{
    struct datagrams *d = timer->data;

    if (!d->flowing)
        return;
    int n = read_turn(d);
    if (!d->flowing)
        return;
    if (n >= BUSY)
        uv_timer_start(timer, on_pace, n >= BATCH * ROUNDS ? 0 : d->pace_ms, 0);
    else
        ASSERT(uv_poll_start(&d->poll, UV_READABLE, on_poll) == 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct datagrams *d = poll->data;

    (void)status;
    (void)events;
    if (read_turn(d) < BUSY || d->pace_ms == 0 || !d->flowing)
        return;
    uv_poll_stop(&d->poll);
    uv_timer_start(&d->timer, on_pace, d->pace_ms, 0);
}

void datagrams_flow(struct datagrams *d, bool on)
{
    if (on == d->flowing)
        return;
    d->flowing = on;
    if (on)
        ASSERT(uv_poll_start(&d->poll, UV_READABLE, on_poll) == 0);
    else
        uv_poll_stop(&d->poll);
    uv_timer_stop(&d->timer);
}

void datagrams_look(struct datagrams *d)
{
    uint32_t drops = listen_kernel_drops(d->fd), more = drops - d->drops;

    d->drops = drops;
    d->counts.kernel += more;
    if (more)
        d->calls->lost(d->ctx, more);
}

void datagrams_ask_again(struct datagrams *d)
{
    d->from_n = (socklen_t)-1;
}

void datagrams_drain(struct datagrams *d)
{
    uint64_t end = uv_hrtime() + DRAIN_MS * UINT64_C(1000000);

    while (read_batch(d) == BATCH && uv_hrtime() < end)
        ;
    datagrams_look(d);
}

const struct datagrams_counts *datagrams_counts(const struct datagrams *d)
{
    return &d->counts;
}

static unsigned pace_of(int fd)
{
    int domain = 0, bytes = 0;
    socklen_t n = sizeof domain;

    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) < 0 || domain == AF_UNIX)
        return 0; /* whose senders wait */
    n = sizeof bytes;
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &n) < 0)
        return 0;
    return bytes / PACE_BYTES < PACE_MS_MAX ? (unsigned)(bytes / PACE_BYTES) : PACE_MS_MAX;
}

struct datagrams *datagrams_new(uv_loop_t *loop, int fd, const struct datagrams_calls *calls,
                                void *ctx)
{
    struct datagrams *d = xcalloc(1, sizeof *d);

    d->fd = fd;
    d->calls = calls;
    d->ctx = ctx;
    datagrams_ask_again(d);
    d->poll.data = d->timer.data = d;
    d->pace_ms = pace_of(fd);
    d->open = 2;
    uv_timer_init(loop, &d->timer);
    d->drops = listen_kernel_drops(fd);
    for (size_t i = 0; i < BATCH; i++) {
        d->parts[i] = (struct iovec){d->slots[i], FRAME_MAX_BYTES + 1};
        d->messages[i].msg_hdr =
            (struct msghdr){.msg_name = &d->names[i], .msg_iov = &d->parts[i], .msg_iovlen = 1};
    }
    ASSERT(uv_poll_init(loop, &d->poll, fd) == 0);
    datagrams_flow(d, true);
    return d;
}

static void on_closed(uv_handle_t *handle)
{
    struct datagrams *d = handle->data;

    if (--d->open == 0)
        free(d);
}

void datagrams_close(struct datagrams *d)
{
    d->flowing = false;
    uv_close((uv_handle_t *)&d->poll, on_closed);
    uv_close((uv_handle_t *)&d->timer, on_closed);
}
