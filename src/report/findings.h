/* findings.h - what a researcher would say of a span: verdicts, from the facts, by rules.
 *
 * Each finding is one happening: adjacent hours of the same are one, and what a finer verdict
 * tells isn't told again by a coarser one. README.md, "Verdicts", has the rules. Only events that
 * fall under no rule (exclusions, known scanners) are judged. One thread at a time per store; the
 * facts are streamed.
 *
 *     struct findings_query q = {.from = a, .to = b};
 *     struct findings f;
 *     if (findings_make(store, &q, &f) == 0)
 *         tell(f.list, f.n);
 *     findings_fini(&f); */
#ifndef SCANTIDE_REPORT_FINDINGS_H
#define SCANTIDE_REPORT_FINDINGS_H

#include "store/store.h"

#define VERDICTS(X)                       \
    X(FLOOD, "flood")                     \
    X(VERTICAL_SCAN, "vertical-scan")     \
    X(HORIZONTAL_SCAN, "horizontal-scan") \
    X(DISTRIBUTED, "distributed")         \
    X(SEQUENTIAL, "sequential")           \
    X(REFLECTION, "reflection")           \
    X(LOCKSTEP, "lockstep")               \
    X(MICRO_BURST, "micro-burst")         \
    X(BURST, "burst")                     \
    X(NEWCOMER, "newcomer")               \
    X(RHYTHM, "rhythm")                   \
    X(SENSOR_FALL, "sensor-fall")

enum verdict_kind {
#define X(id, name) VERDICT_##id,
    VERDICTS(X)
#undef X
        VERDICT_COUNT
};

const char *verdict_name(enum verdict_kind verdict);

/* So many of each are listed, those with the most events first; the count beside a list is that of
 * all, where it is known, else of those listed. */
enum { FINDING_LIST = 8, FINDING_PORTS = 256 };

struct finding_ports {
    uint32_t list[FINDING_PORTS]; /* port.h's keys */
    size_t n, all;
};

struct finding_countries {
    uint16_t list[FINDING_LIST];
    size_t n, all;
};

struct finding_ips {
    struct ip list[FINDING_LIST];
    size_t n, all;
};

/* Figures are 0 where the verdict has none. */
struct finding {
    enum verdict_kind verdict;
    unsigned also; /* 1 << verdict of the coarser ones whose rules hold, too */
    uint16_t sensor;
    unsigned beside; /* horizontal scan: of how many others at that port at that time */
    bool crowd;      /* these are many */
    bool anonymous;  /* sources are networks or hashes (tag/anonymizer.h) */
    struct finding_ports ports;
    struct finding_countries countries;
    struct finding_ips sources, targets;
    int64_t from, to; /* half-open; to the second where the facts tell it, else whole hours */
    uint64_t events;
    uint64_t peak;        /* events of its fullest second: packets a second */
    uint32_t source_port; /* of a reflection; PORT_SEVERAL (store/burst.h) elsewhere */
    int32_t port_step, source_port_step; /* of a sequence */
    /* Of what left its band, and of a fall: the hour that is farthest from it, its events, and the
     * band it was judged by (events an hour). */
    int64_t hour;
    uint64_t hour_events;
    double mean, low, high;
    double top_share;           /* distributed, burst: the part of the heaviest source */
    double correlation;         /* lockstep */
    double ratio;               /* rhythm: day to night, or night to day */
    bool by_night;              /* rhythm: more by night */
    unsigned rank, before_rank; /* newcomer; before_rank 0: it had no events in the days before */
    unsigned series, fallen; /* sensor-fall: how many were judged, how many lay under their bands */
};

struct findings_query {
    int64_t from, to; /* whole bins, half-open; judged day by day from `from` */
    const uint16_t *sensors;
    size_t sensor_count; /* 0: all */
};

struct findings {
    struct finding *list; /* by their beginning */
    size_t n;
};

/* 0, or the store's negative code with *out empty. */
int findings_make(struct store *s, const struct findings_query *q, struct findings *out);
void findings_fini(struct findings *f);

#endif
