#include "command/simline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

enum { BUFFER = 256 * 1024, LINE_MAX_BYTES = 1024, STAMP_MAX = 96 };

struct sim_out {
    int fd, error;
    const char *host;
    const struct zone *zone;
    int64_t second; /* that stamp[] tells */
    size_t stamp_n;
    char stamp[STAMP_MAX]; /* "Nov 24 10:00:01 gw " */
    char octets[256][4];   /* "198", its length in the last byte */
    size_t n;
    char buffer[BUFFER];
};

struct sim_out *sim_out_new(int fd, const char *host, const struct zone *zone)
{
    struct sim_out *out = xcalloc(1, sizeof *out);

    ASSERT(strlen(host) + 20 < STAMP_MAX);
    *out = (struct sim_out){.fd = fd, .host = host, .zone = zone, .second = INT64_MIN};
    for (unsigned i = 0; i < 256; i++) {
        char *o = out->octets[i];
        unsigned n = i > 99 ? 3 : i > 9 ? 2 : 1, v = i;
        o[3] = (char)n;
        while (n--) {
            o[n] = (char)('0' + v % 10);
            v /= 10;
        }
    }
    return out;
}

static void flush(struct sim_out *out)
{
    for (size_t at = 0; at < out->n && !out->error;) {
        ssize_t n = write(out->fd, out->buffer + at, out->n - at);
        if (n >= 0)
            at += (size_t)n;
        else if (errno != EINTR)
            out->error = -errno;
    }
    out->n = 0;
}

int sim_out_error(const struct sim_out *out)
{
    return out->error;
}

int sim_out_close(struct sim_out *out)
{
    flush(out);
    int error = out->error;
    free(out);
    return error;
}

/* The put_ functions write at p and return where the next byte goes; start_line sees to the
 * room. */

#define put_literal(p, literal) \
    ((char *)memcpy(p, literal, sizeof(literal) - 1) + sizeof(literal) - 1)

static char *put_number(char *p, uint64_t v)
{
    char digits[20];
    size_t n = 0;

    do
        digits[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n)
        *p++ = digits[--n];
    return p;
}

static char *put_padded(char *p, uint64_t v, unsigned width, char pad)
{
    for (unsigned i = width; i--; v /= 10)
        p[i] = v || i + 1 == width ? (char)('0' + v % 10) : pad;
    return p + width;
}

static char *put_hex(char *p, unsigned byte, const char *digits)
{
    *p++ = digits[byte >> 4];
    *p++ = digits[byte & 15];
    return p;
}

static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";

static char *put_address(const struct sim_out *out, char *p, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        const char *o = out->octets[v >> shift & 255];
        memcpy(p, o, 3);
        p += o[3];
        *p++ = '.';
    }
    return p - 1;
}

/* The kernel's %pI6: eight groups of four digits, nothing left out. */
static char *put_address6(char *p, const uint8_t a[16])
{
    for (unsigned i = 0; i < 16; i++) {
        p = put_hex(p, a[i], lower);
        if (i % 2 && i < 15)
            *p++ = ':';
    }
    return p;
}

static void make_stamp(struct sim_out *out, int64_t second)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil c = civil_from_seconds(second + zone_offset(out->zone, second));
    char *p = out->stamp;

    memcpy(p, months + 3 * (size_t)(c.month - 1), 3);
    p[3] = ' ';
    p = put_padded(p + 4, c.day, 2, ' ');
    *p++ = ' ';
    p = put_padded(p, c.hour, 2, '0');
    *p++ = ':';
    p = put_padded(p, c.minute, 2, '0');
    *p++ = ':';
    p = put_padded(p, c.second, 2, '0');
    *p++ = ' ';
    p = stpcpy(p, out->host);
    *p++ = ' ';
    out->stamp_n = (size_t)(p - out->stamp);
    out->second = second;
}

static char *start_line(struct sim_out *out, int64_t when_ns)
{
    if (out->n + LINE_MAX_BYTES > BUFFER)
        flush(out);
    if (when_ns / 1000000000 != out->second)
        make_stamp(out, when_ns / 1000000000);
    char *p = out->buffer + out->n;
    memcpy(p, out->stamp, STAMP_MAX); /* a constant length is faster than the true one */
    return p + out->stamp_n;
}

static void end_line(struct sim_out *out, char *p)
{
    *p++ = '\n';
    out->n = (size_t)(p - out->buffer);
}

/* As printk does: "[%5lu.%06lu] ". */
static char *put_kernel(char *p, int64_t uptime_ns)
{
    uint64_t us = (uint64_t)uptime_ns / 1000, s = us / 1000000;

    p = put_literal(p, "kernel: [");
    p = s < 100000 ? put_padded(p, s, 5, ' ') : put_number(p, s);
    *p++ = '.';
    p = put_padded(p, us % 1000000, 6, '0');
    return put_literal(p, "] ");
}

static char *put_ports(char *p, unsigned source, unsigned port)
{
    p = put_literal(p, "SPT=");
    p = put_number(p, source);
    p = put_literal(p, " DPT=");
    return put_number(p, port);
}

static char *put_tcp(char *p, const struct sim_packet *k)
{
    p = put_literal(p, "TCP ");
    if (k->fragment)
        return p;
    p = put_ports(p, k->source_port, k->port);
    p = put_literal(p, " WINDOW=");
    p = put_number(p, k->window);
    p = put_literal(p, " RES=0x00 ");
    if (k->flags & SIM_ACK)
        p = put_literal(p, "ACK ");
    if (k->flags & SIM_PSH)
        p = put_literal(p, "PSH ");
    if (k->flags & SIM_RST)
        p = put_literal(p, "RST ");
    if (k->flags & SIM_SYN)
        p = put_literal(p, "SYN ");
    if (k->flags & SIM_FIN)
        p = put_literal(p, "FIN ");
    return put_literal(p, "URGP=0 ");
}

