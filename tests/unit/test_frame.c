/* Streams cut into messages, the same however they arrive in pieces; and PROXY headers. */
#include "input/frame.h"

#include "helper.h"
#include "input/proxy.h"

struct row {
    const char *name;
    enum framing framing;
    const char *bytes;
    size_t n; /* 0: up to the terminator */
    const char *lines;
    unsigned lost, empty;
    bool bad;
};

#define BYTES(literal) (literal), sizeof(literal) - 1

static const struct row rows[] = {
    {"lines", FRAMING_AUTO, "<13>a\n<13>b\n", 0, "<13>a\n<13>b\n", 0, 0, false},
    {"a CR before the end", FRAMING_AUTO, "<13>a\r\nb\r\n", 0, "<13>a\nb\n", 0, 0, false},
    {"NUL as the end", FRAMING_AUTO, BYTES("<13>a\0<13>b\0"), "<13>a\n<13>b\n", 0, 0, false},
    {"LF and NUL", FRAMING_AUTO, BYTES("a\n\0b\n\0"), "a\nb\n", 0, 2, false},
    {"counts", FRAMING_AUTO, "5 <13>a6 <13>bc", 0, "<13>a\n<13>bc\n", 0, 0, false},
    {"told apart per frame", FRAMING_AUTO, "5 <13>a<13>b\n5 <13>c<13>d\n", 0,
     "<13>a\n<13>b\n<13>c\n<13>d\n", 0, 0, false},
    {"a count and an end", FRAMING_AUTO, "6 <13>a\n6 <13>b\n", 0, "<13>a\n<13>b\n", 0, 0, false},
    {"an end that isn't counted", FRAMING_AUTO, "5 <13>a\n5 <13>b\n", 0, "<13>a\n<13>b\n", 0, 2,
     false},
    {"an LF within a counted one", FRAMING_AUTO, "8 <13>a\nbc", 0, "<13>a bc\n", 0, 0, false},
    {"a line that begins with a number", FRAMING_AUTO, "12 monkeys\n", 0, "12 monkeys\n", 0, 0,
     false},
    {"a year", FRAMING_AUTO, "2026 Nov 24\n", 0, "2026 Nov 24\n", 0, 0, false},
    {"six digits are none", FRAMING_AUTO, "100000 <13>a\n", 0, "100000 <13>a\n", 0, 0, false},
    {"a leading zero is none", FRAMING_AUTO, "05 <13>a\n", 0, "05 <13>a\n", 0, 0, false},
    {"nothing counted", FRAMING_AUTO, "0 <13>a\n", 0, "0 <13>a\n", 0, 0, false},
    {"no end: the rest at the peer's end", FRAMING_AUTO, "<13>a\n<13>b", 0, "<13>a\n<13>b\n", 0, 0,
     false},
    {"a counted one cut off", FRAMING_AUTO, "5 <13>a9 <13>b", 0, "<13>a\n", 1, 0, false},
    {"a count cut off", FRAMING_AUTO, "5 <13>a12", 0, "<13>a\n", 1, 0, false},
    {"empty lines", FRAMING_AUTO, "\n\r\na\n\n", 0, "a\n", 0, 3, false},
    {"lines only", FRAMING_LINE, "5 <13>a\n", 0, "5 <13>a\n", 0, 0, false},
    {"counts only", FRAMING_OCTET, "3 a b2 cd", 0, "a b\ncd\n", 0, 0, false},
    {"counts only, with ends", FRAMING_OCTET, "5 <13>a\n5 <13>b\n", 0, "<13>a\n<13>b\n", 0, 0,
     false},
    {"counts only, and none", FRAMING_OCTET, "3 a b<13>c\n3 d e", 0, "a b\n", 0, 0, true},
    {"counts only, a zero", FRAMING_OCTET, "0 a", 0, "", 0, 0, true},
    {"counts only, too many digits", FRAMING_OCTET, "123456 a", 0, "", 0, 0, true},
};

struct result {
    char *lines;
    size_t n;
    uint64_t messages, lost, empty;
    bool bad;
};

static void gather(struct result *r, const struct frames *out)
{
    size_t lines = 0;

    memcpy(r->lines + r->n, out->lines.p, out->lines.n);
    for (size_t i = 0; i < out->lines.n; i++)
        lines += out->lines.p[i] == '\n';
    assert_int_equal(lines, out->messages);
    r->n += out->lines.n;
    r->messages += out->messages;
    r->lost += out->lost;
    r->empty += out->empty;
    r->bad |= out->bad;
}

/* In pieces of `piece` bytes, as a connection does it. The buffer is as large as it must be. */
static struct result cut(enum framing framing, const char *bytes, size_t n, size_t piece)
{
    struct framer f = {.framing = framing};
    struct result r = {.lines = calloc(1, n + 2)};
    char *buffer = malloc(FRAME_REST_MAX + piece + 1);
    size_t rest = 0;
    struct frames out;

