/* Lines in their order become events: the stamp remembered as text changes nothing but the speed. */
#include "parse/reader.h"

#include "helper.h"

static struct parser_set *set;
static struct matcher *matcher;

static int load_parsers(void **state)
{
    struct error err = {0};

    (void)state;
    set = parser_set_new();
    parser_set_add_folder(set, "parsers", &err);
    if (err.n)
        error_print(&err, stderr);
    matcher = matcher_new(set);
    return err.n ? -1 : 0;
}

static int free_parsers(void **state)
{
    (void)state;
    matcher_free(matcher);
    parser_set_free(set);
    return 0;
}

static struct reader begin(const char *zone, const char *file_time)
{
    struct clock_rule rule = {open_zone(zone), utc(file_time), 0};
    struct reader r;

    reader_init(&r, matcher, &rule, INT64_MIN);
    return r;
}

#define PACKET                                                                                  \
    "DROP IN=eth0 OUT= MAC= SRC=198.51.100.7 DST=192.0.2.10 LEN=40 TOS=0x00 PREC=0x00 TTL=241 " \
    "ID=54321 PROTO=TCP SPT=41234 DPT=23 WINDOW=1024 RES=0x00 SYN URGP=0 "

struct line {
    const char *text;
    enum outcome outcome;
    const char *utc, *host;
    bool stamped;
};

static void check_lines(struct reader *r, const struct line *lines, size_t n)
{
    char text[TIME_TEXT_MAX], host[256];
    struct event e;

    for (size_t i = 0; i < n; i++) {
        enum outcome o = reader_line(r, str_from(lines[i].text), &e);
        same_text(lines[i].text, outcome_name(o), outcome_name(lines[i].outcome));
        same_text(lines[i].text, time_format_utc(e.when, text), lines[i].utc);
        snprintf(host, sizeof host, "%.*s", STR_ARG(e.host));
        same_text(lines[i].text, host, lines[i].host);
        same_number(lines[i].text, r->stamped, lines[i].stamped);
        if (o == OUTCOME_EVENT && !str_eq(e.prefix, STR("DROP")))
            fail_msg("%s: got prefix '%.*s'", lines[i].text, STR_ARG(e.prefix));
    }
}

