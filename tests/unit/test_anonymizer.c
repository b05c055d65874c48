/* Sources made anonymous: networks, and hashes by a key that is made once. */
#include "tag/anonymizer.h"

#include <sys/stat.h>

#include "helper.h"

/* The key and the inputs of the paper's appendix A and of its authors' vectors.h: 0, 1, 2, ... */
static void test_siphash(void **state)
{
    static const struct {
        size_t n;
        uint64_t hash;
    } cases[] = {{0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd}, {15, 0xa129ca6149be45e5}};
    uint8_t bytes[16];

    (void)state;
    for (uint8_t i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(siphash(bytes, bytes, cases[i].n), cases[i].hash);
}

static struct anonymizer open_it(enum anonymize how, const char *folder, bool must_make)
{
    struct error err = {0};
    struct anonymizer a;
    bool made;

    if (anonymizer_open(how, folder, &a, &made, &err) < 0)
        fail_msg("%s", faults_text(&err));
    assert_int_equal(made, must_make);
    return a;
}

static const char *hidden(const struct anonymizer *a, const char *text)
{
    static char out[ANONYMOUS_TEXT_MAX];
    struct ip ip;

    assert_int_equal(ip_parse(str_from(text), &ip), 0);
    ip = anonymizer_hide(a, &ip);
    anonymous_format(&ip, out);
    return out;
}

static const char *folder_of(const char *name)
{
    const char *folder = temp_path(name);

    assert_int_equal(mkdir(folder, 0700), 0);
    return folder;
}

static void test_networks(void **state)
{
    struct anonymizer a = open_it(ANONYMIZE_PREFIX, "/nowhere", false);

    (void)state;
    assert_string_equal(hidden(&a, "198.51.100.255"), "198.51.100.0/24");
    assert_string_equal(hidden(&a, "2001:db8:1:2:3::4"), "2001:db8:1::/48");
}

static void test_hashes(void **state)
{
    const char *folder = folder_of("hashes");
    struct anonymizer a = open_it(ANONYMIZE_HASH, folder, true),
                      again = open_it(ANONYMIZE_HASH, folder, false),
                      other = open_it(ANONYMIZE_HASH, folder_of("other"), true);
    char first[ANONYMOUS_TEXT_MAX];
    struct stat st;
    struct ip ip;

    (void)state;
    strcpy(first, hidden(&a, "198.51.100.1"));
    assert_string_equal(hidden(&again, "198.51.100.1"), first);
    assert_string_not_equal(hidden(&other, "198.51.100.1"), first);
    assert_string_not_equal(hidden(&a, "198.51.100.2"), first);
    assert_int_equal(strncmp(first, "fd5c:a471:de04:", 15), 0);
    assert_int_equal(strncmp(hidden(&a, "2001:db8::1"), "fd5c:a471:de06:", 15), 0);
    assert_int_equal(ip_parse(str_from(first), &ip), 0);
    assert_true(anonymous_is_hash(&ip));
    assert_false(ip_is_global(&ip));
    char *path = NULL;
    assert_true(asprintf(&path, "%s/anonymize.key", folder) > 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_nlink, 1);
    free(path);
}

static void test_no_key(void **state)
{
    const char *folder = folder_of("bad");
    struct error err = {0};
    struct anonymizer a;
    char *path = NULL;
    bool made;

    (void)state;
    assert_true(asprintf(&path, "%s/anonymize.key", folder) > 0);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs("00112233445566778899aabbccddeef\n", out);
    fclose(out);
    assert_true(anonymizer_open(ANONYMIZE_HASH, folder, &a, &made, &err) < 0);
    assert_non_null(strstr(faults_text(&err), "this is no key"));
    error_fini(&err);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_siphash),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_no_key),
    };
    return cmocka_run_group_tests_name("anonymizer", tests, temp_make, temp_remove);
}
