/* error.h - faults that a person must mend: where, and a sentence that says what to do.
 *
 * A function that can find such faults takes a `struct error *`, adds every one it finds, and
 * returns a negative errno-style code. Faults of the world (a bad line) are counters instead;
 * broken invariants are ASSERT. One thread at a time per object.
 *
 *     struct error err = {0};
 *     if (config_load(path, &conf, &err) < 0)
 *         error_print(&err, stderr);
 *     error_fini(&err);
 */
#ifndef SCANTIDE_BASE_ERROR_H
#define SCANTIDE_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct error_item {
    char *file; /* NULL: the fault is of no file */
    int line;   /* from 1; 0: of the whole file */
    int column; /* from 1; 0: of the whole line */
    char *text; /* a sentence without a full stop or newline */
};

/* Zero-initialised is empty. */
struct error {
    struct error_item *items;
    size_t n;
};

/* Adds one fault; file may be NULL, line and column 0. The strings are copied. */
__attribute__((format(printf, 5, 6))) void error_add(struct error *err, const char *file, int line,
                                                     int column, const char *fmt, ...);

/* One line a fault, in the order of file, line and column: "FILE:LINE:COLUMN: TEXT". */
void error_print(struct error *err, FILE *out);

/* Moves all of `from` behind those of `err`; `from` is empty afterwards. */
void error_move(struct error *err, struct error *from);

/* Frees the faults; the object is empty and usable afterwards. */
void error_fini(struct error *err);

#endif