static void test_lines(void **state)
{
    static const struct line lines[] = {
        {"Dec 31 23:59:59 gw kernel: [1.5] " PACKET, OUTCOME_EVENT, "2025-12-31T22:59:59Z", "gw",
         true},
        /* the same stamp: another host, no host, no packet, only the stamp */
        {"Dec 31 23:59:59 gw2 kernel: [1.5] " PACKET, OUTCOME_EVENT, "2025-12-31T22:59:59Z", "gw2",
         true},
        {"Dec 31 23:59:59 kernel: " PACKET, OUTCOME_EVENT, "2025-12-31T22:59:59Z", "", true},
        {"Dec 31 23:59:59 gw kernel: device eth0 left promiscuous mode", OUTCOME_UNMATCHED,
         "2025-12-31T22:59:59Z", "gw", true},
        {"Dec 31 23:59:59", OUTCOME_UNMATCHED, "2025-12-31T22:59:59Z", "", true},
        /* a longer text that begins with the stamp is another stamp */
        {"Dec 31 23:59:59.5 gw kernel: " PACKET, OUTCOME_EVENT, "2025-12-31T22:59:59Z", "gw", true},
        {"Jan  1 00:00:00 gw kernel: " PACKET, OUTCOME_EVENT, "2025-12-31T23:00:00Z", "gw", true},
        {"Jan  1 00:00:00 gw kernel: " PACKET, OUTCOME_EVENT, "2025-12-31T23:00:00Z", "gw", true},
        /* no stamp: the time of the line before; then the stamp from before again */
        {"kernel: " PACKET, OUTCOME_EVENT, "2025-12-31T23:00:00Z", "", false},
        {"", OUTCOME_UNMATCHED, "2025-12-31T23:00:00Z", "", false},
        {"Jan  1 00:00:00 gw kernel: " PACKET, OUTCOME_EVENT, "2025-12-31T23:00:00Z", "gw", true},
        {"2026-01-01T02:00:00+01:00 gw kernel: " PACKET, OUTCOME_EVENT, "2026-01-01T01:00:00Z",
         "gw", true},
        {"2026-01-01T02:00:00+01:00 gw kernel: " PACKET, OUTCOME_EVENT, "2026-01-01T01:00:00Z",
         "gw", true},
        {"2026-01-01T02:00:00+00:00 gw kernel: " PACKET, OUTCOME_EVENT, "2026-01-01T02:00:00Z",
         "gw", true},
        {"2026-01-01T02:00:00 gw kernel: " PACKET, OUTCOME_EVENT, "2026-01-01T01:00:00Z", "gw",
         true},
        {"2026-01-01T02:00:00 gw kernel: " PACKET, OUTCOME_EVENT, "2026-01-01T01:00:00Z", "gw",
         true},
        /* a priority belongs to the text before the stamp */
        {"<4>Jan  1 03:00:00 gw kernel: " PACKET, OUTCOME_EVENT, "2026-01-01T02:00:00Z", "gw",
         true},
        {"<4>Jan  1 03:00:00 gw kernel: " PACKET, OUTCOME_EVENT, "2026-01-01T02:00:00Z", "gw",
         true},
        {"<13>Jan  1 03:00:00 gw kernel: " PACKET, OUTCOME_EVENT, "2026-01-01T02:00:00Z", "gw",
         true},
        {"<4> Jan  1 03:00:00 gw kernel: " PACKET, OUTCOME_EVENT, "2026-01-01T02:00:00Z", "gw",
         true},
        {"<4> Jan  1 03:00:00 gw kernel: " PACKET, OUTCOME_EVENT, "2026-01-01T02:00:00Z", "gw",
         true},
        /* RFC 5424 has other fields behind its stamp, however often it comes */
        {"<4>1 2026-01-01T03:00:00Z gw kernel - - - " PACKET, OUTCOME_EVENT, "2026-01-01T03:00:00Z",
         "gw", true},
        {"<4>1 2026-01-01T03:00:00Z gw kernel - - - " PACKET, OUTCOME_EVENT, "2026-01-01T03:00:00Z",
         "gw", true},
    };
    struct reader r = begin("Europe/Berlin", "2026-02-01T00:00:00");

    (void)state;
    check_lines(&r, lines, COUNT(lines));
}

/* A block's first line is not taken for the line that ended another log. */
static void test_begins_anew(void **state)
{
    static const char line[] = "Oct 25 02:30:00 gw kernel: " PACKET;
    struct clock_rule rule = {open_zone("Europe/Berlin"), utc("2026-10-26T00:00:00"), 0};
    struct reader r;
    struct event e;

    (void)state;
    reader_init(&r, matcher, &rule, INT64_MIN);
    reader_line(&r, str_from(line), &e);
    assert_int_equal(e.when, utc("2026-10-25T00:30:00"));
    reader_init(&r, matcher, &rule, utc("2026-10-25T01:10:00"));
    reader_line(&r, str_from(line), &e);
    assert_int_equal(e.when, utc("2026-10-25T01:30:00"));
}

