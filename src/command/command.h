/* command.h - the subcommands: one file each, thin. Each takes its own argv, argv[0] its name, and
 * returns the exit status: 0 done, 1 failed, 2 the user's mistake. Only results go to stdout. The
 * main thread. */
#ifndef SCANTIDE_COMMAND_COMMAND_H
#define SCANTIDE_COMMAND_COMMAND_H

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_MISTAKE = 2 };

int cmd_backup(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_graph(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_note(int argc, char **argv);
int cmd_parsers(int argc, char **argv);
int cmd_prune(int argc, char **argv);
int cmd_rebuild(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_simulate(int argc, char **argv);
int cmd_sql(int argc, char **argv);
int cmd_top(int argc, char **argv);

#endif
