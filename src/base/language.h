/* language.h - sentences for a reader in the reader's language (gettext): reports and charts. What a
 * command says of itself, its errors and its --help, is English always.
 *
 * A sentence stands in English in the source; conf/po has the others, build/locale what msgfmt made
 * of them. language_choose before threads start, or from one thread: it sets the process's
 * LANGUAGE.
 *
 *     if (language_choose("ja", folder) == 0)
 *         puts(_("sources"));
 */
#ifndef SCANTIDE_BASE_LANGUAGE_H
#define SCANTIDE_BASE_LANGUAGE_H

#include <libintl.h>

#define LANGUAGE_DOMAIN "scantide"

/* The sentence in the chosen language; English where there is none. Valid to the end. */
#define _(text)          dgettext(LANGUAGE_DOMAIN, text)
#define _n(one, many, n) dngettext(LANGUAGE_DOMAIN, one, many, n)

/* 0, or -ENOENT where `folder` (paths_locale) has no such language; "en" is always there. */
int language_choose(const char *code, const char *folder);

#endif
