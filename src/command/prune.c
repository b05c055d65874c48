/* `scantide prune`: a wrong import undone, so that it can be repeated. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/lock.h"
#include "base/wall.h"
#include "command/session.h"
#include "command/span.h"
#include "series/sweep.h"
#include "store/prune.h"

static const char usage[] =
    "scantide prune - remove the facts of a span, so that a wrong import can be repeated\n"
    "\n"
    "    scantide prune --sensor S... --from T --to T [--yes]\n"
    "\n"
    "Removes what the sensors have between the two times, and forgets the logs whose lines all lie "
    "there,\n"
    "so that they can be taken in again: with another --timezone, --year or --sensor. Says what it "
    "will\n"
    "remove, and asks. The times are rounded outward to whole 5 minutes. It may run beside "
    "'scantide run'.\n"
    "\n"
    "    --sensor S         the firewall; may stand several times\n"
    "    --from T, --to T   the span, half-open: 2026-11-24, '2026-11-24 10:00', RFC 3339\n"
    "    --yes              don't ask\n" SESSION_USAGE;

struct call {
    struct session session;
    struct span span;
    const char *names[SENSORS_MAX];
    uint16_t ids[SENSORS_MAX];
    size_t n;
    bool yes;
};

static int read_options(int argc, char **argv, struct call *call)
{
    static const struct option options[] = {SESSION_LONG_OPTIONS,
                                            {"sensor", required_argument, NULL, 's'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"to", required_argument, NULL, 't'},
                                            {"yes", no_argument, NULL, 'y'},
                                            {0}};
    int option, status;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 's' && call->n < SENSORS_MAX)
            call->names[call->n++] = optarg;
        else if (option == 'f')
            call->span.from_text = optarg;
        else if (option == 't')
            call->span.to_text = optarg;
        else if (option == 'y')
            call->yes = true;
        else if (session_option(option, "prune", usage, &status) < 0)
            return status == EXIT_DONE ? -1 : status;
    }
    if (optind < argc)
        return session_mistake("prune", "'%s' is one word too many", argv[optind]);
    if (call->n == 0 || !call->span.from_text || !call->span.to_text)
        return session_mistake("prune", "--sensor, --from and --to must all be said");
    return EXIT_DONE;
}

/* ---- telling and asking ---- */

static int print_log(void *ctx, const struct prune_log *l)
{
    const struct call *call = ctx;
    char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];

    if (l->forgotten)
        printf("  forgotten   %s\n", l->path);
    else
        printf("  known still %s: %s (%s to %s)\n", l->path,
               l->others ? "it is of other sensors, too" : "its lines reach beyond the span",
               time_format_local(call->session.local, l->first, a),
               time_format_local(call->session.local, l->last, b));
    return 0;
}

static int facts_fault(struct session *s, const char *what)
{
    error_add(&s->err, NULL, 0, 0, "%s (%s): nothing was removed", what, store_error(s->store));
    return session_fail(s, EXIT_FAILED);
}

static int tell(struct call *call, const struct prune_query *q, struct prune_report *r)
{
    const struct session *s = &call->session;
    char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];

    printf("to be removed, %s to %s:\n", time_format_local(s->local, q->from, a),
           time_format_local(s->local, q->to, b));
    if (prune_look(s->store, q, r, print_log, call) < 0)
        return facts_fault(&call->session, "the facts can't be read");
    printf("  events      %12" PRIu64 "\n", r->events);
    printf("  watched     %12.1f hours\n", (double)r->watched_s / HOUR_S);
    if (r->hours_cut)
        printf("  targets of %" PRIu64 " hours that the span cuts stay, since they are kept by the "
               "hour\n",
               r->hours_cut);
    fflush(stdout);
    return EXIT_DONE;
}

static int ask(const struct call *call)
{
    int c, answer;

    if (call->yes)
        return EXIT_DONE;
    if (!isatty(STDIN_FILENO))
        return session_mistake("prune", "there is no terminal to ask: say --yes");
    fputs("remove this? [y/N] ", stderr);
    answer = c = getchar();
    while (c != '\n' && c != EOF)
        c = getchar();
    if (tolower(answer) == 'y')
        return EXIT_DONE;
    fputs("scantide: nothing was removed\n", stderr);
    return EXIT_FAILED;
}

/* ---- the series ---- */

/* A sensor without facts has no series; nothing else would remove their files. */
static void sweep_empty(struct session *s, const struct call *call)
{
    int lock = lock_take(s->data, "series.lock", true);
    const struct series_key none = {0};

    for (size_t i = 0; i < call->n && lock >= 0; i++) {
        int64_t from, to;
        if (store_extent(s->store, call->ids[i], &from, &to) != -ENOENT)
            continue;
        char *folder = series_folder(s->series, call->names[i]);
        if (folder)
            sweep(folder, &none, 0);
        free(folder);
    }
    lock_release(lock);
}

static void drop_doubles(struct call *call)
{
    size_t kept = 0;

    for (size_t i = 0; i < call->n; i++) {
        size_t k = 0;
        while (k < kept && call->ids[k] != call->ids[i])
            k++;
        if (k < kept)
            continue;
        call->names[kept] = call->names[i];
        call->ids[kept++] = call->ids[i];
    }
    call->n = kept;
}

static int prune(struct call *call)
{
    struct session *s = &call->session;
    struct prune_report r;
    int status = session_find_sensors(s, "prune", call->names, call->n, call->ids);

    drop_doubles(call);
    if (status == EXIT_DONE)
        status = span_resolve(&call->span, "prune", "", s->local, wall_now(), s->store);
    if (status != EXIT_DONE)
        return status;
    struct prune_query q = {call->ids, call->n, call->span.from, call->span.to};
    status = tell(call, &q, &r);
    if (status == EXIT_DONE)
        span_say(&call->span, s->local, s->store, r.events == 0 && r.watched_s == 0);
    if (status == EXIT_DONE)
        status = ask(call);
    if (status != EXIT_DONE)
        return status;
    if (prune_facts(s->store, &q) < 0)
        return facts_fault(s, "the facts can't be written");
    puts("removed");
    sweep_empty(s, call);
    return session_sync_series(s);
}

int cmd_prune(int argc, char **argv)
{
    struct call call = {0};
    int status = read_options(argc, argv, &call);

    if (status != EXIT_DONE)
        return status < 0 ? EXIT_DONE : status;
    status = session_open(&call.session, SESSION_FACTS_CHANGE | SESSION_SERIES);
    if (status == EXIT_DONE)
        status = prune(&call);
    session_close(&call.session);
    return status;
}
