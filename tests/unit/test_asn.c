/* AS numbers and names from a MaxMind DB: by address, and by number alone. */
#include "tag/asn.h"

#include "helper.h"

static const char networks[] = "8.0.0.0/8 64500 Example Net, Inc.\n"
                               "8.8.8.0/24 4200000001 A \"quoted\" one\n"
                               "9.0.0.0/8 64501 bad \x1b[31m bytes \xff\n"
                               "9.9.9.0/24 64501 bad \x1b[31m bytes \xff\n"
                               "203.0.113.0/24 64502 nobody's, whatever a database says\n"
                               "2a00:1450::/32 64503 \xc3\x9c"
                               "berall\n";

static const struct {
    const char *ip;
    uint32_t number;
    const char *name;
} rows[] = {
    {"8.0.0.1", 64500, "Example Net, Inc."},
    {"8.8.8.8", 4200000001, "A \"quoted\" one"},
    {"9.9.9.9", 64501, "bad ?[31m bytes ?"},
    {"203.0.113.7", 0, ""},
    {"1.1.1.1", 0, ""},
    {"2a00:1450::1", 64503,
     "\xc3\x9c"
     "berall"},
    {"2a01::1", 0, ""},
};

static struct asn *open_asn(const char *path)
{
    struct error err = {0};
    struct asn *a = NULL;

    if (asn_open(path, &a, &err) < 0)
        fail_msg("%s", faults_text(&err));
    return a;
}

static void make_database(const char *path)
{
    char self[400], command[1200];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    assert_true(n > 0);
    self[n] = 0;
    *strrchr(self, '/') = 0;
    snprintf(command, sizeof command, "%s/mkmmdb --schema asn >%s", self, path);
    FILE *tool = popen(command, "w");
    assert_non_null(tool);
    fputs(networks, tool);
    assert_int_equal(pclose(tool), 0);
}

static void test_addresses(void **state)
{
    const char *path = temp_path("by-address");

    (void)state;
    make_database(path);
    struct asn *a = open_asn(path);
    assert_string_equal(asn_path(a), path);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char name[AS_NAME_MAX];
        struct ip ip;
        assert_int_equal(ip_parse(str_from(rows[i].ip), &ip), 0);
        assert_int_equal(asn_number(a, &ip), rows[i].number);
        assert_int_equal(asn_find(a, &ip, name), rows[i].number);
        same_text(rows[i].ip, name, rows[i].name);
        assert_int_equal(asn_number(NULL, &ip), 0);
    }
    asn_close(a);
}

static void test_names(void **state)
{
    const char *path = temp_path("by-number");
    char name[AS_NAME_MAX];
    struct ip other;

    (void)state;
    make_database(path);
    struct asn *a = open_asn(path);
    assert_int_equal(ip_parse(str_from("1.1.1.1"), &other), 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(asn_name(a, rows[i].number, i % 2 ? &other : NULL, name),
                         rows[i].number != 0);
        same_text(rows[i].ip, name, rows[i].name);
    }
    assert_false(asn_name(a, 64999, NULL, name));
    assert_string_equal(name, "");
    asn_close(a);
}

static void test_no_database(void **state)
{
    const char *path = temp_path("text");
    struct error err = {0};
    struct asn *a = NULL;
    char name[AS_NAME_MAX], text[AS_TEXT_MAX];

    (void)state;
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs("no database\n", out);
    fclose(out);
    assert_int_equal(asn_open(path, &a, &err), -EINVAL);
    assert_non_null(strstr(faults_text(&err), "'geo: asn:'"));
    error_fini(&err);
    assert_false(asn_name(NULL, 1, NULL, name));
    assert_string_equal(asn_format(64500, text), "AS64500");
    assert_string_equal(asn_format(0, text), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_no_database),
    };
    return cmocka_run_group_tests_name("asn", tests, temp_make, temp_remove);
}
