#include "input/proxy.h"

#include <errno.h>

enum {
    HEADER_BYTES = 16,
    VERSION = 2 << 4,
    COMMAND_LOCAL = 0,
    COMMAND_PROXY = 1,
    FAMILY_INET = 1,
    FAMILY_INET6 = 2,
    FAMILIES = 4,
    TRANSPORTS = 3,
    INET_BYTES = 12,  /* two addresses and two ports */
    INET6_BYTES = 36, /* the same */
};

static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";

int proxy_read(struct str bytes, struct ip *peer)
{
    const uint8_t *p = (const uint8_t *)bytes.p;
    size_t known = bytes.n < sizeof signature ? bytes.n : sizeof signature;

    if (memcmp(p, signature, known) != 0)
        return -EINVAL;
    if (bytes.n < HEADER_BYTES)
        return 0;
    unsigned command = p[12] & 0xf, family = p[13] >> 4, transport = p[13] & 0xf;
    size_t n = (size_t)p[14] << 8 | p[15];
    if ((p[12] & 0xf0) != VERSION || command > COMMAND_PROXY || family >= FAMILIES ||
        transport >= TRANSPORTS || HEADER_BYTES + n > PROXY_MAX_BYTES)
        return -EINVAL;
    bool is_v4 = command == COMMAND_PROXY && family == FAMILY_INET;
    bool is_v6 = command == COMMAND_PROXY && family == FAMILY_INET6;
    if ((is_v4 && n < INET_BYTES) || (is_v6 && n < INET6_BYTES))
        return -EINVAL;
    if (bytes.n < HEADER_BYTES + n)
        return 0;
    *peer = (struct ip){0};
    if (is_v4) {
        peer->family = 4;
        memcpy(peer->b, p + HEADER_BYTES, 4);
    } else if (is_v6) {
        *peer = ip_from_v6(p + HEADER_BYTES);
    }
    return (int)(HEADER_BYTES + n);
}
