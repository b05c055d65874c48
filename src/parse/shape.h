/* shape.h - a line with what differs from line to line masked, so that lines of a kind are one.
 *
 * Addresses become <ip> and <mac>, other numbers and hexadecimal ones #. Pure; any thread. */
#ifndef SCANTIDE_PARSE_SHAPE_H
#define SCANTIDE_PARSE_SHAPE_H

#include "base/str.h"

enum { SHAPE_MAX = 200 };

/* The shape of a text, cut to fit, with its terminator; control bytes become '?'. Returns its
 * length. */
size_t shape_of(struct str text, char out[SHAPE_MAX + 1]);

#endif
