#include "input/peers_uv.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "input/listen.h"
#include "input/proxy.h"

enum {
    READ_BYTES = 16 * 1024, /* of one connection a turn of the loop */
    ACCEPTS = 32,           /* a turn */
    ANSWER_MAX = 64 * 1024, /* of TLS, that a peer doesn't fetch */
    KEEPALIVE_S = 120,      /* a peer that is gone is noticed */
    HANDSHAKE_S = 30,       /* for TLS and a PROXY header */
    TICK_MS = 50,           /* while stopping */
    KEPT_MAX = FRAME_REST_MAX,
};

_Static_assert((int)PROXY_MAX_BYTES <= (int)KEPT_MAX, "a header is kept like a message");

struct peer {
    uv_poll_t poll;
    struct peers *peers;
    struct peer *next, **link; /* among the open ones */
    int fd;
    int events;         /* that it is polled for */
    struct ip ip, from; /* whom it speaks for; who connected */
    int64_t heard_ms;
    bool proxied; /* the header is still to come */
    bool begun;   /* the first plain byte came */
    struct framer framer;
    char *rest; /* bytes that aren't a whole message (or header) yet */
    size_t rest_n;
    struct tls_session *tls;
    char *answer; /* ciphertext that the kernel didn't take yet */
    size_t answer_n;
};

struct peers {
    uv_poll_t poll;
    uv_timer_t timer; /* while stopping */
    int fd, handles;
    bool flowing, accepting, stopping, done, closing;
    struct peers_options options;
    const struct peers_calls *calls;
    void *ctx;
    struct peer *first;
    unsigned open;
    int64_t now_ms, stop_ms;
    struct peers_counts counts;
    /* One read: what was kept of the last, and what came. The second is TLS's plain text. */
    char raw[KEPT_MAX + READ_BYTES + 1], plain[KEPT_MAX + READ_BYTES + 1];
};

/* ---- its end ---- */

static void release(struct peers *p)
{
    if (--p->handles == 0)
        free(p);
}

static void on_peer_closed(uv_handle_t *handle)
{
    struct peer *c = handle->data;
    struct peers *p = c->peers;

    free(c);
    release(p);
}

static void finish_stop(struct peers *p)
{
    if (!p->stopping || p->done || p->first)
        return;
    p->done = true;
    uv_timer_stop(&p->timer);
    p->calls->done(p->ctx);
}

static void hang_up(struct peer *c)
{
    struct peers *p = c->peers;

    if (c->link) {
        *c->link = c->next;
        if (c->next)
            c->next->link = c->link;
        p->open--;
    }
    c->link = NULL;
    uv_close((uv_handle_t *)&c->poll, on_peer_closed); /* stops polling at once */
    close(c->fd);
    c->fd = -1;
    tls_session_free(c->tls);
    c->tls = NULL;
    free(c->rest);
    free(c->answer);
    c->rest = c->answer = NULL;
    c->rest_n = c->answer_n = 0;
}

static void lose(struct peers *p, uint64_t *counter, uint64_t messages)
{
    *counter += messages;
    if (messages)
        p->calls->lost(p->ctx, messages);
}

/* The last of what it sent. `whole`: it said that this is all. */
static void end(struct peer *c, bool whole)
{
    struct peers *p = c->peers;
    struct frames out = {0};

    if (c->rest_n && !c->proxied) {
        memcpy(p->plain, c->rest, c->rest_n);
        framer_end(&c->framer, p->plain, c->rest_n, whole, &out);
        if (out.lines.n)
            p->calls->lines(p->ctx, &c->ip, out.lines);
        p->counts.empty += out.empty;
        lose(p, &p->counts.torn, out.lost);
    }
    hang_up(c);
}

static void turn_away(struct peer *c, const char *why)
{
    struct peers *p = c->peers;

    p->counts.bad++;
    p->calls->fault(p->ctx, &c->ip, why);
    end(c, false);
}

/* ---- plain bytes ---- */

static void keep(struct peer *c, const char *bytes, size_t n)
{
    ASSERT(n <= KEPT_MAX);
    if (n == 0) {
        free(c->rest);
        c->rest = NULL;
    } else {
        if (n != c->rest_n)
            c->rest = xrealloc(c->rest, n, 1);
        memcpy(c->rest, bytes, n);
    }
    c->rest_n = n;
}

