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
};

struct datagrams {
    uv_poll_t poll;
    int fd;
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

/* Whether there may be more. */
static bool read_batch(struct datagrams *d)
{
    for (size_t i = 0; i < BATCH; i++)
        d->messages[i].msg_hdr.msg_namelen = sizeof d->names[i];
    int got = recvmmsg(d->fd, d->messages, BATCH, MSG_DONTWAIT, NULL);
    if (got < 0) /* EAGAIN; a router's ICMP about what was never sent from here */
        return errno == EINTR;
    for (int i = 0; i < got; i++)
        take(d, &d->messages[i], d->slots[i]);
    flush(d);
    return got == BATCH;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct datagrams *d = poll->data;

    (void)status;
    (void)events;
    for (int round = 0; round < ROUNDS && d->flowing && read_batch(d); round++)
        ;
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

    while (read_batch(d) && uv_hrtime() < end)
        ;
    datagrams_look(d);
}

const struct datagrams_counts *datagrams_counts(const struct datagrams *d)
{
    return &d->counts;
}

struct datagrams *datagrams_new(uv_loop_t *loop, int fd, const struct datagrams_calls *calls,
                                void *ctx)
{
    struct datagrams *d = xcalloc(1, sizeof *d);

    d->fd = fd;
    d->calls = calls;
    d->ctx = ctx;
    datagrams_ask_again(d);
    d->poll.data = d;
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
    free(handle->data);
}

void datagrams_close(struct datagrams *d)
{
    d->flowing = false;
    uv_close((uv_handle_t *)&d->poll, on_closed);
}