    for (size_t at = 0; at < n && !r.bad; at += piece) {
        size_t more = n - at < piece ? n - at : piece;
        memcpy(buffer + rest, bytes + at, more);
        framer_cut(&f, buffer, rest + more, &out);
        gather(&r, &out);
        rest = rest + more - out.used;
        assert_true(rest < FRAME_REST_MAX || r.bad);
        memmove(buffer, buffer + out.used, rest);
    }
    if (!r.bad) {
        framer_end(&f, buffer, rest, true, &out);
        gather(&r, &out);
    }
    free(buffer);
    return r;
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *row = &rows[i];
        size_t n = row->n ? row->n : strlen(row->bytes);
        for (size_t piece = 1; piece <= n; piece++) {
            struct result r = cut(row->framing, row->bytes, n, piece);
            same_text(row->name, r.lines, row->lines);
            same_number(row->name, r.lost, row->lost);
            same_number(row->name, r.empty, row->empty);
            same_number(row->name, r.bad, row->bad);
            free(r.lines);
        }
    }
}

/* A message of `n` bytes between two others. */
static void check_long(enum framing framing, bool counted, size_t n, bool lost)
{
    char *bytes = malloc(n + 64), *p = bytes;

    p += sprintf(p, counted ? "5 <13>a%zu " : "<13>a\n", n);
    p += sprintf(p, "<13>");
    memset(p, 'x', n - 4);
    p += n - 4;
    p += sprintf(p, counted ? "5 <13>b" : "\r\n<13>b\n");
    for (size_t piece = 1; piece < 20000; piece = piece * 3 + 1) {
        struct result r = cut(framing, bytes, (size_t)(p - bytes), piece);
        same_number("messages", r.messages, lost ? 2 : 3);
        same_number("lost", r.lost, lost);
        assert_int_equal(memcmp(r.lines, "<13>a\n", 6), 0);
        assert_int_equal(memcmp(r.lines + r.n - 6, "<13>b\n", 6), 0);
        free(r.lines);
    }
    free(bytes);
}

static void test_long(void **state)
{
    (void)state;
    for (int counted = 0; counted < 2; counted++) {
        check_long(FRAMING_AUTO, counted, FRAME_MAX_BYTES, false);
        check_long(FRAMING_AUTO, counted, FRAME_MAX_BYTES + 1, true);
        check_long(FRAMING_AUTO, counted, 99999, true);
    }
    check_long(FRAMING_OCTET, true, 99999, true);
    check_long(FRAMING_LINE, false, 500000, true);
}

/* What our own end cuts off isn't taken for a message. */
static void test_cut_by_us(void **state)
{
    struct framer f = {.framing = FRAMING_AUTO};
    struct frames out;
    char bytes[16] = "<13>DPT=2";

    (void)state;
    framer_end(&f, bytes, strlen(bytes), false, &out);
    assert_int_equal(out.lost, 1);
    assert_int_equal(out.lines.n, 0);
}

static void test_datagrams(void **state)
{
    char out[32];

    (void)state;
    assert_int_equal(frame_message(out, STR("<13>a")), 6);
    assert_memory_equal(out, "<13>a\n", 6);
    assert_int_equal(frame_message(out, STR("a\nb\r\n\0")), 4);
    assert_memory_equal(out, "a b\n", 4);
    assert_int_equal(frame_message(out, STR("\n\0")), 0);
}

/* ---- PROXY ---- */

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V6        "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define MAPPED    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\7"

static const struct {
    const char *name, *bytes;
    size_t n;
    int rc;
    const char *peer;
} headers[] = {
    {"IPv4", BYTES(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\1\2\3\4<13>"), 28, "192.0.2.1"},
    {"IPv6", BYTES(SIGNATURE "\x21\x21\0\x24" V6 V6 "\1\2\3\4"), 52, "2001:db8::1"},
    {"a mapped one", BYTES(SIGNATURE "\x21\x21\0\x24" MAPPED V6 "\1\2\3\4"), 52, "192.0.2.7"},
    {"with more behind", BYTES(SIGNATURE "\x21\x11\0\x0f\xc0\0\2\1\xc0\0\2\2\1\2\3\4\4\0\0"), 31,
     "192.0.2.1"},
    {"itself", BYTES(SIGNATURE "\x20\0\0\0"), 16, ""},
    {"no address", BYTES(SIGNATURE "\x21\0\0\0"), 16, ""},
    {"not all yet", BYTES(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1"), 0, ""},
    {"its beginning", BYTES("\r\n\r"), 0, ""},
    {"a message", BYTES("<13>a"), -EINVAL, ""},
    {"version 1", BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), -EINVAL, ""},
    {"version 3", BYTES(SIGNATURE "\x31\x11\0\x0c"), -EINVAL, ""},
    {"an unknown command", BYTES(SIGNATURE "\x22\x11\0\x0c"), -EINVAL, ""},
    {"too short for its family", BYTES(SIGNATURE "\x21\x21\0\x0c"), -EINVAL, ""},
    {"endless", BYTES(SIGNATURE "\x21\x11\xff\xff"), -EINVAL, ""},
};

static void test_proxy(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(headers); i++) {
        struct ip peer = {0};
        char text[IP_TEXT_MAX];
        char *exact = malloc(headers[i].n); /* so that a sanitizer sees what reads past it */
        memcpy(exact, headers[i].bytes, headers[i].n);
        same_number(headers[i].name, proxy_read((struct str){exact, headers[i].n}, &peer),
                    headers[i].rc);
        ip_format(&peer, text);
        same_text(headers[i].name, text, headers[i].peer);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),      cmocka_unit_test(test_long),
        cmocka_unit_test(test_cut_by_us), cmocka_unit_test(test_datagrams),
        cmocka_unit_test(test_proxy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