/* bytes: what was kept, and what came. Whether the connection is still open. */
static bool take_text(struct peer *c, char *bytes, size_t n)
{
    struct peers *p = c->peers;
    struct frames out;

    c->begun = true;
    framer_cut(&c->framer, bytes, n, &out);
    p->counts.empty += out.empty;
    lose(p, &p->counts.too_long, out.lost);
    if (out.lines.n)
        p->calls->lines(p->ctx, &c->ip, out.lines);
    if (out.bad) {
        keep(c, NULL, 0);
        lose(p, &p->counts.torn, 1);
        turn_away(c, "sends messages without a count before them, which `framing: octet` asks for");
        return false;
    }
    keep(c, bytes + out.used, n - out.used);
    return true;
}

/* ---- TLS ---- */

static void poll_peer(struct peer *c);

/* Sends what TLS has to say; false: the connection is closed. */
static bool answer(struct peer *c)
{
    char bytes[4096];
    size_t n;

    while ((n = tls_answer(c->tls, bytes, sizeof bytes)) > 0) {
        c->answer = xrealloc(c->answer, c->answer_n + n, 1);
        memcpy(c->answer + c->answer_n, bytes, n);
        c->answer_n += n;
    }
    while (c->answer_n > 0) {
        ssize_t sent = send(c->fd, c->answer, c->answer_n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0)
            break;
        c->answer_n -= (size_t)sent;
        memmove(c->answer, c->answer + sent, c->answer_n);
    }
    if (c->answer_n == 0) {
        free(c->answer);
        c->answer = NULL;
    } else if ((errno != EAGAIN && errno != EINTR) || c->answer_n > ANSWER_MAX) {
        end(c, false);
        return false;
    }
    poll_peer(c);
    return true;
}

/* Whether the connection is still open. */
static bool take_cipher(struct peer *c, const char *bytes, size_t n)
{
    struct peers *p = c->peers;
    ssize_t got;

    tls_received(c->tls, bytes, n);
    do {
        if (c->rest_n)
            memcpy(p->plain, c->rest, c->rest_n);
        got = tls_read(c->tls, p->plain + c->rest_n, READ_BYTES);
        if (got > 0 && !take_text(c, p->plain, c->rest_n + (size_t)got))
            return false;
    } while (got > 0);
    if (!answer(c))
        return false;
    if (got == 0)
        return true;
    if (got == -EPIPE)
        end(c, true);
    else
        turn_away(c, tls_fault(c->tls));
    return false;
}

/* ---- the PROXY header ---- */

static unsigned count_of(const struct peers *p, const struct ip *ip)
{
    unsigned n = 0;

    for (const struct peer *c = p->first; c; c = c->next)
        n += ip_compare(&c->ip, ip) == 0;
    return n;
}

static bool take_header(struct peer *c, char *bytes, size_t n, size_t *used)
{
    struct peers *p = c->peers;
    struct ip peer = {0};
    int rc = proxy_read((struct str){bytes, n}, &peer);

    *used = 0;
    if (rc < 0) {
        turn_away(c, "is a proxy (`proxy_from`), but sends no PROXY header of version 2");
        return false;
    }
    if (rc == 0) {
        keep(c, bytes, n);
        return true;
    }
    keep(c, NULL, 0);
    c->proxied = false;
    *used = (size_t)rc;
    if (peer.family == 0)
        return true;
    if (!p->calls->allowed(p->ctx, &peer)) {
        p->counts.refused++;
        hang_up(c);
        return false;
    }
    if (count_of(p, &peer) >= p->options.per_peer) {
        p->counts.too_many++;
        hang_up(c);
        return false;
    }
    c->ip = peer;
    return true;
}

/* ---- reading ---- */

/* raw[0..n): what was kept of plain bytes or of a header, and what came. Whether it is still
 * open. */
