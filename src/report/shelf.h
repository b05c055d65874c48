/* shelf.h - a folder of reports: YYYY-MM-DD.html (.md, .txt, .json) of each day, and index.html, which lists them by month, the newest first,
 * with a line on each.
 *
 * The lines stand in .summaries there; a day whose report is gone is left out. One holder at a time: others wait. An index.html that isn't
 * ours stays as it is.
 *
 *     struct shelf *s;
 *     if (shelf_open(folder, &s, err) == 0) {
 *         ...write the report...
 *         shelf_tell(s, "2026-11-23", "4,711 events ...");
 *         rc = shelf_index(s, err);
 *     }
 *     shelf_close(s); */
#ifndef SCANTIDE_REPORT_SHELF_H
#define SCANTIDE_REPORT_SHELF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct shelf;

/* Makes the folder where it is missing. 0 with *out the caller's, or a negative errno with a sentence, *out NULL. */
int shelf_open(const char *folder, struct shelf **out, struct error *err);
void shelf_close(struct shelf *s); /* NULL is fine */

/* The last day up to `until` with a report of this ending ("html"), in days since 1970; false: there is none. */
bool shelf_newest(const struct shelf *s, const char *ending, int64_t until, int64_t *day);

/* What the index says of a day's report. */
void shelf_tell(struct shelf *s, const char *day, const char *summary);

/* Writes the index anew, in the reader's language (base/language.h), beside the old one, and renames it. 0, or a negative errno with a
 * sentence. */
int shelf_index(struct shelf *s, struct error *err);

#endif
