/* Catalogs: what is found in them, and that a damaged one is none. */
#include "base/language.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* "one" is 一 in the context "list" and 壱 elsewhere, "%d port" has one form, "new" isn't translated. Sorted by the English. */
static const struct {
    const char *text;
    size_t text_n;
    const char *translation;
} entries[] = {
    {"", 0, "Content-Type: text/plain; charset=UTF-8\n"},
    {"%d port\0%d ports", sizeof "%d port\0%d ports" - 1, "%dポート"},
    {"list\4one", sizeof "list\4one" - 1, "一"},
    {"new", 3, ""},
    {"one", 3, "壱"},
};
enum { N = sizeof entries / sizeof *entries, HEAD = 28 };

static char folder[] = "/tmp/scantide-language-XXXXXX", path[128];
static unsigned char catalog[1024];
static size_t catalog_n;

static void put(size_t at, size_t value)
{
    uint32_t v = (uint32_t)value;
    memcpy(catalog + at, &v, sizeof v);
}

static size_t append(const char *text, size_t n)
{
    size_t at = catalog_n;

    memcpy(catalog + at, text, n);
    catalog[at + n] = 0;
    catalog_n += n + 1;
    return at;
}

static void make_catalog(void)
{
    size_t texts = HEAD, translations = HEAD + 8 * N;

    catalog_n = HEAD + 16 * N;
    put(0, 0x950412de), put(4, 0), put(8, N), put(12, texts), put(16, translations);
    for (size_t i = 0; i < N; i++) {
        put(texts + 8 * i, entries[i].text_n);
        put(texts + 8 * i + 4, append(entries[i].text, entries[i].text_n));
        put(translations + 8 * i, strlen(entries[i].translation));
        put(translations + 8 * i + 4,
            append(entries[i].translation, strlen(entries[i].translation)));
    }
}

static int load(const unsigned char *data, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    fclose(f);
    return language_load("ja", folder);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/ja", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/ja/LC_MESSAGES", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/ja/LC_MESSAGES/scantide.mo", folder);
    make_catalog();
    return 0;
}

static int remove_folder(void **state)
{
    char command[256];

    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static void a_sentence_is_found_by_text_and_context(void **state)
{
    (void)state;
    assert_int_equal(load(catalog, catalog_n), 0);
    assert_string_equal(language_name(), "ja");
    assert_string_equal(_("one"), "壱");
    assert_string_equal(_x("list", "one"), "一");
    assert_string_equal(_x("chart", "one"), "one");
    assert_string_equal(_("new"), "new");
    assert_string_equal(_("nowhere"), "nowhere");
    assert_string_equal(_(""), "");
    assert_string_equal(_n("%d port", "%d ports", 1), "%dポート");
    assert_string_equal(_n("%d port", "%d ports", 7), "%dポート");
}

static void english_needs_no_catalog(void **state)
{
    (void)state;
    assert_int_equal(language_load("en", NULL), 0);
    assert_string_equal(_("one"), "one");
    assert_string_equal(_n("%d port", "%d ports", 1), "%d port");
    assert_string_equal(_n("%d port", "%d ports", 2), "%d ports");
    assert_int_equal(language_load("ja", "/nowhere"), -ENOENT);
    assert_string_equal(language_name(), "en");
}

static void another_machines_byte_order_is_read(void **state)
{
    unsigned char swapped[sizeof catalog];

    (void)state;
    memcpy(swapped, catalog, catalog_n);
    for (size_t at = 0; at < HEAD + 16 * N; at += 4)
        for (size_t i = 0; i < 4; i++)
            swapped[at + i] = catalog[at + 3 - i];
    assert_int_equal(load(swapped, catalog_n), 0);
    assert_string_equal(_("one"), "壱");
}

static void a_damaged_catalog_is_none(void **state)
{
    unsigned char damaged[sizeof catalog];

    (void)state;
    for (size_t n = 0; n < catalog_n; n++) { /* cut off anywhere */
        assert_int_equal(load(catalog, n), -EINVAL);
        assert_string_equal(_("one"), "one");
    }
    for (size_t at = 0; at < HEAD + 16 * N;
         at++) /* what is changed may be read or not, within the file */
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(damaged, catalog, catalog_n);
            damaged[at] ^= (unsigned char)(1 << bit);
            load(damaged, catalog_n);
            assert_non_null(_("one"));
            assert_non_null(_n("%d port", "%d ports", 1));
        }
}

static void the_environment_says_it_in_order(void **state)
{
    (void)state;
    unsetenv("LC_ALL"), unsetenv("LC_MESSAGES"), unsetenv("LANG");
    assert_string_equal(language_of_environment(), "en");
    setenv("LANG", "ja_JP.UTF-8", 1);
    assert_string_equal(language_of_environment(), "ja");
    setenv("LC_MESSAGES", "fr_FR", 1);
    assert_string_equal(language_of_environment(), "en");
    setenv("LC_ALL", "ja", 1);
    assert_string_equal(language_of_environment(), "ja");
    setenv("LC_ALL", "jam_JM", 1); /* Jamaican Creole */
    assert_string_equal(language_of_environment(), "en");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_is_found_by_text_and_context),
        cmocka_unit_test(english_needs_no_catalog),
        cmocka_unit_test(another_machines_byte_order_is_read),
        cmocka_unit_test(a_damaged_catalog_is_none),
        cmocka_unit_test(the_environment_says_it_in_order),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