static char *put_udp(char *p, const struct sim_packet *k, unsigned header)
{
    p = put_literal(p, "UDP ");
    if (k->fragment)
        return p;
    p = put_ports(p, k->source_port, k->port);
    p = put_literal(p, " LEN=");
    p = put_number(p, k->length - header);
    *p++ = ' ';
    return p;
}

/* The packet that an ICMP error answers: one that went the other way. */
static char *put_quoted(const struct sim_out *out, char *p, const struct sim_packet *k)
{
    p = put_literal(p, "[SRC=");
    p = put_address(out, p, k->target);
    p = put_literal(p, " DST=");
    p = put_address(out, p, k->source);
    p = put_literal(p, " LEN=");
    p = put_number(p, k->length - 28u);
    p = put_literal(p, " TOS=0x00 PREC=0x00 TTL=");
    p = put_number(p, 1u + k->id % 60u);
    p = put_literal(p, " ID=");
    p = put_number(p, k->id ^ 0x5a5au);
    p = put_literal(p, " PROTO=");
    if (k->inner_protocol ==
        6) /* a router quotes 8 bytes, too few for the kernel to read TCP's header */
        return put_literal(p, "TCP INCOMPLETE [8 bytes] ] ");
    p = put_literal(p, "UDP ");
    p = put_ports(p, k->inner_source, k->inner_port);
    p = put_literal(p, " LEN=");
    p = put_number(p, k->length - 48u);
    return put_literal(p, " ] ");
}

static char *put_icmp(const struct sim_out *out, char *p, const struct sim_packet *k)
{
    p = k->v6 ? put_literal(p, "ICMPv6 TYPE=") : put_literal(p, "ICMP TYPE=");
    p = put_number(p, k->type);
    p = put_literal(p, " CODE=");
    p = put_number(p, k->code);
    *p++ = ' ';
    if (k->inner_protocol)
        return put_quoted(out, p, k);
    p = put_literal(p, "ID=");
    p = put_number(p, k->source_port);
    p = put_literal(p, " SEQ=");
    p = put_number(p, k->sequence);
    *p++ = ' ';
    return p;
}

static char *put_header4(const struct sim_out *out, char *p, const struct sim_packet *k)
{
    p = put_literal(p, "08:00 SRC=");
    p = put_address(out, p, k->source);
    p = put_literal(p, " DST=");
    p = put_address(out, p, k->target);
    p = put_literal(p, " LEN=");
    p = put_number(p, k->length);
    p = put_literal(p, " TOS=0x");
    p = put_hex(p, k->tos & 0x1e, upper);
    p = put_literal(p, " PREC=0x");
    p = put_hex(p, k->tos & 0xe0, upper);
    p = put_literal(p, " TTL=");
    p = put_number(p, k->ttl);
    p = put_literal(p, " ID=");
    p = put_number(p, k->id);
    *p++ = ' ';
    if (k->df)
        p = put_literal(p, "DF ");
    if (k->mf)
        p = put_literal(p, "MF ");
    if (k->fragment) {
        p = put_literal(p, "FRAG:");
        p = put_number(p, k->fragment);
        *p++ = ' ';
    }
    return p;
}

static char *put_header6(char *p, const struct sim_packet *k)
{
    p = put_literal(p, "86:dd SRC=");
    p = put_address6(p, k->source6);
    p = put_literal(p, " DST=");
    p = put_address6(p, k->target6);
    p = put_literal(p, " LEN=");
    p = put_number(p, k->length);
    p = put_literal(p, " TC=0 HOPLIMIT=");
    p = put_number(p, k->ttl);
    return put_literal(p, " FLOWLBL=0 ");
}

void sim_out_packet(struct sim_out *out, int64_t when_ns, int64_t uptime_ns,
                    const struct sim_packet *k)
{
    char *p = put_kernel(start_line(out, when_ns), uptime_ns);

    p = k->accepted ? put_literal(p, "ACCEPT ") : put_literal(p, "DROP ");
    p = put_literal(p, "IN=eth0 OUT= MAC=52:54:00:9c:1e:07:00:1b:17:00:01:10:");
    p = k->v6 ? put_header6(p, k) : put_header4(out, p, k);
    p = put_literal(p, "PROTO=");
    switch (k->protocol) {
    case 6: p = put_tcp(p, k); break;
    case 17: p = put_udp(p, k, k->v6 ? 40 : 20); break;
    case 1:
    case 58: p = put_icmp(out, p, k); break;
    default: p = put_number(p, k->protocol); *p++ = ' ';
    }
    end_line(out, p);
}

void sim_out_text(struct sim_out *out, int64_t when_ns, int64_t uptime_ns, const char *program,
                  const char *text)
{
    char *p = start_line(out, when_ns);

    ASSERT(strlen(program) + strlen(text) + STAMP_MAX + 8 < LINE_MAX_BYTES);
    if (strcmp(program, "kernel") == 0) {
        p = put_kernel(p, uptime_ns);
    } else {
        p = stpcpy(p, program);
        p = put_literal(p, ": ");
    }
    end_line(out, stpcpy(p, text));
}
