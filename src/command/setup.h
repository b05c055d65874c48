/* setup.h - what `run` runs with: configuration, parsers, databases and inputs, loaded at its start
 * and anew whenever they change. */
#ifndef SCANTIDE_COMMAND_SETUP_H
#define SCANTIDE_COMMAND_SETUP_H

#include "command/session.h"
#include "pipeline/daemon_uv.h"

/* FILEs of the command line, in place of the configured inputs; n = 0: none. */
struct setup_files {
    const char *sensor;
    const struct zone *zone;
    char **files;
    size_t n;
};

struct setup {
    struct daemon_setup daemon; /* first: the daemon knows only this */
    struct session session;     /* what it is made of */
    struct config_input *files; /* of the command line; NULL: none */
    size_t file_count;
};

/* The setup of a session, which it takes over; facts and series are the caller's, not the session's.
 * A negative code with faults where an input can't be read; free it in either case. */
int setup_make(struct session *session, struct series *series, const struct setup_files *files,
               struct setup **out, struct error *err);

/* The same anew, from the files as they are now: *out is NULL on a fault. */
int setup_remake(const struct setup *old, const struct setup_files *files, struct setup **out,
                 struct error *err);

void setup_free(struct setup *s);

#endif