static bool take(struct peer *c, size_t n)
{
    struct peers *p = c->peers;
    char *bytes = p->raw;
    size_t used;

    if (c->proxied) {
        if (!take_header(c, bytes, n, &used))
            return false;
        if (c->proxied)
            return true;
        bytes += used;
        n -= used;
    }
    if (n == 0)
        return true;
    return c->tls ? take_cipher(c, bytes, n) : take_text(c, bytes, n);
}

/* Whether there may be more. */
static bool read_some(struct peer *c)
{
    struct peers *p = c->peers;
    size_t kept = c->tls && !c->proxied ? 0 : c->rest_n;

    if (kept)
        memcpy(p->raw, c->rest, kept);
    ssize_t got = recv(c->fd, p->raw + kept, READ_BYTES, MSG_DONTWAIT);
    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR)
            end(c, false);
        return false;
    }
    if (got == 0) {
        end(c, true);
        return false;
    }
    c->heard_ms = p->now_ms;
    return take(c, kept + (size_t)got) && got == READ_BYTES;
}

static void on_peer(uv_poll_t *poll, int status, int events)
{
    struct peer *c = poll->data;
    struct peers *p = c->peers;

    p->now_ms = (int64_t)uv_now(poll->loop);
    if (status == 0 && (events & UV_WRITABLE) && !answer(c)) {
        finish_stop(p);
        return;
    }
    if (status == 0 && events & UV_READABLE)
        read_some(c);
    if (status < 0) { /* reset; the loop has stopped to look at it */
        while (read_some(c))
            ;
        if (c->fd >= 0)
            end(c, false);
    }
    finish_stop(p);
}

static void poll_peer(struct peer *c)
{
    int events = (c->peers->flowing ? UV_READABLE : 0) | (c->answer_n ? UV_WRITABLE : 0);

    if (events == c->events)
        return;
    c->events = events;
    if (events)
        ASSERT(uv_poll_start(&c->poll, events, on_peer) == 0);
    else
        uv_poll_stop(&c->poll);
}

/* ---- accepting ---- */

static void keep_alive(int fd)
{
    int on = 1, after = KEEPALIVE_S;

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &after, sizeof after);
}

static void welcome(struct peers *p, int fd, const struct sockaddr_storage *from)
{
    struct ip ip = listen_peer(from);
    bool proxied = p->calls->is_proxy(p->ctx, &ip);

    if (!proxied && !p->calls->allowed(p->ctx, &ip)) {
        p->counts.refused++;
        close(fd);
        return;
    }
    if (p->open >= p->options.connections ||
        (!proxied && count_of(p, &ip) >= p->options.per_peer)) {
        p->counts.too_many++;
        close(fd);
        return;
    }
    struct peer *c = xcalloc(1, sizeof *c);
    *c = (struct peer){.peers = p,
                       .fd = fd,
                       .ip = ip,
                       .from = ip,
                       .heard_ms = p->now_ms,
                       .proxied = proxied,
                       .framer = {.framing = p->options.framing},
                       .tls = p->options.tls ? tls_session_new(p->options.tls) : NULL};
    if (proxied)
        c->ip = (struct ip){0}; /* not known yet */
    c->poll.data = c;
    if (uv_poll_init(p->poll.loop, &c->poll, fd) != 0) { /* epoll's own limit */
        p->counts.too_many++;
        tls_session_free(c->tls);
        free(c);
        close(fd);
        return;
    }
    if (from->ss_family != AF_UNIX)
        keep_alive(fd);
    p->counts.accepted++;
    p->handles++;
    p->open++;
    c->next = p->first;
    c->link = &p->first;
    if (c->next)
        c->next->link = &c->next;
    p->first = c;
    poll_peer(c);
}

static void on_listener(uv_poll_t *poll, int status, int events);

static void accept_or_wait(struct peers *p, bool on)
{
    if (on == p->accepting)
        return;
    p->accepting = on;
    if (on)
        ASSERT(uv_poll_start(&p->poll, UV_READABLE, on_listener) == 0);
    else
        uv_poll_stop(&p->poll);
}

