/* fields.h - an event's fields as words, under the names that parser files use: for samples and for
 * people. */
#ifndef SCANTIDE_PARSE_FIELDS_H
#define SCANTIDE_PARSE_FIELDS_H

#include "parse/event.h"

enum field_name {
    NAME_SRC,
    NAME_DST,
    NAME_SPORT,
    NAME_DPORT,
    NAME_PROTO,
    NAME_TYPE,
    NAME_CODE,
    NAME_FLAGS,
    NAME_IN,
    NAME_OUT,
    NAME_HOST,
    NAME_PREFIX,
    NAME_ACTION,
    NAME_CLASS,
    NAME_PORT,
    NAME_TIME,
    NAME_COUNT,
    NAMES
};

const char *field_label(enum field_name f);

enum { FIELD_TEXT_MAX = 256 };

/* Writes the field's text, cut to fit, with its terminator. False where the event has no such
 * field; the text is empty then. */
bool field_text(const struct event *e, enum field_name f, char out[FIELD_TEXT_MAX]);

const char *class_name(uint8_t class);

/* The names of the flags that are set, in the order in which the kernel writes them; returns how
 * many. */
size_t flag_names(uint8_t flags, const char *out[8]);

#endif
