#include "pipeline/syslog_uv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/wall.h"
#include "input/datagrams_uv.h"
#include "input/peers_uv.h"
#include "pipeline/senders.h"
#include "pipeline/stream.h"

enum {
    FAULTS_A_MINUTE = 3,   /* about connections */
    SMALL_BUFFER_MS = 200, /* a commit, a chart or another process may keep us so long */
    RATE = 50000           /* messages a second, for a sentence */
};

struct syslog_feed {
    struct feed feed;
    const struct config_listen *listen;
    const char *sensor; /* of all senders without a name of their own; NULL: none */
    struct listen_address address;
    int fd, granted; /* bytes of the receive buffer; 0: of no interest */
    struct rules *allow, *proxies;
    struct matcher *matcher;
    struct senders *senders;
    struct datagrams *datagrams; /* one of the two */
    struct peers *peers;
    struct tls_server *tls, *next_tls; /* the second: of a configuration that may be abandoned */
    bool held, stopping, done;
    int64_t held_since;

    /* What was told, to tell the difference. */
    struct ip refused; /* one of those */
    unsigned faults;   /* since the last summary */
    struct datagrams_counts datagrams_said;
    struct peers_counts peers_said;
    bool strange_said, drops_said;
};

static struct syslog_feed *of(const struct feed *f)
{
    return (struct syslog_feed *)f;
}

/* ---- what comes ---- */

static void say_clock(struct syslog_feed *sf, struct sender *s, int64_t now)
{
    const struct feed_host *host = sf->feed.host;
    char who[IP_TEXT_MAX];
    int offset;

    switch (sender_clock(s, now, &offset)) {
    case SENDER_FINE: break;
    case SENDER_OFFSET:
        ip_format(&s->ip, who);
        host->say(host,
                  "%s: the times of %s are %d:%02d hours %s: set `timezone` of the listener, or of "
                  "this address in `sensors`, to the zone they are in (now %s), or its clock",
                  sf->listen->url, *who ? who : "the senders", abs(offset) / 3600,
                  abs(offset) / 60 % 60, offset > 0 ? "ahead" : "behind", zone_name(s->zone));
        break;
    case SENDER_AHEAD:
        ip_format(&s->ip, who);
        host->say(host,
                  "%s: the times of %s are more than a day ahead: set its clock; what it sends is "
                  "counted at those times, and drawn when they come",
                  sf->listen->url, *who ? who : "a sender");
        break;
    }
}

static void on_lines(void *ctx, const struct ip *peer, struct str lines)
{
    struct syslog_feed *sf = ctx;
    struct feed_host *host = sf->feed.host;
    int64_t now = wall_now();
    struct sender *s = senders_find(sf->senders, peer, now);

    FAULT("read");
    stream_take(sf->feed.stream, &s->reader, s->sensor, now, lines);
    FAULT("parsed");
    say_clock(sf, s, now);
    if (!sf->stopping && !host->may_read(host))
        host->wake(host);
}

static void on_lost(void *ctx, uint64_t messages)
{
    struct syslog_feed *sf = ctx;
    stream_lose(sf->feed.stream, messages);
}

static bool on_allowed(void *ctx, const struct ip *peer)
{
    struct syslog_feed *sf = ctx;
    bool allowed = listen_is_unix(&sf->listen->address) || rules_find(sf->allow, peer) != 0;

    if (!allowed)
        sf->refused = *peer;
    return allowed;
}

static bool on_is_proxy(void *ctx, const struct ip *peer)
{
    struct syslog_feed *sf = ctx;
    return rules_find(sf->proxies, peer) != 0;
}

static void on_fault(void *ctx, const struct ip *peer, const char *what)
{
    struct syslog_feed *sf = ctx;
    const struct feed_host *host = sf->feed.host;
    char who[IP_TEXT_MAX];

    ip_format(peer, who);
    if (sf->faults++ < FAULTS_A_MINUTE)
        host->say(host, "%s: a connection of %s was closed: %s", sf->listen->url,
                  *who ? who : "this machine", what);
}

