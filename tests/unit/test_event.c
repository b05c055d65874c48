/* What a packet was sent for: a request, an answer to one that we never sent, or neither. */
#include "parse/event.h"

#include "base/port.h"
#include "helper.h"
#include "parse/fields.h"

enum { ICMP = 1, IGMP = 2, TCP = 6, UDP = 17, GRE = 47, ICMP6 = 58 };

static void test_transport(void **state)
{
    static const struct {
        const char *what;
        uint8_t protocol;
        int sport, dport; /* -1: none */
        int flags;        /* -1: not told */
        const char *port, *class;
    } rows[] = {
        {"SYN", TCP, 4000, 23, TCP_SYN, "23/tcp", "scan"},
        {"SYN with ECN", TCP, 4000, 23, TCP_SYN | TCP_ECE | TCP_CWR, "23/tcp", "scan"},
        {"flags not told", TCP, 4000, 23, -1, "23/tcp", "scan"},
        {"null", TCP, 4000, 23, 0, "23/tcp", "scan"},
        {"FIN", TCP, 4000, 23, TCP_FIN, "23/tcp", "scan"},
        {"Xmas", TCP, 4000, 23, TCP_FIN | TCP_PSH | TCP_URG, "23/tcp", "scan"},
        {"SYN and FIN", TCP, 4000, 23, TCP_FIN | TCP_SYN, "23/tcp", "scan"},
        {"SYN+ACK", TCP, 80, 4000, TCP_SYN | TCP_ACK, "4000/tcp", "backscatter"},
        {"RST", TCP, 80, 4000, TCP_RST, "4000/tcp", "backscatter"},
        {"RST+ACK", TCP, 80, 4000, TCP_RST | TCP_ACK, "4000/tcp", "backscatter"},
        {"ACK", TCP, 80, 4000, TCP_ACK, "4000/tcp", "other"},
        {"FIN+ACK", TCP, 80, 4000, TCP_FIN | TCP_ACK, "4000/tcp", "other"},
        {"PSH+ACK", TCP, 80, 4000, TCP_PSH | TCP_ACK, "4000/tcp", "other"},
        {"a fragment", TCP, -1, -1, -1, "frag/tcp", "other"},
        {"to DNS", UDP, 4000, 53, -1, "53/udp", "scan"},
        {"from DNS", UDP, 53, 4000, -1, "4000/udp", "backscatter"},
        {"from NTP", UDP, 123, 80, -1, "80/udp", "backscatter"},
        {"from SSDP", UDP, 1900, 80, -1, "80/udp", "backscatter"},
        {"from CLDAP", UDP, 389, 80, -1, "80/udp", "backscatter"},
        {"from memcached", UDP, 11211, 80, -1, "80/udp", "backscatter"},
        {"from NTP to NTP", UDP, 123, 123, -1, "123/udp", "backscatter"},
        {"from any", UDP, 54, 80, -1, "80/udp", "scan"},
        {"from DNS by TCP", TCP, 53, 80, TCP_SYN, "80/tcp", "scan"},
        {"a fragment of UDP", UDP, -1, -1, -1, "frag/udp", "other"},
        {"GRE", GRE, -1, -1, -1, "47/ip", "other"},
        {"IGMP", IGMP, -1, -1, -1, "2/ip", "other"},
    };
    char text[FIELD_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct event e = {.protocol = rows[i].protocol, .class = 99, .port = 99};
        e.has_ports = rows[i].sport >= 0;
        e.source_port = (uint16_t)rows[i].sport;
        e.destination_port = (uint16_t)rows[i].dport;
        e.has_flags = rows[i].flags >= 0;
        e.tcp_flags = (uint8_t)(rows[i].flags < 0 ? 0 : rows[i].flags);
        event_classify(&e);
        assert_true(field_text(&e, NAME_PORT, text));
        same_text(rows[i].what, text, rows[i].port);
        same_text(rows[i].what, class_name(e.class), rows[i].class);
    }
}

static void test_icmp(void **state)
{
    /* every type that has a class of its own; all others are other */
    static const uint8_t requests[] = {8, 10, 13, 15, 17};
    static const uint8_t answers[] = {0, 3, 4, 11, 12, 14, 16, 18};

    (void)state;
    for (int type = 0; type < 256; type++) {
        struct event e = {.protocol = ICMP, .has_icmp_type = true, .icmp_type = (uint8_t)type};
        event_classify(&e);
        enum event_class want = memchr(requests, type, sizeof requests) ? CLASS_SCAN
                                : memchr(answers, type, sizeof answers) ? CLASS_BACKSCATTER
                                                                        : CLASS_OTHER;
        assert_int_equal(e.class, want);
        assert_int_equal(e.port, port_key(PORT_ICMP, (uint32_t)type));

        e = (struct event){.protocol = ICMP6, .has_icmp_type = true, .icmp_type = (uint8_t)type};
        event_classify(&e); /* RFC 4443 2.1: errors are below 128 */
        want = type == 128                 ? CLASS_SCAN
               : type < 128 || type == 129 ? CLASS_BACKSCATTER
                                           : CLASS_OTHER;
        assert_int_equal(e.class, want);
        assert_int_equal(e.port, port_key(PORT_ICMP6, (uint32_t)type));
    }
    struct event e = {.protocol = ICMP}; /* a later fragment */
    event_classify(&e);
    assert_int_equal(e.class, CLASS_OTHER);
    assert_int_equal(e.port, port_key(PORT_IP, ICMP));
}

static void test_fields(void **state)
{
    char text[FIELD_TEXT_MAX], longer[400];
    struct event e = {0};

    (void)state;
    memset(longer, 'x', sizeof longer);
    for (enum field_name f = 0; f < NAMES; f++) {
        bool always = f == NAME_PROTO || f == NAME_ACTION || f == NAME_CLASS || f == NAME_PORT ||
                      f == NAME_TIME || f == NAME_COUNT;
        same_number(field_label(f), field_text(&e, f, text), always);
        if (!always)
            same_text(field_label(f), text, "");
    }
    e.prefix = (struct str){longer, sizeof longer};
    assert_true(field_text(&e, NAME_PREFIX, text));
    assert_int_equal(strlen(text), FIELD_TEXT_MAX - 1);
    e.has_flags = true;
    e.tcp_flags = 0xff;
    assert_true(field_text(&e, NAME_FLAGS, text));
    assert_string_equal(text, "CWR ECE URG ACK PSH RST SYN FIN");
    assert_string_equal(class_name(77), "other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transport),
        cmocka_unit_test(test_icmp),
        cmocka_unit_test(test_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
