/* senders.h - who sends syslog to a listener: each one's sensor, clock and zone.
 *
 * A sender is an address. Its sensor's name is the one that the listener's map gives the address,
 * else the listener's own, else the host in each message where the sender is trusted to say it (a
 * relay, or whoever writes to a Unix socket), else the address. Each has a reader of its own, so that the years, zones and repeated
 * heads of one are nothing to another. At most SENDERS_MAX are known, the one that was silent for
 * longest is forgotten. The loop's thread only.
 *
 *     struct senders *all = senders_new(input, matcher);
 *     struct sender *s = senders_find(all, &peer, now);
 *     stream_take(stream, &s->reader, s->sensor, now, lines);
 *     if (sender_clock(s, now, &offset_s) == SENDER_OFFSET) ...
 *     senders_free(all); */
#ifndef SCANTIDE_PIPELINE_SENDERS_H
#define SCANTIDE_PIPELINE_SENDERS_H

#include "config/config.h"
#include "parse/reader.h"

enum { SENDERS_MAX = 4096 };

struct sender {
    struct ip ip;
    struct str sensor; /* empty: the host in each message */
    struct reader reader;
    const struct zone *zone;

    char name[IP_TEXT_MAX];
    int64_t now;      /* as the reader's clock was told */
    int offset_s;     /* that its stamps had at the last batches */
    unsigned offsets; /* of them */
    bool said_offset, said_ahead;
    struct sender *newer, *older, *same; /* by last use; in the table's chain */
};

struct senders;

/* `in` (which listens) and the matcher outlive it. */
struct senders *senders_new(const struct config_input *in, struct matcher *matcher);
void senders_free(struct senders *all);

/* The sender of an address, with its reader set to a time: `now` is the time of lines that have
 * none, and the year of those without is the one nearest to it. Valid until the next call. */
struct sender *senders_find(struct senders *all, const struct ip *ip, int64_t now);

size_t senders_known(const struct senders *all);
uint64_t senders_forgotten(const struct senders *all);

enum sender_clock {
    SENDER_FINE,
    SENDER_OFFSET, /* its last OFFSETS batches were all so many quarters of an hour off */
    SENDER_AHEAD   /* more than a day ahead */
};

enum { SENDER_OFFSETS = 20 };

/* What the last line's stamp says of the sender's clock; each is said once a sender. */
enum sender_clock sender_clock(struct sender *s, int64_t now, int *offset_s);

#endif
