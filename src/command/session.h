/* session.h - what nearly every subcommand begins with: the options that all share, configuration,
 * parser files, databases of countries and AS numbers, facts.
 *
 * --data and --config may stand before or after the subcommand; main puts the former here, a
 * subcommand's getopt the latter. Functions print their faults to stderr and return an exit status:
 * EXIT_DONE, EXIT_FAILED or EXIT_MISTAKE.
 *
 *     struct session s;
 *     int status = session_open(&s, SESSION_PARSERS | SESSION_GEO | SESSION_FACTS_WRITE);
 *     if (status == EXIT_DONE)
 *         ...
 *     session_close(&s);
 */
#ifndef SCANTIDE_COMMAND_SESSION_H
#define SCANTIDE_COMMAND_SESSION_H

#include <getopt.h>
#include <stdbool.h>

#include "chart/definition.h"
#include "command/command.h"
#include "config/config.h"
#include "config/portbook.h"
#include "parse/parser.h"
#include "series/series.h"
#include "store/rules.h"
#include "store/store.h"
#include "tag/asn.h"
#include "tag/geo.h"

struct session_options {
    const char *data, *config;
};

extern struct session_options session_options;

/* For the long options of every subcommand; values outside the range of letters. */
enum { OPTION_DATA = 1000, OPTION_CONFIG, OPTION_HELP };
#define SESSION_LONG_OPTIONS                                \
    {"data", required_argument, NULL, OPTION_DATA},         \
        {"config", required_argument, NULL, OPTION_CONFIG}, \
    {                                                       \
        "help", no_argument, NULL, OPTION_HELP              \
    }

/* What every --help ends with. */
#define SESSION_USAGE                                                              \
    "    --data DIR         the data folder\n"                                     \
    "    --config FILE      the configuration (" CONFIG_FILE " if there is one)\n" \
    "    --help             this text\n"

/* Takes the shared options. 0: was one of them, go on; else -1 and *status is the exit status:
 * --help has been printed, or the option isn't known (getopt has said so). */
int session_option(int option, const char *command, const char *usage, int *status);

/* Says what is wrong with the call, and how to get help. Returns EXIT_MISTAKE. */
__attribute__((format(printf, 2, 3))) int session_mistake(const char *command, const char *fmt,
                                                          ...);

enum {
    SESSION_PARSERS = 1,
    SESSION_GEO = 2,
    SESSION_FACTS_READ = 4,
    SESSION_FACTS_WRITE = 8, /* the folder is made when missing */
    SESSION_SERIES = 16,
    SESSION_FACTS_CHANGE = 32, /* written to, but they must be there */
    SESSION_AS_NAMES = 64      /* the database of AS numbers alone; a fault of it is only said */
};

struct session {
    struct config *conf;
    char *data;
    struct parser_set *parsers;
    struct geo *geo;
    struct asn *asn; /* NULL: there is no database */
    struct anonymizer anonymizer;
    struct store *store;
    struct series *series;
    const struct zone *local; /* the operator's zone */
    struct error err;
};

int session_open(struct session *s, unsigned parts);

/* The part of it that is neither facts nor series: configuration, parsers, databases. Prints
 * nothing: 0, or -EINVAL with the faults in s->err. Close it in either case. */
int session_load(struct session *s, unsigned parts);
void session_close(struct session *s);

/* Prints the faults gathered so far and empties them; `status` unless there were none and it is
 * EXIT_DONE. */
int session_fail(struct session *s, int status);

/* The exit status of a negative errno: what only the operator can mend (a permission, a wrong call)
 * is a mistake. */
int session_status(int rc);

/* Whether a daemon runs on the data folder. */
bool session_daemon_runs(const struct session *s);

/* Brings the series up to date with the facts, unless a daemon does so. */
int session_sync_series(struct session *s);

/* The same for charts, which look at the files that they draw themselves: all are looked at only
 * where facts have come since. */
int session_ready_series(struct session *s);

/* Makes the configuration that of the facts, all of it or nothing: the names that sensors have taken
 * over, what was counted under which is merged; exclusions and known scanners, which moves what was
 * counted before; and the way to make sources anonymous. Says what that did and how far it reached.
 * With a daemon on the data folder, which has a configuration of its own, a difference in the first
 * two is only said; `daemon`: it is this process. After the facts were opened for writing. */
int session_take_over(struct session *s, bool daemon, void (*say)(const char *text));

/* The sentence on a change of rules, the caller's to free. */
char *session_rules_text(const struct rules_change *change, const struct zone *local);

/* The ids of sensors by name; EXIT_MISTAKE with a sentence that lists those there are. */
int session_find_sensors(struct session *s, const char *command, const char *const *names, size_t n,
                         uint16_t *ids);

/* Chooses the language of what is written: `option` (--lang) before the configuration's before the environment's. Where
 * there is no catalog of it, or charts are to be drawn and no font has its letters, that is said, and it is English.
 * EXIT_DONE, or EXIT_MISTAKE with a sentence. */
int session_language(const struct session *s, const char *command, const char *option, bool charts);

/* rrd/chart.yaml. EXIT_DONE, or EXIT_MISTAKE with its faults said. */
int session_chart_definition(struct session *s, struct chart_definition **definition);

/* rrd/ports.yaml. EXIT_DONE, or EXIT_MISTAKE with its faults said. */
int session_port_book(struct port_book **book);

/* What --port and the like say: a port, or the group of that name in the book, which is loaded where
 * it isn't yet; *group NULL: a port. EXIT_DONE, or EXIT_MISTAKE with a sentence. */
int session_port(const char *command, const char *option, const char *text, struct port_book **book,
                 uint32_t *port, const struct port_group **group);

/* --timezone and --year as they are given; NULL: this machine's zone, no year (0). EXIT_DONE, or
 * EXIT_MISTAKE with a sentence. */
int session_zone(const char *command, const char *text, const struct zone **zone);
int session_year(const char *command, const char *text, int *year);

#endif
