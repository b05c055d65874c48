/* Ports as the field writes them. */
#include "base/port.h"

#include "helper.h"

static void test_rows(void **state)
{
    static const struct {
        const char *text, *written, *slug; /* written NULL: refused */
        enum port_kind kind;
        uint32_t number;
    } rows[] = {
        {"23/tcp", "23/tcp", "23-tcp", PORT_TCP, 23},
        {"0/tcp", "0/tcp", "0-tcp", PORT_TCP, 0},
        {"65535/udp", "65535/udp", "65535-udp", PORT_UDP, 65535},
        {"23", "23/tcp", "23-tcp", PORT_TCP, 23},
        {"8/icmp", "8/icmp", "8-icmp", PORT_ICMP, 8},
        {"128/icmp6", "128/icmp6", "128-icmp6", PORT_ICMP6, 128},
        {"255/ip", "255/ip", "255-ip", PORT_IP, 255},
        {"frag/tcp", "frag/tcp", "frag-tcp", PORT_FRAG, 0},
        {"frag/udp", "frag/udp", "frag-udp", PORT_FRAG, 1},
        {"65536/tcp", NULL, NULL, 0, 0},
        {"256/icmp", NULL, NULL, 0, 0},
        {"256/ip", NULL, NULL, 0, 0},
        {"frag/icmp", NULL, NULL, 0, 0},
        {"0/frag", NULL, NULL, 0, 0},
        {"/tcp", NULL, NULL, 0, 0},
        {"23/", NULL, NULL, 0, 0},
        {"23/tcpx", NULL, NULL, 0, 0},
        {"23/tcp/", NULL, NULL, 0, 0},
        {"23-tcp", NULL, NULL, 0, 0},
        {"-1/tcp", NULL, NULL, 0, 0},
        {" 23/tcp", NULL, NULL, 0, 0},
        {"000023/tcp", NULL, NULL, 0, 0},
        {"", NULL, NULL, 0, 0},
    };
    char text[PORT_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint32_t key = 4711;
        same_number(rows[i].text, port_parse(str_from(rows[i].text), &key),
                    rows[i].written ? 0 : -EINVAL);
        if (!rows[i].written) {
            assert_int_equal(key, 4711);
            continue;
        }
        same_number(rows[i].text, key, port_key(rows[i].kind, rows[i].number));
        assert_int_equal(port_kind(key), rows[i].kind);
        assert_int_equal(port_number(key), rows[i].number);
        assert_true(key < PORT_KEY_MAX && key < 1u << PORT_KEY_BITS);
        assert_int_equal(port_format(key, text), strlen(rows[i].written));
        same_text(rows[i].text, text, rows[i].written);
        assert_int_equal(port_slug(key, text), strlen(rows[i].slug));
        same_text(rows[i].text, text, rows[i].slug);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
