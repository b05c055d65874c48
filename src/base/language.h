/* language.h - marks the sentences of reports and charts for translators (gettext). What a command says of
 * itself, its errors and its --help, isn't marked. */
#ifndef SCANTIDE_BASE_LANGUAGE_H
#define SCANTIDE_BASE_LANGUAGE_H

#include <libintl.h>

#define LANGUAGE_DOMAIN "scantide"

/* The sentence in the chosen language; English where there is none. Valid to the end. */
#define _(text)          dgettext(LANGUAGE_DOMAIN, text)
#define _n(one, many, n) dngettext(LANGUAGE_DOMAIN, one, many, n)

#endif
