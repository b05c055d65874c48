#include "base/language.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* A catalog: a head of six numbers, two tables of (length, offset) of the sentences in English, sorted, and of their
 * translations. A sentence is preceded by its context and a \4; a plural's forms follow one another with their
 * terminators between. */
enum { MAGIC = 0x950412de, HEAD = 28, CATALOG_MAX = 4 << 20 };
#define CONTEXT_END "\4"

static const char *const known[] = {"en", "ja"};
enum { KNOWN = sizeof known / sizeof *known };

static struct {
    const char *language;
    char *data; /* NULL: English */
    size_t size;
    bool swapped; /* made for a machine of the other byte order */
    uint32_t n, texts, translations;
} catalog = {.language = "en"};

static const char *find_known(const char *language)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (strcmp(known[i], language) == 0)
            return known[i];
    return NULL;
}

bool language_is_known(const char *language)
{
    return find_known(language) != NULL;
}

/* "ja_JP.UTF-8" is "ja". */
const char *language_of_environment(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *said = NULL;

    for (size_t i = 0; i < sizeof names / sizeof *names && !(said && *said); i++)
        said = getenv(names[i]);
    for (size_t i = 0; said && i < KNOWN; i++) {
        size_t n = strlen(known[i]);
        if (strncmp(said, known[i], n) == 0 && (said[n] == 0 || strchr("_.@", said[n])))
            return known[i];
    }
    return known[0];
}

/* ---- the catalog ---- */

static uint32_t number_at(size_t at)
{
    uint32_t v;

    memcpy(&v, catalog.data + at, sizeof v);
    return catalog.swapped ? __builtin_bswap32(v) : v;
}

static bool is_table(uint32_t at)
{
    return at <= catalog.size && (catalog.size - at) / 8 >= catalog.n;
}

/* Each string lies within the file and is terminated there. */
static bool is_sound_table(uint32_t table)
{
    if (!is_table(table))
        return false;
    for (uint32_t i = 0; i < catalog.n; i++) {
        size_t length = number_at(table + 8 * (size_t)i), at = number_at(table + 8 * (size_t)i + 4);
        if (at >= catalog.size || length >= catalog.size - at || catalog.data[at + length] != 0)
            return false;
    }
    return true;
}

static bool is_sound(void)
{
    if (catalog.size < HEAD)
        return false;
    catalog.swapped = false;
    if (number_at(0) != MAGIC) {
        catalog.swapped = true;
        if (number_at(0) != MAGIC)
            return false;
    }
    catalog.n = number_at(8);
    catalog.texts = number_at(12);
    catalog.translations = number_at(16);
    return is_sound_table(catalog.texts) && is_sound_table(catalog.translations);
}

static int read_catalog(const char *path)
{
    FILE *f = fopen(path, "rbe");

    if (!f)
        return -ENOENT;
    catalog.data = xmalloc(CATALOG_MAX);
    catalog.size = fread(catalog.data, 1, CATALOG_MAX, f);
    fclose(f);
    catalog.data = xrealloc(catalog.data, catalog.size + 1, 1);
    return is_sound() ? 0 : -EINVAL;
}

int language_load(const char *language, const char *folder)
{
    const char *name = find_known(language);
    int rc = 0;

    ASSERT(name);
    free(catalog.data);
    catalog.data = NULL;
    if (name != known[0]) {
        char *path = xasprintf("%s/%s/LC_MESSAGES/scantide.mo", folder ? folder : ".", name);
        rc = read_catalog(path);
        free(path);
    }
    if (rc < 0) {
        free(catalog.data);
        catalog.data = NULL;
        name = known[0];
    }
    catalog.language = name;
    return rc;
}

const char *language_name(void)
{
    return catalog.language;
}

/* ---- looking up ---- */

static const char *string_at(uint32_t table, uint32_t i, size_t *length)
{
    *length = number_at(table + 8 * (size_t)i);
    return catalog.data + number_at(table + 8 * (size_t)i + 4);
}

/* The translation, or NULL; `*length` of all its forms. */
static const char *find(const char *text, size_t *length)
{
    uint32_t low = 0, high = catalog.data ? catalog.n : 0;
    size_t unused;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int order = strcmp(text, string_at(catalog.texts, mid, &unused));
        if (order == 0)
            return string_at(catalog.translations, mid, length);
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

const char *language_text(const char *text)
{
    size_t length;
    const char *found = *text ? find(text, &length) : NULL; /* "" has the catalog's own head */

    return found && *found ? found : text;
}

/* A language of one form has it for every number; none of ours has more than English. */
const char *language_count(const char *one, const char *many, unsigned long n)
{
    size_t length;
    const char *found = find(one, &length);

    if (!found || !*found)
        return n == 1 ? one : many;
    size_t first = strlen(found);
    return n == 1 || first == length ? found : found + first + 1;
}

const char *language_word(const char *context, const char *text)
{
    size_t length;
    char *key = xasprintf("%s" CONTEXT_END "%s", context, text);
    const char *found = *text ? find(key, &length) : NULL;

    free(key);
    return found && *found ? found : text;
}
