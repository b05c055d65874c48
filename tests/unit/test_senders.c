/* Who a sender is, how many are known, and what its stamps say of its clock. */
#include "pipeline/senders.h"

#include "helper.h"
#include "parse/parser.h"

static struct parser_set *set;
static struct matcher *matcher;

static struct network net(const char *text)
{
    struct network n;
    assert_int_equal(network_parse(str_from(text), &n), 0);
    return n;
}

static struct ip ip(const char *text)
{
    struct ip out = {0};
    if (*text)
        assert_int_equal(ip_parse(str_from(text), &out), 0);
    return out;
}

static void test_names(void **state)
{
    static const struct {
        const char *peer, *listener, *sensor, *zone;
    } table[] = {
        {"192.0.2.1", NULL, "gw1", "UTC"},
        {"192.0.2.2", NULL, "net", "Asia/Tokyo"},
        {"192.0.2.3", "all", "all", "Europe/Berlin"}, /* its entry has a zone only */
        {"198.51.100.7", NULL, "", "UTC"},
        {"198.51.100.7", "all", "all", "UTC"},
        {"203.0.113.5", NULL, "203.0.113.5", "UTC"},
        {"2001:db8::5", NULL, "2001:db8::5", "UTC"},
        {"", NULL, "", "UTC"},
        {"", "box", "box", "UTC"},
    };
    struct config_sender known[] = {
        {net("192.0.2.0/24"), (char *)"net", open_zone("Asia/Tokyo")},
        {net("192.0.2.1"), (char *)"gw1", open_zone("UTC")},
        {net("192.0.2.3"), NULL, open_zone("Europe/Berlin")},
    };
    struct network relay = net("198.51.100.0/24");
    struct config_listen listen = {
        .senders = known, .sender_count = COUNT(known), .trusted = {.networks = &relay, .n = 1}};

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct config_input in = {.kind = INPUT_LISTEN,
                                  .sensor = (char *)table[i].listener,
                                  .zone = open_zone("UTC"),
                                  .listen = &listen};
        struct senders *all = senders_new(&in, matcher);
        struct ip peer = ip(table[i].peer);
        struct sender *s = senders_find(all, &peer, 1000);
        char name[64];
        snprintf(name, sizeof name, "%.*s", STR_ARG(s->sensor));
        same_text(table[i].peer, name, table[i].sensor);
        same_text(table[i].peer, zone_name(s->zone), table[i].zone);
        senders_free(all);
    }
}

static struct config_listen nothing;
static struct config_input plain = {.kind = INPUT_LISTEN, .listen = &nothing};

/* The one that was silent for longest is forgotten, and comes again as a new one. */
static void test_bounded(void **state)
{
    struct senders *all;

    (void)state;
    plain.zone = open_zone("UTC");
    all = senders_new(&plain, matcher);
    for (uint32_t i = 0; i < SENDERS_MAX; i++) {
        struct ip peer = ip_from_v4(i + 1);
        senders_find(all, &peer, 1000)->offsets = i;
    }
    struct ip first = ip_from_v4(1), second = ip_from_v4(2), more = ip_from_v4(99999);
    assert_int_equal(senders_find(all, &first, 1000)->offsets, 0);
    senders_find(all, &first, 1000)->offsets = 77;
    senders_find(all, &more, 1000);
    assert_int_equal(senders_known(all), SENDERS_MAX);
    assert_int_equal(senders_forgotten(all), 1);
    assert_int_equal(senders_find(all, &first, 1000)->offsets, 77);
    assert_int_equal(senders_find(all, &second, 1000)->offsets, 0); /* it was 1 */
    assert_int_equal(senders_forgotten(all), 2);
    senders_free(all);
}

/* A message a second, `off` seconds from now; what is said of it, and after how many. */
static void test_clock(void **state)
{
    static const struct {
        const char *name;
        int off, drift;
        enum sender_clock said;
        unsigned after;
    } table[] = {
        {"right", 0, 0, SENDER_FINE, 0},
        {"a bit behind", -20, 0, SENDER_FINE, 0},
        {"nine hours ahead", 9 * 3600, 0, SENDER_OFFSET, SENDER_OFFSETS},
        {"an hour behind and a bit", -3600 - 20, 0, SENDER_OFFSET, SENDER_OFFSETS},
        {"no zone", 3600 + 400, 0, SENDER_FINE, 0},
        {"catching up", -3600, 10, SENDER_FINE, 0},
        {"two days ahead", 2 * 86400, 0, SENDER_AHEAD, 1},
    };

    (void)state;
    plain.zone = open_zone("UTC");
    for (size_t i = 0; i < COUNT(table); i++) {
        struct senders *all = senders_new(&plain, matcher);
        struct ip peer = ip_from_v4(7);
        enum sender_clock said = SENDER_FINE;
        unsigned after = 0;
        int offset = 0;
        for (int n = 1; n <= 100; n++) {
            int64_t now = utc("2026-11-24T10:00:00") + n * 2;
            struct sender *s = senders_find(all, &peer, now);
            struct stamp stamp = {.kind = STAMP_LOCAL,
                                  .seconds = now + table[i].off + n * table[i].drift};
            clock_resolve(&s->reader.clock, &stamp);
            s->reader.stamped = true;
            enum sender_clock c = sender_clock(s, now, &offset);
            if (c != SENDER_FINE) {
                assert_int_equal(after, 0); /* once */
                said = c;
                after = (unsigned)n;
            }
        }
        same_number(table[i].name, said, table[i].said);
        same_number(table[i].name, after, table[i].after);
        if (said == SENDER_OFFSET)
            same_number(table[i].name, offset, table[i].off / 900 * 900);
        senders_free(all);
    }
}

/* What one message's year says is nothing to the next second's, and a line without a time is of now. */
static void test_years(void **state)
{
    struct senders *all;
    struct ip peer = ip_from_v4(7);
    struct event e;
    int64_t now = utc("2026-12-31T23:59:58");

    (void)state;
    plain.zone = open_zone("UTC");
    all = senders_new(&plain, matcher);
    reader_line(&senders_find(all, &peer, now)->reader, STR("<4>2031-01-01T00:00:00Z gw x"), &e);
    same_number("its own year", e.when, utc("2031-01-01T00:00:00"));
    reader_line(&senders_find(all, &peer, now + 1)->reader, STR("<4>Dec 31 23:59:59 gw x"), &e);
    same_number("without one", e.when, now + 1);
    reader_line(&senders_find(all, &peer, now + 2)->reader, STR("<4>Jan  1 00:00:00 gw x"), &e);
    same_number("a new one", e.when, now + 2);
    reader_line(&senders_find(all, &peer, now + 60)->reader, STR("<4>firewall: x"), &e);
    same_number("no time", e.when, now + 60);
    senders_free(all);
}

static int set_up(void **state)
{
    struct error err = {0};

    set = parser_set_new();
    temp_make(state);
    assert_int_equal(parser_set_add_folder(set, temp_folder, &err), 0);
    matcher = matcher_new(set);
    return 0;
}

static int tear_down(void **state)
{
    matcher_free(matcher);
    parser_set_free(set);
    return temp_remove(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_years),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
