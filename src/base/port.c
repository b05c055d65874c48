#include "base/port.h"

#include <errno.h>
#include <stdio.h>

static const char *const kind_names[PORT_KINDS] = {"tcp", "udp", "icmp", "icmp6", "ip", "frag"};

static size_t write_key(uint32_t key, char separator, char out[PORT_TEXT_MAX])
{
    enum port_kind kind = port_kind(key);
    int n;

    if (key == PORT_OTHER)
        n = snprintf(out, PORT_TEXT_MAX, "other");
    else if (kind == PORT_FRAG)
        n = snprintf(out, PORT_TEXT_MAX, "frag%c%s", separator, kind_names[port_number(key) & 1]);
    else
        n = snprintf(out, PORT_TEXT_MAX, "%u%c%s", port_number(key), separator, kind_names[kind]);
    return (size_t)n;
}

size_t port_format(uint32_t key, char out[PORT_TEXT_MAX])
{
    return write_key(key, '/', out);
}

size_t port_slug(uint32_t key, char out[PORT_TEXT_MAX])
{
    return write_key(key, '-', out);
}

static uint32_t number_max(enum port_kind kind)
{
    return kind == PORT_TCP || kind == PORT_UDP ? 65535 : 255;
}

int port_parse(struct str text, uint32_t *key)
{
    const char *slash = memchr(text.p, '/', text.n);
    struct str head = {text.p, slash ? (size_t)(slash - text.p) : text.n};
    struct str tail = slash ? str_skip(text, head.n + 1) : STR("tcp");
    uint32_t number = 0;

    if (str_eq(head, STR("frag"))) {
        if (!str_eq(tail, STR("tcp")) && !str_eq(tail, STR("udp")))
            return -EINVAL;
        *key = port_key(PORT_FRAG, str_eq(tail, STR("udp")));
        return 0;
    }
    if (head.n == 0 || head.n > 5)
        return -EINVAL;
    for (size_t i = 0; i < head.n; i++) {
        unsigned d = (unsigned)(unsigned char)head.p[i] - '0';
        if (d > 9)
            return -EINVAL;
        number = number * 10 + d;
    }
    for (enum port_kind k = 0; k < PORT_FRAG; k++) {
        if (str_eq(tail, str_from(kind_names[k])) && number <= number_max(k)) {
            *key = port_key(k, number);
            return 0;
        }
    }
    return -EINVAL;
}
