/* draft.h - an overview as a page: what a researcher would write of it, with charts.
 *
 * Every sentence follows from figures that the page shows, or from a finding. Pictures are drawn
 * into a folder as they are needed. One thread, that of the kit (report/picture.h).
 *
 *     struct draft draft = {.overview = &o, .kit = &kit, .format = DRAFT_HTML, .folder = tmp};
 *     rc = draft_write(&draft, out, err);
 */
#ifndef SCANTIDE_REPORT_DRAFT_H
#define SCANTIDE_REPORT_DRAFT_H

#include "config/portbook.h"
#include "report/overview.h"
#include "report/picture.h"
#include "store/rules.h"
#include "tag/asn.h"

enum draft_format { DRAFT_HTML, DRAFT_MARKDOWN, DRAFT_TEXT };

struct draft {
    const struct overview *overview;
    const struct picture_kit *kit;
    const struct port_book *book; /* or NULL */
    struct asn *asn;              /* or NULL */
    enum draft_format format;
    size_t rows;        /* of each ranking */
    size_t charts;      /* at most so many */
    const char *folder; /* where pictures are drawn; NULL: none are */
    const char *below;  /* of Markdown: how the page calls that folder: "2026-11-23/" */
};

/* 0, or a negative errno with a sentence in err. */
int draft_write(const struct draft *draft, FILE *out, struct error *err);

/* The day in a line, without an end: "107,054 events (+44%) from 30,614 sources; most at 23/tcp, ...". The caller frees it. */
char *draft_summary(const struct overview *o);

#endif
