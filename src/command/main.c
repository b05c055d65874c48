#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "command/session.h"

static const char usage[] =
    "scantide - who scans what, from firewall drop logs\n"
    "\n"
    "    scantide [--data DIR] [--config FILE] COMMAND ...\n"
    "\n"
    "    import     take whole logs in, once\n"
    "    run        follow the configured logs (the daemon, in the foreground)\n"
    "    status     tell how taking in is going\n"
    "    top        rank ports, countries, sources, pairs or targets\n"
    "    report     say what happened in a day: rankings, verdicts, gaps\n"
    "    graph      draw an hourly chart\n"
    "    note       say something of a span, for charts and reports\n"
    "    sql        ask the facts in SQL\n"
    "    export     write hourly totals by port and country\n"
    "    backup     copy the facts, also while the daemon runs\n"
    "    prune      remove the facts of a span, so that a wrong import can be repeated\n"
    "    rebuild    make all round-robin databases again, or save what is left of damaged facts\n"
    "    explain    tell what becomes of each line of a log\n"
    "    check      check configuration and parser files\n"
    "    doctor     look for what could go wrong with taking in\n"
    "    parsers    list the parsers, test a parser file\n"
    "    simulate   write a plausible log, for trying things out\n"
    "\n"
    "'scantide COMMAND --help' tells more of each.\n"
    "\n" SESSION_USAGE "    --version          the version\n";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"import", cmd_import},     {"run", cmd_run},         {"top", cmd_top},
    {"graph", cmd_graph},       {"explain", cmd_explain}, {"check", cmd_check},
    {"simulate", cmd_simulate}, {"sql", cmd_sql},         {"rebuild", cmd_rebuild},
    {"prune", cmd_prune},       {"backup", cmd_backup},   {"export", cmd_export},
    {"status", cmd_status},     {"doctor", cmd_doctor},   {"note", cmd_note},
    {"parsers", cmd_parsers},   {"report", cmd_report},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static int unknown_command(const char *word)
{
    const char *names[COMMANDS];

    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    const char *near = nearest_word(str_from(word), names, COMMANDS);
    fprintf(stderr,
            near ? "scantide: '%s' is no command; did you mean '%s'?\n"
                 : "scantide: '%s' is no command\n",
            word, near);
    fputs("Try 'scantide --help'.\n", stderr);
    return EXIT_MISTAKE;
}

/* Larger pieces of memory go back to the system when they are freed. glibc would raise this by itself
 * to 32 MB, and a flood then leaves 70 MB of holes behind. */
enum { MAPPED_BYTES = 2 << 20 };

int main(int argc, char **argv)
{
    static const struct option options[] = {
        SESSION_LONG_OPTIONS, {"version", no_argument, NULL, 'V'}, {0}};
    int option, status;

    mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
    argv[0] = (char *)"scantide"; /* getopt's messages begin with it */
    while ((option = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
        if (option == 'V') {
            puts("scantide " SCANTIDE_VERSION);
            return EXIT_DONE;
        }
        if (session_option(option, "", usage, &status) < 0)
            return status;
    }
    if (optind == argc) {
        fputs(usage, stderr);
        return EXIT_MISTAKE;
    }
    argc -= optind;
    argv += optind;
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[0], commands[i].name) == 0) {
            optind = 0; /* glibc: begin anew */
            return commands[i].run(argc, argv);
        }
    return unknown_command(argv[0]);
}