static void on_done(void *ctx)
{
    struct syslog_feed *sf = ctx;

    sf->done = true;
    sf->feed.host->wake(sf->feed.host);
}

static const struct datagrams_calls datagrams_calls = {on_allowed, on_lines, on_lost};
static const struct peers_calls peers_calls = {on_allowed, on_is_proxy, on_lines,
                                               on_lost,    on_fault,    on_done};

/* ---- the feed ---- */

static void look(struct feed *f)
{
    struct syslog_feed *sf = of(f);

    if (sf->datagrams)
        datagrams_look(sf->datagrams);
    else
        peers_look(sf->peers, f->host->now_ms);
}

static void flow(struct feed *f, bool on)
{
    struct syslog_feed *sf = of(f);

    if (sf->stopping)
        return;
    sf->held = !on;
    sf->held_since = f->host->now;
    if (sf->datagrams)
        datagrams_flow(sf->datagrams, on);
    else
        peers_flow(sf->peers, on);
}

static int64_t reached(const struct feed *f, int64_t until)
{
    const struct syslog_feed *sf = of(f);
    return sf->held && sf->held_since < until ? sf->held_since : until;
}

static bool rests(const struct feed *f)
{
    return !of(f)->held;
}

static void swap(struct feed *f, bool watch, bool last, struct batch *b)
{
    struct syslog_feed *sf = of(f);

    (void)last;
    stream_swap(sf->feed.stream, f->host->now, !sf->held, watch, b);
}

static void status(const struct feed *f, input_status_cb cb, void *ctx)
{
    const struct syslog_feed *sf = of(f);

    feed_tell_stream(f, "syslog", sf->sensor, sf->held ? f->host->now - sf->held_since : 0, NULL,
                     cb, ctx);
}

static void stop(struct feed *f)
{
    struct syslog_feed *sf = of(f);

    sf->held = false;
    sf->stopping = true;
    stream_stop(sf->feed.stream);
    if (sf->peers) {
        peers_stop(sf->peers);
        return;
    }
    datagrams_drain(sf->datagrams);
    datagrams_flow(sf->datagrams, false);
    sf->done = true;
}

static bool stopped(const struct feed *f)
{
    return of(f)->done;
}

/* ---- what is to be told ---- */

struct sentence {
    FILE *out;
    char *text;
    size_t size;
    unsigned parts;
};

static void add_part(struct sentence *s, uint64_t now, uint64_t *said, const char *what)
{
    if (now > *said) {
        fprintf(s->out, "%s%" PRIu64 " %s", s->parts ? ", " : "", now - *said, what);
        s->parts++;
    }
    *said = now;
}

static void add_refused(struct sentence *s, struct syslog_feed *sf, uint64_t now, uint64_t *said,
                        const char *what)
{
    char who[IP_TEXT_MAX];
    bool any = now > *said;

    add_part(s, now, said, what);
    if (!any)
        return;
    ip_format(&sf->refused, who);
    fprintf(s->out, " (the last was %s; `allow` says whose are taken)", who);
}

static void tell_datagrams(struct syslog_feed *sf, struct sentence *s)
{
    const struct datagrams_counts *now = datagrams_counts(sf->datagrams);
    struct datagrams_counts *said = &sf->datagrams_said;

    add_refused(s, sf, now->refused, &said->refused, "messages refused");
    add_part(s, now->empty, &said->empty, "empty messages");
    add_part(s, now->too_long, &said->too_long, "messages lost that were too long");
    if (now->kernel > said->kernel && !sf->drops_said) {
        sf->drops_said = true;
        sf->feed.host->say(sf->feed.host,
                           "%s: messages come faster than they are taken, or come while this "
                           "machine is busy, and the receive buffer of %d KiB is full: a larger "
                           "one (conf/sysctl.d/scantide.conf) bridges more, or send by TCP",
                           sf->listen->url, sf->granted / 1024);
    }
    add_part(s, now->kernel, &said->kernel, "messages lost in the kernel's full buffer");
}

