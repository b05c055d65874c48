/* config.h - what the administrator decided: conf/scantide.yaml as a value.
 *
 * conf/scantide.yaml has every key with its default and tells what it is for. All faults of a file
 * are said, with line and column: those of the schema and those of meaning (a relative path, an
 * unknown zone). Loading opens time zones, so it is done before threads start;
 * the value is read-only afterwards.
 *
 *     struct config *conf;
 *     if (config_load(option, &conf, &err) < 0)
 *         ...print the faults, exit 2
 *     for (size_t i = 0; i < conf->input_count; i++)
 *         open(&conf->inputs[i]);
 *     config_free(conf);
 */
#ifndef SCANTIDE_CONFIG_CONFIG_H
#define SCANTIDE_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/zone.h"
#include "input/frame.h"
#include "input/listen.h"
#include "input/tls.h"
#include "parse/event.h"
#include "store/facts.h"
#include "tag/anonymizer.h"
#include "tag/rules.h"

#define CONFIG_FILE "/etc/scantide/scantide.yaml"

enum input_kind {
    INPUT_FILE,
    INPUT_JOURNAL,
    INPUT_LISTEN,
    INPUT_STDIN /* of the command line only */
};

enum input_start { START_BEGIN, START_END };

/* What the administrator knows of an address or network that sends syslog. */
struct config_sender {
    struct network network;
    char *sensor;            /* NULL: as that of others */
    const struct zone *zone; /* NULL: the input's */
};

/* Where syslog is listened for. */
struct config_listen {
    char *url;
    struct listen_address address;
    enum framing framing;
    struct rule allow;             /* whose messages are taken; a Unix socket's all are */
    struct rule trusted;           /* whose messages name the sensor's host */
    struct rule proxies;           /* whose connections begin with a PROXY header */
    struct config_sender *senders; /* of networks that hold an address the smallest decides */
    size_t sender_count;
    struct tls_options tls; /* of tls:// */
    unsigned connections, per_peer;
    int idle_s;
};

struct config_input {
    enum input_kind kind;
    char *sensor;            /* NULL: each line's host */
    const struct zone *zone; /* of times without one */
    char **parsers;          /* the only ones that are tried, by name; none: all */
    size_t parser_count;
    int silence_s; /* without any line for so long it is blind; 0: it may be quiet */

    char *file;             /* absolute; a path or a pattern of paths */
    char *rotated;          /* the folder into which it is rotated; NULL: its own */
    enum input_start start; /* of a log or journal that was never read */
    char **matches;         /* the journal's, FIELD=VALUE; none: the kernel's messages */
    size_t match_count;
    char *folder; /* of its files; NULL: this machine's */

    struct config_listen *listen;
};

/* A LOG prefix whose verdict the administrator knows. */
struct config_prefix {
    char *prefix; /* without blanks at its ends; part of the prefix that is meant */
    enum action action;
};

struct config {
    char *file;     /* where it was read; NULL: these are the defaults */
    char *data;     /* NULL: paths_data() */
    char *parsers;  /* the user's own parser files; the folder needn't exist */
    char *country;  /* NULL: paths_country() */
    char *asn;      /* NULL: paths_asn() */
    char *language; /* of reports and charts, a known one; NULL: the environment's */
    struct config_input *inputs;
    size_t input_count;
    bool inputs_default; /* none were configured: kern.log, or where there is none the journal */
    struct config_prefix *prefixes;
    size_t prefix_count;
    struct sensor_alias *aliases;
    size_t alias_count;
    struct rule *rules; /* the exclusions, if any, before the scanners; numbered from 1 */
    size_t rule_count;
    enum anonymize anonymize;
    uint64_t max_size; /* bytes of the data folder; 0: as much as it takes */
    int commit_every_s;
    int late_s;
    struct {
        unsigned port_events_per_hour;
        unsigned max_ports;
        uint32_t *ports; /* port.h's keys, ascending, each once; always admitted */
        size_t port_count;
        int write_every_s; /* a multiple of 300 */
        char *rrdcached;   /* its Unix socket, absolute; NULL: none */
    } series;
    struct {
        char *folder;            /* NULL: the daemon makes no reports */
        char *format, *language; /* language NULL: as `language` */
        const struct zone *zone; /* NULL: this machine's */
        int at_s;                /* after midnight */
    } report;
};

struct config *config_default(void);

/* `path` NULL: CONFIG_FILE if there is one, else the defaults. Returns 0 with *out the caller's, or
 * a negative errno with the faults added to err and *out NULL. */
int config_load(const char *path, struct config **out, struct error *err);

/* Where no inputs are configured: kern.log, unless there is none and there is a journal. */
void config_choose_input(struct config *conf);

/* NULL is fine. */
void config_free(struct config *conf);

#endif
