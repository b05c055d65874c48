/* `scantide backup`: a copy of the facts, also while a daemon runs. */
#include "store/backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "command/session.h"

static const char usage[] =
    "scantide backup - copy the facts into a file, also while 'scantide run' is running\n"
    "\n"
    "    scantide backup FILE\n"
    "\n"
    "The copy is of one instant, is read back and compared, and only then has its name; an earlier "
    "backup\n"
    "of that name is replaced at once. To restore it, end 'scantide run', put it into the data "
    "folder as\n"
    "facts.db, remove facts.db-wal and facts.db-shm, and call 'scantide rebuild': the round-robin "
    "databases\n"
    "are made from the facts.\n"
    "\n" SESSION_USAGE;

static void show_progress(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx;
    fprintf(stderr, "\r\033[K%" PRIu64 " of %" PRIu64 " pages", done, total);
}

static int read_options(int argc, char **argv)
{
    static const struct option options[] = {SESSION_LONG_OPTIONS, {0}};
    int option, status;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
        if (session_option(option, "backup", usage, &status) < 0)
            return status == EXIT_DONE ? -1 : status;
    if (optind + 1 != argc)
        return session_mistake("backup", "name one file to write");
    return EXIT_DONE;
}

int cmd_backup(int argc, char **argv)
{
    struct session s;
    int status = read_options(argc, argv);

    if (status != EXIT_DONE)
        return status < 0 ? EXIT_DONE : status;
    status = session_open(&s, SESSION_FACTS_READ);
    if (status == EXIT_DONE) {
        bool tells = isatty(STDERR_FILENO);
        int rc = backup_facts(s.store, argv[optind], tells ? show_progress : NULL, NULL, &s.err);
        if (tells)
            fputs("\r\033[K", stderr);
        status = session_fail(&s, rc < 0 ? session_status(rc) : EXIT_DONE);
    }
    session_close(&s);
    return status;
}