static void tell_peers(struct syslog_feed *sf, struct sentence *s)
{
    const struct peers_counts *now = peers_counts(sf->peers);
    struct peers_counts *said = &sf->peers_said;

    add_refused(s, sf, now->refused, &said->refused, "connections refused");
    add_part(s, now->too_many, &said->too_many,
             "connections closed at once (`max_connections`, `max_per_peer`)");
    add_part(s, now->idle, &said->idle, "connections closed that were idle");
    add_part(s, now->bad, &said->bad, "connections closed over what they sent");
    add_part(s, now->empty, &said->empty, "empty messages");
    add_part(s, now->too_long, &said->too_long, "messages lost that were too long");
    add_part(s, now->torn, &said->torn, "messages lost that weren't whole");
    add_part(s, now->deferred, &said->deferred,
             "times without a free descriptor (a higher `ulimit -n` or LimitNOFILE= helps)");
}

static void summarize(struct feed *f)
{
    struct syslog_feed *sf = of(f);
    const struct counts *c = &sf->feed.stream->counts;
    struct sentence s = {0};

    sf->faults = 0;
    s.out = open_memstream(&s.text, &s.size);
    if (sf->datagrams)
        tell_datagrams(sf, &s);
    else
        tell_peers(sf, &s);
    fclose(s.out);
    if (s.parts)
        f->host->say(f->host, "%s: %s", sf->listen->url, s.text);
    free(s.text);
    feed_say_strange(f->host, sf->listen->url, "messages", "-", c, &f->stream->samples,
                     &sf->strange_said);
}

/* ---- its end ---- */

static void free_feed(struct syslog_feed *sf)
{
    if (sf->feed.stream)
        stream_free(sf->feed.stream);
    senders_free(sf->senders);
    matcher_free(sf->matcher);
    rules_free(sf->allow);
    rules_free(sf->proxies);
    tls_server_close(sf->tls);
    tls_server_close(sf->next_tls);
    free(sf);
}

static void close_feed(struct feed *f)
{
    struct syslog_feed *sf = of(f);

    if (f->unused)
        stream_take_back(sf->feed.stream, f->host->store);
    if (sf->datagrams)
        datagrams_close(sf->datagrams);
    if (sf->peers)
        peers_close(sf->peers);
    listen_close(&sf->address, sf->fd);
    free_feed(sf);
}

static struct rules *index_networks(const struct rule *list)
{
    struct rule rule = *list;

    rule.number = 1;
    rule.name = (char *)"";
    return rules_new(&rule, 1);
}

/* What the configuration says, but for the socket. */
static void configure(struct syslog_feed *sf, const struct config_input *in)
{
    const struct config_listen *l = in->listen;
    const struct peers_options options = {
        .framing = l->framing,
        .tls = sf->tls,
        .connections = l->connections,
        .per_peer = listen_is_unix(&l->address) ? l->connections : l->per_peer,
        .idle_s = l->idle_s,
    };

    senders_free(sf->senders);
    matcher_free(sf->matcher);
    rules_free(sf->allow);
    rules_free(sf->proxies);
    sf->listen = l;
    sf->sensor = in->sensor;
    sf->allow = index_networks(&l->allow);
    sf->proxies = index_networks(&l->proxies);
    sf->matcher = feed_matcher(sf->feed.host, in);
    sf->senders = senders_new(in, sf->matcher);
    sf->feed.stream->silence_s = in->silence_s;
    if (sf->peers) {
        listen_raise_limit(l->connections);
        peers_set_options(sf->peers, &options);
    }
    if (sf->datagrams)
        datagrams_ask_again(sf->datagrams);
}

/* ---- a changed configuration ---- */

/* The socket goes on; all else may be another. */
static bool takes(const struct feed *f, const struct config_input *in)
{
    return in->kind == INPUT_LISTEN &&
           memcmp(&in->listen->address, &of(f)->address, sizeof in->listen->address) == 0;
}