/* Whatever heads follow one another, a line says what it says alone. */
static void test_shortcuts(void **state)
{
    static const char *const priorities[] = {"", "<4>", "<4> ", "<14>"};
    static const char *const stamps[] = {"2026-11-24T10:00:01+01:00", "2026-11-24T10:00:01+01:000",
                                         "2026-11-24T10:00:01",       "2026-11-24T10:00:01.5",
                                         "2026 Nov 24 10:00:01",      "Nov 24 2026 10:00:01",
                                         "Nov 24 2026 10:00:01:",     "",
                                         "1 2026-11-24T10:00:01Z"};
    static const char *const hosts[] = {" gw", " gw2", " gw gw", "", " gw:", "  gw", " -"};
    static const char *const tags[] = {
        " kernel:", " kernel: [1.5]", " kernel: [ 22.75]", " kernel: [UFW",
        "",         " ulogd[7]:",     " kernel:  ",        " a b c"};
    static const char *const rests[] = {" " PACKET, " " PACKET, " up",
                                        "",         PACKET,     " [3.5] " PACKET};
    const int64_t before = utc("2026-11-24T08:59:59");
    struct clock_rule rule = {open_zone("Europe/Berlin"), before, 0};
    unsigned events = 0, hosted = 0;
    struct reader long_way, r;
    uint64_t seed = 3;
    char line[600];

    (void)state;
    reader_init(&r, matcher, &rule, before);
    for (int i = 0; i < 200000; i++) {
        size_t at[] = {random_below(&seed, COUNT(priorities)), random_below(&seed, COUNT(stamps)),
                       random_below(&seed, COUNT(hosts)), random_below(&seed, COUNT(tags)),
                       random_below(&seed, COUNT(rests))};
        static size_t last[5];
        for (size_t k = 0; k < 5; k++) /* most of the head stays, as in a log */
            last[k] = random_below(&seed, 3) ? last[k] : at[k];
        snprintf(line, sizeof line, "%s%s%s%s%s", priorities[last[0]], stamps[last[1]],
                 hosts[last[2]], tags[last[3]], rests[last[4]]);
        struct event e = {0}, alone = {0};
        int64_t earlier = r.clock.before;
        enum outcome o = reader_line(&r, str_from(line), &e);
        reader_init(&long_way, matcher, &rule, earlier);
        same_number(line, o, reader_line(&long_way, str_from(line), &alone));
        same_number(line, e.when, alone.when);
        same_number(line, r.stamped, long_way.stamped);
        if (!str_eq(e.host, alone.host) || (o == OUTCOME_EVENT && !str_eq(e.prefix, alone.prefix)))
            fail_msg("'%s': host '%.*s' or '%.*s', prefix '%.*s' or '%.*s'", line, STR_ARG(e.host),
                     STR_ARG(alone.host), STR_ARG(e.prefix), STR_ARG(alone.prefix));
        events += o == OUTCOME_EVENT;
        hosted += e.host.n > 0;
    }
    assert_true(events > 50000 && hosted > 50000);
}

static void test_ends(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        enum outcome outcome;
    } cases[] = {
#define TEXT(literal) literal, sizeof(literal) - 1
        {TEXT("Nov 24 10:00:01 gw kernel: " PACKET "\r"), OUTCOME_EVENT},
        {TEXT("\0\0\0Nov 24 10:00:01 gw kernel: " PACKET), OUTCOME_EVENT},
        {TEXT("\0\0\0"), OUTCOME_UNMATCHED},
        {TEXT("\r"), OUTCOME_UNMATCHED},
        {TEXT("Nov 24 10:00:01 g\0w kernel: " PACKET), OUTCOME_EVENT},
#undef TEXT
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct reader r = begin("UTC", "2026-11-24T12:00:00");
        struct event e;
        struct str line = {cases[i].text, cases[i].n};
        same_text(cases[i].text, outcome_name(reader_line(&r, line, &e)),
                  outcome_name(cases[i].outcome));
        if (cases[i].outcome == OUTCOME_EVENT)
            assert_int_equal(e.when, utc("2026-11-24T10:00:01"));
        if (cases[i].outcome == OUTCOME_EVENT)
            assert_int_equal(e.destination_port, 23);
    }
}

/* One byte decides between a line and a lost line; a lost line's time still counts. */
static void test_too_long(void **state)
{
    static char text[LINE_MAX_BYTES + 8];
    struct reader r = begin("UTC", "2026-11-24T12:00:00");
    struct event e;
    size_t head = (size_t)snprintf(text, sizeof text, "Nov 24 10:00:0x gw kernel: " PACKET);

    (void)state;
    memset(text + head, ' ', sizeof text - head);
    text[14] = '1';
    assert_int_equal(reader_line(&r, (struct str){text, LINE_MAX_BYTES}, &e), OUTCOME_EVENT);
    text[14] = '2';
    assert_int_equal(reader_line(&r, (struct str){text, LINE_MAX_BYTES + 1}, &e), OUTCOME_LOST);
    assert_int_equal(e.when, utc("2026-11-24T10:00:02"));
    assert_true(r.stamped);
    /* the CR isn't part of the line */
    text[LINE_MAX_BYTES] = '\r';
    assert_int_equal(reader_line(&r, (struct str){text, LINE_MAX_BYTES + 1}, &e), OUTCOME_EVENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),     cmocka_unit_test(test_begins_anew),
        cmocka_unit_test(test_shortcuts), cmocka_unit_test(test_ends),
        cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests(tests, load_parsers, free_parsers);
}
