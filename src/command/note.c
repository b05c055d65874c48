/* `scantide note`: what the operator knows of a span, beside the facts. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "command/session.h"
#include "command/span.h"
#include "store/gap.h"

static const char usage[] =
    "scantide note - say something of a span: it is shown in charts and reports\n"
    "\n"
    "    scantide note TEXT --from T [--to T] [--sensor S]\n"
    "    scantide note --remove --from T [--to T] [--sensor S]\n"
    "\n"
    "Times are RFC 3339, or YYYY-MM-DD[ HH:MM] in this machine's zone, and are rounded outward to "
    "whole\n"
    "5 minutes; without --to it is up to now. Notes are never pruned.\n"
    "\n"
    "    --sensor S         of this firewall only (of all)\n"
    "    --remove           take the notes of the span back\n" SESSION_USAGE;

struct note {
    struct session session;
    struct span span;
    const char *text, *sensor;
    uint16_t id; /* 0: all sensors */
    bool remove;
};

/* Returns an exit status, or -1 where --help was asked for. */
static int read_options(int argc, char **argv, struct note *n)
{
    static const struct option options[] = {SESSION_LONG_OPTIONS,
                                            {"from", required_argument, NULL, 'f'},
                                            {"to", required_argument, NULL, 't'},
                                            {"sensor", required_argument, NULL, 's'},
                                            {"remove", no_argument, NULL, 'r'},
                                            {0}};
    int option, status;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 'f')
            n->span.from_text = optarg;
        else if (option == 't')
            n->span.to_text = optarg;
        else if (option == 's')
            n->sensor = optarg;
        else if (option == 'r')
            n->remove = true;
        else if (session_option(option, "note", usage, &status) < 0)
            return status == EXIT_DONE ? -1 : status;
    }
    n->text = optind < argc ? argv[optind] : "";
    if (argc - optind > 1)
        return session_mistake("note", "'%s' is one word too many: put the text in quotes",
                               argv[optind + 1]);
    if (n->remove && *n->text)
        return session_mistake("note", "--remove takes no text: it removes all notes of the span");
    if (!n->remove && !*n->text)
        return session_mistake("note", "say the text, such as \"patching the collector\"");
    if (!n->span.from_text)
        return session_mistake("note", "say when: --from T [--to T]");
    return EXIT_DONE;
}

static int write_note(struct note *n)
{
    struct session *s = &n->session;
    struct gap g = {.reason = GAP_NOTE, .text = n->text};
    int status = span_resolve(&n->span, "note", "24h", s->local, (int64_t)time(NULL), s->store);

    if (status == EXIT_DONE && n->sensor)
        status = session_find_sensors(s, "note", &n->sensor, 1, &n->id);
    if (status != EXIT_DONE)
        return status;
    g.sensor = n->id;
    g.from = n->span.from;
    g.to = n->span.to - 1;
    int rc = n->remove ? store_cut_gap(s->store, n->id, GAP_NOTE, NULL, g.from, g.to)
                       : store_put_gap(s->store, &g);
    if (rc < 0)
        error_add(&s->err, NULL, 0, 0, "the facts can't be written (%s)", store_error(s->store));
    return session_fail(s, rc < 0 ? EXIT_FAILED : EXIT_DONE);
}

int cmd_note(int argc, char **argv)
{
    struct note n = {0};
    int status = read_options(argc, argv, &n);

    if (status != EXIT_DONE)
        return status < 0 ? EXIT_DONE : status;
    status = session_open(&n.session, SESSION_FACTS_CHANGE);
    if (status == EXIT_DONE)
        status = write_note(&n);
    session_close(&n.session);
    return status;
}
