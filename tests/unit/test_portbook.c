/* rrd/ports.yaml: the shipped one has no fault, and faults of an own one are said with their place. */
#include "config/portbook.h"

#include "helper.h"

static void test_shipped(void **state)
{
    struct error err = {0};
    struct port_book *book;
    const struct port_group *list;
    uint32_t port;

    (void)state;
    if (port_book_load("rrd/ports.yaml", &book, &err) < 0)
        fail_msg("%s", faults_text(&err));
    assert_int_equal(port_parse(STR("445/tcp"), &port), 0);
    assert_string_equal(port_book_find(book, port)->name, "SMB");
    assert_null(port_book_find(book, PORT_OTHER));
    assert_int_equal(port_book_group(book, "smb")->n, 2);
    assert_int_equal(port_book_group(book, "mail")->n, 3);
    assert_int_equal(port_book_group(book, "web")->n, 2);
    assert_null(port_book_group(book, "nothing"));
    assert_true(port_book_groups(book, &list) > 5);
    port_book_free(book);
}

static void test_faults(void **state)
{
    static const char yaml[] = "ports:\n"
                               "  - {port: 23/tcp, name: a, why: b, group: Telnet}\n"
                               "  - {port: 23, name: a, why: b}\n"
                               "  - {port: 23/abc, name: a, why: b}\n"
                               "  - {port: 24/tcp, name: a, why: b, group: '80'}\n"
                               "  - {port: 25/tcp, name: a}\n";
    static const char *const faults[] = {
        ":2:44: a group's name has up to 24 lower case letters",
        ":3:12: 23 stands here twice",
        ":4:12: '23/abc' is no port",
        ":5:44: a group's name",
        ":6:5: ",
    };
    const char *path = temp_path("ports.yaml");
    struct error err = {0};
    struct port_book *book;

    (void)state;
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(yaml, out);
    fclose(out);
    assert_true(port_book_load(path, &book, &err) < 0);
    assert_null(book);
    assert_int_equal(err.n, COUNT(faults));
    const char *text = faults_text(&err);
    for (size_t i = 0; i < COUNT(faults); i++)
        if (!strstr(text, faults[i]))
            fail_msg("no '%s' in\n%s", faults[i], text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests_name("portbook", tests, temp_make, temp_remove);
}