/* Whether one was. */
static bool accept_one(struct peers *p)
{
    struct sockaddr_storage from = {0};
    socklen_t n = sizeof from;
    int fd = accept4(p->fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        welcome(p, fd, &from);
        return true;
    }
    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        p->counts.deferred++;
        accept_or_wait(p, false); /* until the next look */
        return false;
    case EINTR:
    case ECONNABORTED: return true; /* and other errors of the peer's, accept(2) */
    default: return false;
    }
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
    struct peers *p = poll->data;

    (void)status;
    (void)events;
    p->now_ms = (int64_t)uv_now(poll->loop);
    for (int i = 0; i < ACCEPTS && p->accepting && accept_one(p); i++)
        ;
}

/* ---- from outside ---- */

void peers_set_options(struct peers *p, const struct peers_options *options)
{
    p->options = *options;
    for (struct peer *c = p->first, *next; c; c = next) {
        next = c->next;
        bool proxy = c->proxied && p->calls->is_proxy(p->ctx, &c->from);
        if (proxy || p->calls->allowed(p->ctx, &c->ip))
            continue;
        p->counts.refused++;
        end(c, false);
    }
}

void peers_flow(struct peers *p, bool on)
{
    if (on == p->flowing || p->stopping)
        return;
    p->flowing = on;
    accept_or_wait(p, on);
    for (struct peer *c = p->first; c; c = c->next)
        poll_peer(c);
}

static bool is_idle(const struct peer *c)
{
    const struct peers *p = c->peers;
    int64_t quiet_ms = p->now_ms - c->heard_ms;
    bool greeting = !c->begun && (c->tls || c->proxied);

    return quiet_ms >= p->options.idle_s * INT64_C(1000) ||
           (greeting && quiet_ms >= HANDSHAKE_S * 1000);
}

void peers_look(struct peers *p, int64_t now_ms)
{
    p->now_ms = now_ms;
    if (p->stopping)
        return;
    if (p->flowing)
        accept_or_wait(p, true);
    else
        return; /* they couldn't be heard */
    for (struct peer *c = p->first, *next; c; c = next) {
        next = c->next;
        if (is_idle(c)) {
            p->counts.idle++;
            end(c, false);
        }
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct peers *p = timer->data;
    bool late;

    p->now_ms = (int64_t)uv_now(timer->loop);
    late = p->now_ms - p->stop_ms >= PEERS_STOP_MS;
    for (struct peer *c = p->first, *next; c; c = next) {
        next = c->next;
        if (late || p->now_ms - c->heard_ms >= PEERS_QUIET_MS)
            end(c, false);
    }
    finish_stop(p);
}

void peers_stop(struct peers *p)
{
    uv_update_time(p->poll.loop);
    p->stop_ms = p->now_ms = (int64_t)uv_now(p->poll.loop);
    p->accepting = true;
    while (accept_one(p))
        ;
    p->accepting = false;
    uv_poll_stop(&p->poll);
    p->flowing = p->stopping = true;
    for (struct peer *c = p->first, *next; c; c = next) {
        next = c->next;
        c->heard_ms = p->now_ms;
        if (c->tls) {
            tls_end(c->tls);
            if (!answer(c))
                continue;
        }
        shutdown(c->fd, SHUT_WR);
        poll_peer(c);
    }
    uv_timer_start(&p->timer, on_tick, TICK_MS, TICK_MS);
    finish_stop(p);
}

unsigned peers_open(const struct peers *p)
{
    return p->open;
}

const struct peers_counts *peers_counts(const struct peers *p)
{
    return &p->counts;
}

struct peers *peers_new(uv_loop_t *loop, int fd, const struct peers_options *options,
                        const struct peers_calls *calls, void *ctx)
{
    struct peers *p = xcalloc(1, sizeof *p);

    p->fd = fd;
    p->options = *options;
    p->calls = calls;
    p->ctx = ctx;
    p->poll.data = p->timer.data = p;
    p->handles = 2;
    p->now_ms = (int64_t)uv_now(loop);
    ASSERT(uv_poll_init(loop, &p->poll, fd) == 0);
    ASSERT(uv_timer_init(loop, &p->timer) == 0);
    peers_flow(p, true);
    return p;
}

static void on_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void peers_close(struct peers *p)
{
    p->closing = p->done = true;
    while (p->first)
        end(p->first, false);
    uv_close((uv_handle_t *)&p->poll, on_closed);
    uv_close((uv_handle_t *)&p->timer, on_closed);
}
