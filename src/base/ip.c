#include "base/ip.h"

#include <arpa/inet.h>
#include <errno.h>

#ifdef __SSE2__
#include <emmintrin.h>

/* A dotted quad of 7 to 15 bytes as two words, the rest zero. */
static __m128i load(const char *p, size_t n)
{
    uint64_t low, high = 0;

    if (n == 7) {
        uint32_t a, b;
        memcpy(&a, p, 4);
        memcpy(&b, p + 3, 4);
        low = (uint64_t)b << 24 | a;
    } else {
        memcpy(&low, p, 8);
        if (n > 8) {
            memcpy(&high, p + n - 8, 8);
            high >>= 8 * (16 - n);
        }
    }
    return _mm_set_epi64x((int64_t)high, (int64_t)low);
}

/* The number of `n` digits (1 to 3) that begin at byte `at`. */
static uint32_t part_at(unsigned __int128 digits, unsigned at, unsigned n)
{
    uint32_t last = (uint32_t)(digits >> (8 * at)) << (8 * (4 - n)); /* ends in the top byte */

    return (last >> 24) + 10 * (last >> 16 & 0xff) + 100 * (last >> 8 & 0xff);
}

/* Dotted quad, exactly four decimal parts without leading blanks: nearly every address is one.
 * Where its dots are differs from line to line, so nothing branches by that. */
static int parse_v4(struct str t, struct ip *out)
{
    if (t.n < 7 || t.n > 15)
        return -EINVAL;
    __m128i v = _mm_sub_epi8(load(t.p, t.n), _mm_set1_epi8('0'));
    unsigned all = (1u << t.n) - 1,
             dots = all & (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8('.' - '0'))),
             digits =
                 (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(9)), v));
    unsigned second = dots & (dots - 1), third = second & (second - 1);
    if ((dots | digits) != all || third == 0 || (third & (third - 1)))
        return -EINVAL;
    unsigned b = (unsigned)__builtin_ctz(dots) + 1, c = (unsigned)__builtin_ctz(second) + 1,
             d = (unsigned)__builtin_ctz(third) + 1, nb = c - b - 1, nc = d - c - 1,
             nd = (unsigned)t.n - d;
    if ((b - 2) > 2 || (nb - 1) > 2 || (nc - 1) > 2 || (nd - 1) > 2)
        return -EINVAL;
    unsigned __int128 bytes;
    memcpy(&bytes, &v, sizeof bytes);
    uint32_t pa = part_at(bytes, 0, b - 1), pb = part_at(bytes, b, nb), pc = part_at(bytes, c, nc),
             pd = part_at(bytes, d, nd);
    if ((pa | pb | pc | pd) > 255 && (pa > 255 || pb > 255 || pc > 255 || pd > 255))
        return -EINVAL;
    *out = ip_from_v4(pa << 24 | pb << 16 | pc << 8 | pd);
    return 0;
}
#else
/* Dotted quad, exactly four decimal parts without leading blanks; by hand, since nearly every
 * address is one. */
static int parse_v4(struct str t, struct ip *out)
{
    uint32_t part = 0, value = 0;
    unsigned dots = 0, digits = 0;

    if (t.n < 7 || t.n > 15)
        return -EINVAL;
    for (size_t i = 0; i < t.n; i++) {
        unsigned d = (unsigned)(unsigned char)t.p[i] - '0';
        if (d <= 9) {
            part = part * 10 + d;
            if (++digits > 3 || part > 255)
                return -EINVAL;
        } else if (t.p[i] == '.' && digits > 0) {
            value = value << 8 | part;
            part = digits = 0;
            if (++dots > 3)
                return -EINVAL;
        } else {
            return -EINVAL;
        }
    }
    if (dots != 3 || digits == 0)
        return -EINVAL;
    *out = ip_from_v4(value << 8 | part);
    return 0;
}
#endif

struct ip ip_from_v6(const uint8_t bytes[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    bool is_mapped = memcmp(bytes, mapped, sizeof mapped) == 0;
    struct ip ip = {.family = is_mapped ? 4 : 6};

    memcpy(ip.b, is_mapped ? bytes + 12 : bytes, is_mapped ? 4 : 16);
    return ip;
}

int ip_parse(struct str text, struct ip *out)
{
    char copy[IP_TEXT_MAX];
    uint8_t bytes[16];

    if (parse_v4(text, out) == 0)
        return 0;
    if (text.n >= sizeof copy || !memchr(text.p, ':', text.n))
        return -EINVAL;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    if (strlen(copy) != text.n || inet_pton(AF_INET6, copy, bytes) != 1)
        return -EINVAL;
    *out = ip_from_v6(bytes);
    return 0;
}

size_t ip_format(const struct ip *ip, char out[IP_TEXT_MAX])
{
    out[0] = 0;
    if (ip->family)
        inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->b, out, IP_TEXT_MAX);
    return strlen(out);
}

struct v4_block {
    uint32_t net;
    unsigned bits;
};

/* IANA's IPv4 special-purpose registry, the entries that are not globally reachable, and
 * multicast. */
static const struct v4_block not_global[] = {
    {0x00000000, 8},  /* 0.0.0.0/8 this network */
    {0x0a000000, 8},  /* 10.0.0.0/8 private */
    {0x64400000, 10}, /* 100.64.0.0/10 shared */
    {0x7f000000, 8},  /* 127.0.0.0/8 loopback */
    {0xa9fe0000, 16}, /* 169.254.0.0/16 link-local */
    {0xac100000, 12}, /* 172.16.0.0/12 private */
    {0xc0000000, 24}, /* 192.0.0.0/24 protocol assignments */
    {0xc0000200, 24}, /* 192.0.2.0/24 documentation */
    {0xc0a80000, 16}, /* 192.168.0.0/16 private */
    {0xc6120000, 15}, /* 198.18.0.0/15 benchmarking */
    {0xc6336400, 24}, /* 198.51.100.0/24 documentation */
    {0xcb007100, 24}, /* 203.0.113.0/24 documentation */
    {0xe0000000, 3},  /* 224.0.0.0/3 multicast, reserved, broadcast */
};

bool ip_local_block(size_t i, uint32_t *net, unsigned *bits)
{
    if (i >= sizeof not_global / sizeof *not_global)
        return false;
    *net = not_global[i].net;
    *bits = not_global[i].bits;
    return true;
}

bool ip_is_global(const struct ip *ip)
{
    if (ip->family == 4) {
        uint32_t v = ip_v4(ip);
        for (size_t i = 0; i < sizeof not_global / sizeof *not_global; i++)
            if ((v ^ not_global[i].net) >> (32 - not_global[i].bits) == 0)
                return false;
        return true;
    }
    if (ip->family != 6 || (ip->b[0] & 0xe0) != 0x20)
        return false;
    if (ip->b[0] == 0x20 && ip->b[1] == 0x01) {
        if (ip->b[2] == 0x0d && ip->b[3] == 0xb8) /* 2001:db8::/32 documentation */
            return false;
        if (ip->b[2] == 0 && ip->b[3] == 2 && ip->b[4] == 0 &&
            ip->b[5] == 0) /* 2001:2::/48 benchmarking */
            return false;
    }
    return !(ip->b[0] == 0x3f && ip->b[1] == 0xff && ip->b[2] < 0x10); /* 3fff::/20 documentation */
}
