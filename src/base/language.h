/* language.h - the sentences of reports and charts in the reader's language. What a command says of itself, its errors
 * and its --help, stays English.
 *
 * A sentence stands in the source in English, marked for `make pot`, and is looked up in a catalog of gettext's
 * (src/po, msgfmt). The lookup is our own: the C library's asks the environment, and answers only where a locale other than C was generated.
 *
 *     language_load("ja", "build/locale");
 *     printf(_n("%zu port", "%zu ports", n), n);
 *
 * One language a process, chosen before its threads start; from then on any thread may ask. */
#ifndef SCANTIDE_BASE_LANGUAGE_H
#define SCANTIDE_BASE_LANGUAGE_H

#include <stdbool.h>

/* The sentence in the chosen language; English where there is none. Valid to the end. */
#define _(text)          language_text(text)
#define _n(one, many, n) language_count(one, many, n)

/* For a word that means something else elsewhere. */
#define _x(context, text) language_word(context, text)

/* Marks a sentence that is looked up later, by _ or _x. */
#define N_(text)           text
#define Nx_(context, text) text

/* "en", "ja" */
bool language_is_known(const char *language);

/* From LC_ALL, LC_MESSAGES and LANG, the first that says something; else "en". */
const char *language_of_environment(void);

/* Chooses a known language. `folder` has LANGUAGE/LC_MESSAGES/scantide.mo; English needs none, and no folder. Returns 0, -ENOENT
 * where there is no catalog, or -EINVAL where it is none of gettext's; then the language is English. */
int language_load(const char *language, const char *folder);

/* The chosen one. */
const char *language_name(void);

const char *language_text(const char *text) __attribute__((format_arg(1)));
const char *language_count(const char *one, const char *many, unsigned long n)
    __attribute__((format_arg(1), format_arg(2)));
const char *language_word(const char *context, const char *text) __attribute__((format_arg(2)));

#endif