static const struct config_input *find_own(const struct feed *f, const struct config_input *inputs,
                                           size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (takes(f, &inputs[i]))
            return &inputs[i];
    return NULL;
}

static int prepare(struct feed *f, const struct config_input *inputs, size_t n, struct error *err)
{
    struct syslog_feed *sf = of(f);
    const struct config_input *in = find_own(f, inputs, n);

    if (!in || !sf->tls)
        return 0;
    return tls_server_open(&in->listen->tls, &sf->next_tls, err);
}

static void abandon(struct feed *f)
{
    struct syslog_feed *sf = of(f);

    tls_server_close(sf->next_tls);
    sf->next_tls = NULL;
}

static bool adopt(struct feed *f, const struct config_input *inputs, size_t n)
{
    struct syslog_feed *sf = of(f);
    const struct config_input *in = find_own(f, inputs, n);

    if (!in)
        return false;
    if (sf->next_tls) {
        tls_server_close(sf->tls); /* open connections keep what they need of it */
        sf->tls = sf->next_tls;
        sf->next_tls = NULL;
    }
    stream_set_geo(sf->feed.stream, f->host->geo);
    configure(sf, in);
    return true;
}

static const struct feed_ops ops = {
    .look = look,
    .flow = flow,
    .reached = reached,
    .rests = rests,
    .swap = swap,
    .summarize = summarize,
    .status = status,
    .stop = stop,
    .stopped = stopped,
    .close = close_feed,
    .takes = takes,
    .prepare = prepare,
    .abandon = abandon,
    .adopt = adopt,
};

/* ---- its start ---- */

static void open_datagrams(struct syslog_feed *sf)
{
    const struct feed_host *host = sf->feed.host;

    if (sf->listen->address.kind == LISTEN_UDP) {
        sf->granted = listen_grow_buffer(sf->fd, LISTEN_BUFFER_BYTES);
        long ms = (long)sf->granted / LISTEN_MESSAGE_BYTES * 1000 / RATE;
        if (ms < SMALL_BUFFER_MS)
            host->say(host,
                      "%s: the kernel grants a receive buffer of %d KiB, which holds %ld ms of %d "
                      "messages a second; conf/sysctl.d/scantide.conf allows more",
                      sf->listen->url, sf->granted / 1024, ms, RATE);
    }
    sf->datagrams = datagrams_new(host->loop, sf->fd, &datagrams_calls, sf);
}

static void open_socket(struct syslog_feed *sf, const struct config_input *in)
{
    struct peers_options none = {.connections = 0};

    sf->feed.stream = stream_new(in->listen->url, sf->feed.host->geo);
    stream_watch_live(sf->feed.stream, sf->feed.host->now);
    if (sf->address.kind != LISTEN_UDP && sf->address.kind != LISTEN_UNIXGRAM)
        sf->peers = peers_new(sf->feed.host->loop, sf->fd, &none, &peers_calls, sf);
    configure(sf, in);
    if (!sf->peers)
        open_datagrams(sf);
}

struct feed *syslog_feed_open(struct feed_host *host, const struct config_input *in,
                              struct error *err)
{
    const struct config_listen *l = in->listen;
    struct syslog_feed *sf = xcalloc(1, sizeof *sf);

    sf->feed = (struct feed){.ops = &ops, .host = host};
    sf->address = l->address;
    sf->fd = -1;
    if (l->address.kind != LISTEN_TLS || tls_server_open(&l->tls, &sf->tls, err) == 0)
        sf->fd = listen_open(&l->address, l->url, err);
    if (sf->fd < 0) {
        free_feed(sf);
        return NULL;
    }
    open_socket(sf, in);
    if (stream_note_absence(sf->feed.stream, host->store, host->now) < 0)
        host->say(host, "%s: since when nobody listened can't be noted (%s)", l->url,
                  store_error(host->store));
    host->say(host, "%s: listens", l->url);
    return &sf->feed;
}
