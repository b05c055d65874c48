/* The heads that are met before a message, one row each. */
#include "parse/envelope.h"

#include "helper.h"

/* What a stamp says, as text: "2026-11-24T10:00:01Z", without the Z in the sensor's zone, "--11-24T10:00:01" without a year, ""
 * without a time. */
static const char *stamp_text(const struct stamp *s, char out[TIME_TEXT_MAX])
{
    out[0] = 0;
    if (s->kind == STAMP_UTC || s->kind == STAMP_LOCAL)
        time_format_utc(s->seconds, out);
    if (s->kind == STAMP_LOCAL)
        out[strlen(out) - 1] = 0;
    if (s->kind == STAMP_YEARLESS)
        snprintf(out, TIME_TEXT_MAX, "--%02u-%02uT%02d:%02d:%02d", s->month, s->day,
                 (int)(s->seconds / 3600), (int)(s->seconds / 60 % 60), (int)(s->seconds % 60));
    return out;
}

static const struct {
    const char *line, *stamp, *host, *message;
} rows[] = {
    /* RFC 3164 as files have it, and as it comes over the wire */
    {"Nov 24 10:00:01 gw kernel: [12345.678901] DROP IN=", "--11-24T10:00:01", "gw", "DROP IN="},
    {"<4>Nov 24 10:00:01 gw kernel: DROP IN=", "--11-24T10:00:01", "gw", "DROP IN="},
    {"<191>Nov 24 10:00:01 gw kernel: DROP IN=", "--11-24T10:00:01", "gw", "DROP IN="},
    {"<4> Nov 24 10:00:01 gw kernel: DROP IN=", "--11-24T10:00:01", "gw", "DROP IN="},
    {"Nov  4 10:00:01 gw kernel: DROP IN=", "--11-04T10:00:01", "gw", "DROP IN="},
    {"Nov 04 10:00:01 gw kernel: DROP IN=", "--11-04T10:00:01", "gw", "DROP IN="},
    {"Nov 4 10:00:01 gw kernel: DROP IN=", "--11-04T10:00:01", "gw", "DROP IN="},
    {"Feb 29 23:59:60 gw kernel: DROP IN=", "--02-29T24:00:00", "gw", "DROP IN="},
    {"Nov 24 10:00:01.123456 gw kernel: DROP IN=", "--11-24T10:00:01", "gw", "DROP IN="},
    {"Nov 24 10:00:01,123 gw kernel: DROP IN=", "--11-24T10:00:01", "gw", "DROP IN="},

    /* tags: a logger's is taken off, what may be a rule's prefix stays */
    {"Nov 24 10:00:01 gw ulogd[77]: DROP IN=", "--11-24T10:00:01", "gw", "DROP IN="},
    {"Nov 24 10:00:01 gw DROP: IN=", "--11-24T10:00:01", "gw", "DROP: IN="},
    {"Nov 24 10:00:01 gw [WAN-D-1] IN=", "--11-24T10:00:01", "gw", "[WAN-D-1] IN="},
    {"Nov 24 10:00:01 gw gw [WAN-D-1] IN=", "--11-24T10:00:01", "gw", "[WAN-D-1] IN="},
    {"Nov 24 10:00:01 gw kernel: [UFW BLOCK] IN=", "--11-24T10:00:01", "gw", "[UFW BLOCK] IN="},
    {"Nov 24 10:00:01 gw kernel: [   12.5] [UFW BLOCK] IN=", "--11-24T10:00:01", "gw",
     "[UFW BLOCK] IN="},
    {"Nov 24 10:00:01 gw kernel: [12345] IN=", "--11-24T10:00:01", "gw", "[12345] IN="},
    {"Nov 24 10:00:01 gw kernel:[1.5] IN=", "--11-24T10:00:01", "gw", "kernel:[1.5] IN="},

    /* no host */
    {"Nov 24 10:00:01 kernel: DROP IN=", "--11-24T10:00:01", "", "DROP IN="},
    {"<134>Nov 24 10:00:01 filterlog[72237]: 5,,,", "--11-24T10:00:01", "", "5,,,"},
    {"Nov 24 10:00:01 DENY: IN=eth0", "--11-24T10:00:01", "", "DENY: IN=eth0"},
    {"Nov 24 10:00:01 [UFW BLOCK] IN=eth0", "--11-24T10:00:01", "", "[UFW BLOCK] IN=eth0"},
    {"Nov 24 10:00:01 %ASA-4-106023: Deny", "--11-24T10:00:01", "", "%ASA-4-106023: Deny"},
    {"Nov 24 10:00:01 %FW drop", "--11-24T10:00:01", "", "%FW drop"},
    {"Nov 24 10:00:01 ulogd[7] drop", "--11-24T10:00:01", "", "ulogd[7] drop"},
    {"Nov 24 10:00:01 IN=eth0 OUT=", "--11-24T10:00:01", "", "IN=eth0 OUT="},
    {"Nov 24 10:00:01 gw", "--11-24T10:00:01", "", "gw"},
    {"Nov 24 10:00:01", "--11-24T10:00:01", "", ""},

    /* a year before or after the day */
    {"2026 Nov 24 10:00:01 gw kernel: x", "2026-11-24T10:00:01", "gw", "x"},
    {"Nov 24 2026 10:00:01: %ASA-4-106023: Deny", "2026-11-24T10:00:01", "", "%ASA-4-106023: Deny"},
    {"<166>Nov 24 2026 10:00:01 fw01 : %ASA-4-106023: Deny", "2026-11-24T10:00:01", "fw01",
     "%ASA-4-106023: Deny"},
    {"2024 Feb 29 10:00:01 gw kernel: x", "2024-02-29T10:00:01", "gw", "x"},
    {"Nov 24 10:00:01: %SEC-6-IPACCESSLOGP: list", "--11-24T10:00:01", "",
     "%SEC-6-IPACCESSLOGP: list"},

    /* RFC 3339 */
    {"2026-11-24T10:00:01.123456+01:00 gw kernel: x", "2026-11-24T09:00:01Z", "gw", "x"},
    {"2026-11-24T10:00:01-06:00 gw kernel: x", "2026-11-24T16:00:01Z", "gw", "x"},
    {"2026-11-24T10:00:01+0530 gw kernel: x", "2026-11-24T04:30:01Z", "gw", "x"},
    {"2026-11-24T10:00:01Z gw kernel: x", "2026-11-24T10:00:01Z", "gw", "x"},
    {"2026-11-24T10:00:01 gw kernel: x", "2026-11-24T10:00:01", "gw", "x"},
    {"2026-11-24 10:00:01 gw kernel: x", "2026-11-24T10:00:01", "gw", "x"},
    {"<6>2026-11-24T10:00:01Z gw kernel: x", "2026-11-24T10:00:01Z", "gw", "x"},
    {"2024-02-29T10:00:01Z gw kernel: x", "2024-02-29T10:00:01Z", "gw", "x"},

    /* RFC 5424 */
    {"<4>1 2026-11-24T10:00:01.5Z gw kernel - - - DROP IN=", "2026-11-24T10:00:01Z", "gw",
     "DROP IN="},
    {"<134>1 2026-11-24T10:00:01+02:00 gw filterlog 77 - [meta sequenceId=\"9\"] 5,,,",
     "2026-11-24T08:00:01Z", "gw", "5,,,"},
    {"<4>1 2026-11-24T10:00:01Z gw a - - [x y=\"]\" z=\"\\\"]\"][w] DROP IN=",
     "2026-11-24T10:00:01Z", "gw", "DROP IN="},
    {"<4>1 - - kernel - - - DROP IN=", "", "", "DROP IN="},
    {"<4>1 2026-11-24T10:00:01Z gw kernel - - - \xef\xbb\xbf[1.5] DROP IN=", "2026-11-24T10:00:01Z",
     "gw", "DROP IN="},
    {"<4>1 2026-11-24T10:00:01Z gw", "2026-11-24T10:00:01Z", "gw", ""},
    {"<4>1 2026-11-24T10:00:01Z gw a b c [never closed", "2026-11-24T10:00:01Z", "gw", ""},

    {"1 2026-11-24T10:00:01Z gw kernel - - - x", "2026-11-24T10:00:01Z", "gw", "x"},
    {"<134>1 2026-11-24T10:00:01Z gw CheckPoint 77 - [action:\"Drop\"; src:\"a\"]",
     "2026-11-24T10:00:01Z", "gw", "[action:\"Drop\"; src:\"a\"]"},
    {"<14>1 2026-11-24T10:00:01Z gw RT_FLOW - SESSION_DENY [junos@2636.1 a=\"b\"]",
     "2026-11-24T10:00:01Z", "gw", "SESSION_DENY [junos@2636.1 a=\"b\"]"},
    {"<14>1 2026-11-24T10:00:01Z gw RT_FLOW - SESSION_DENY [junos@2636.1 a=\"b\"] denied",
     "2026-11-24T10:00:01Z", "gw", "denied"},

    /* other dates */
    {"Nov 24 10:00:01 2026 gw kernel: x", "2026-11-24T10:00:01", "gw", "x"},
    {"Nov 24 10:00:01 2026", "--11-24T10:00:01", "", "2026"},
    {"2026/11/24 10:00:01 gw %%01POLICY", "2026-11-24T10:00:01", "gw", "%%01POLICY"},
    {"2026/11/24 10:00:01: PP[01] Rejected", "2026-11-24T10:00:01", "", "PP[01] Rejected"},
    {"2026:11:24-10:00:01 gw ulogd[5]: x", "2026-11-24T10:00:01", "gw", "x"},
    {"<14>Nov 24 10:00:01 1,2026/11/24 10:00:01,0,TRAFFIC,drop", "--11-24T10:00:01", "",
     "1,2026/11/24 10:00:01,0,TRAFFIC,drop"},
    {"<134>1 948136486.721741837 gw flows src=", "2000-01-17T19:14:46Z", "gw", "flows src="},
    {"<134>1 2026-11-24T10:00:01Z gw CheckPoint - - CEF:0|a b|", "2026-11-24T10:00:01Z", "gw",
     "CEF:0|a b|"},
    {"2026-11-24 10:00:01 Deny 192.0.2.1", "2026-11-24T10:00:01", "", "Deny 192.0.2.1"},
    {"2026-11-24 10:00:01 DROP TCP", "2026-11-24T10:00:01", "", "DROP TCP"},
    {"<134>1 1795514401.123456789 gw flows src=", "2026-11-24T10:00:01Z", "gw", "flows src="},
    {"<134> 1795514401 gw flows src=", "2026-11-24T10:00:01Z", "gw", "flows src="},
    {"<134>1 1795514401123 gw flows src=", "2026-11-24T10:00:01Z", "gw", "flows src="},

    /* Cisco: sequence numbers, a name, a clock that isn't sure, a zone, how long it has been up */
    {"<166>22191: fw01: 022546: .Nov 24 10:20:30.123 CDT: %SEC-6-X: list", "--11-24T10:20:30",
     "fw01", "%SEC-6-X: list"},
    {"585917: Nov 24 10:00:01.272: %SEC-6-X: list", "--11-24T10:00:01", "", "%SEC-6-X: list"},
    {"*Nov 24 2026 10:00:01 UTC: %SEC-6-X: list", "2026-11-24T10:00:01Z", "", "%SEC-6-X: list"},
    {"<166>: 2026 Nov 24 10:20:30 EDT: %L2FM-4-X: y", "2026-11-24T10:20:30", "", "%L2FM-4-X: y"},
    {"1234: fw01: x", "", "", "1234: fw01: x"},
    {"00:00:46: %SEC-6-X: list", "", "", "%SEC-6-X: list"},
    {"000012: 1w2d: %SEC-6-X: list", "", "", "%SEC-6-X: list"},

    /* one head behind another: the outer one counts */
    {"Nov 24 10:00:01 192.0.2.1 585917: Nov 24 09:59:00.272: %SEC-6-X: list", "--11-24T10:00:01",
     "192.0.2.1", "%SEC-6-X: list"},
    {"Nov 24 10:00:01 relay <4>Nov 24 09:59:00 gw kernel: [1.5] DROP IN=", "--11-24T10:00:01",
     "relay", "DROP IN="},
    {"Nov 24 10:00:01 relay <4>1 2026-11-24T09:59:00Z gw kernel - - - DROP IN=", "--11-24T10:00:01",
     "relay", "DROP IN="},
    {"Nov 24 10:00:01 gw pf: Nov 24 09:59:00.483712 rule 2/(match)", "--11-24T10:00:01", "gw",
     "rule 2/(match)"},

    /* an octet count that leaked, the name of a file from grep */
    {"42 <4>Nov 24 10:00:01 gw kernel: DROP IN=", "--11-24T10:00:01", "gw", "DROP IN="},
    {"42 2026-11-24T10:00:01Z gw kernel: x", "2026-11-24T10:00:01Z", "gw", "x"},
    {"42 packets", "", "", "42 packets"},
    {"kern.log.1:Nov 24 10:00:01 gw kernel: x", "--11-24T10:00:01", "gw", "x"},

    /* logread, busybox, pve-firewall */
    {"Tue Nov 24 10:00:01 2026 kern.warn kernel: [1.5] drop wan in: IN=", "2026-11-24T10:00:01", "",
     "drop wan in: IN="},
    {"Nov 24 10:00:01 gw kern.warn kernel: DROP IN=", "--11-24T10:00:01", "gw", "DROP IN="},
    {"Nov 24 10:00:01 gw kern:warn kernel: DROP IN=", "--11-24T10:00:01", "gw",
     "DROP IN="}, /* AIX */
    {"2026-11-24 10:00:01\tKernel.Warning\t192.0.2.1\tNov 24 10:00:00 gw kernel: DROP IN=",
     "2026-11-24T10:00:01", "192.0.2.1", "DROP IN="}, /* Kiwi */
    {"101 4 tap101i0-IN 24/Nov/2026:10:00:01 +0900 policy DROP: IN=", "2026-11-24T01:00:01Z", "",
     "policy DROP: IN="},

    /* dmesg, journalctl -o short-* */
    {"[Tue Nov 24 10:00:01 2026] DROP IN=", "2026-11-24T10:00:01", "", "DROP IN="},
    {"kern  :warn  : [12345.6] DROP IN=", "", "", "DROP IN="},
    {"2026-11-24T10:00:01,123456+01:00 DROP IN=", "2026-11-24T09:00:01Z", "", "DROP IN="},
    {"[12345.678901] gw kernel: DROP IN=", "", "gw", "DROP IN="},
    {"Tue 2026-11-24 10:00:01 UTC gw kernel: DROP IN=", "2026-11-24T10:00:01Z", "gw", "DROP IN="},
    {"1795514401.123456 gw kernel: DROP IN=", "2026-11-24T10:00:01Z", "gw", "DROP IN="},

    /* rsyslog: repeated */
    {"Nov 24 10:00:01 gw kernel: message repeated 3 times: [ [1.5] DROP IN=]", "--11-24T10:00:01",
     "gw", "DROP IN="},
    {"Nov 24 10:00:01 gw kernel: message repeated 3 times: DROP", "--11-24T10:00:01", "gw",
     "message repeated 3 times: DROP"},

    /* no time */
    {"kernel: [12345.6] DROP IN=", "", "", "DROP IN="},
    {"[12345.6] DROP IN=", "", "", "DROP IN="},
    {"[    0.000000] DROP IN=", "", "", "DROP IN="},
    {"DROP IN=eth0", "", "", "DROP IN=eth0"},
    {"<4>DROP IN=eth0", "", "", "DROP IN=eth0"},
    {"<4>[12345.6] DROP IN=", "", "", "DROP IN="},
    {"", "", "", ""},
    {"<", "", "", "<"},
    {"<4>", "", "", ""},
    {"<4>1 ", "", "", ""},
    {"[", "", "", "["},
    {"[ 1.", "", "", "[ 1."},

    /* what only looks like a head is message */
    {"<192>Nov 24 10:00:01 gw x", "", "", "<192>Nov 24 10:00:01 gw x"},
    {"<4444>Nov 24 10:00:01 gw x", "", "", "<4444>Nov 24 10:00:01 gw x"},
    {"<>Nov 24 10:00:01 gw x", "", "", "<>Nov 24 10:00:01 gw x"},
    {"Nov 31 10:00:01 gw x", "", "", "Nov 31 10:00:01 gw x"},
    {"Nov 0 10:00:01 gw x", "", "", "Nov 0 10:00:01 gw x"},
    {"Nov 24 24:00:01 gw x", "", "", "Nov 24 24:00:01 gw x"},
    {"Nov 24 10:60:01 gw x", "", "", "Nov 24 10:60:01 gw x"},
    {"Nov 24 10:00 gw kernel: x", "", "", "Nov 24 10:00 gw kernel: x"},
    {"Nox 24 10:00:01 gw x", "", "", "Nox 24 10:00:01 gw x"},
    {"2026-02-29T10:00:01Z gw x", "", "", "2026-02-29T10:00:01Z gw x"},
    {"2026-13-01T10:00:01Z gw x", "", "", "2026-13-01T10:00:01Z gw x"},
    {"2025 Feb 29 10:00:01 gw x", "", "", "2025 Feb 29 10:00:01 gw x"},
    {"Feb 29 2025 10:00:01 gw x", "", "", "Feb 29 2025 10:00:01 gw x"},
    {"2026-11-24T10:00:01+99:99 gw x", "", "", "2026-11-24T10:00:01+99:99 gw x"},
    {"1 2026-11-24 10:00:01 gw kernel - - - x", "", "", "1 2026-11-24 10:00:01 gw kernel - - - x"},
    {"2026/11-24 10:00:01 gw x", "", "", "2026/11-24 10:00:01 gw x"},
    {"2026:11:24 10:00:01 gw x", "", "", "2026:11:24 10:00:01 gw x"},
    {"1795514401.123 gw x", "", "", "1795514401.123 gw x"},
    {"<134>179551 gw x", "", "", "179551 gw x"},
};

static char scratch[LINE_MAX_BYTES];

static void check(const char *row, const struct envelope *env, const char *stamp, const char *host,
                  const char *message)
{
    char text[TIME_TEXT_MAX], copy[512];

    same_text(row, stamp_text(&env->stamp, text), stamp);
    snprintf(copy, sizeof copy, "%.*s", STR_ARG(env->host));
    same_text(row, copy, host);
    snprintf(copy, sizeof copy, "%.*s", STR_ARG(env->message));
    same_text(row, copy, message);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        /* the line alone in memory of its size: a sanitizer sees a step past it */
        size_t n = strlen(rows[i].line);
        char *line = malloc(n ? n : 1);
        struct envelope env;
        assert_non_null(line);
        memcpy(line, rows[i].line, n);
        envelope_parse((struct str){line, n}, scratch, &env);
        check(rows[i].line, &env, rows[i].stamp, rows[i].host, rows[i].message);
        if (env.plain && env.tag_end) {
            struct envelope rest = env;
            rest.message = rest.body = (struct str){0};
            envelope_parse_message((struct str){line, n}, (size_t)(env.tag_end - line), &rest);
            check(rows[i].line, &rest, rows[i].stamp, rows[i].host, rows[i].message);
        }
        if (env.plain) {
            struct envelope rest = {.stamp = env.stamp};
            size_t end = (size_t)(env.stamp_text.p + env.stamp_text.n - line);
            if (end < n && line[end] == ' ') {
                envelope_parse_rest((struct str){line, n}, end, &rest);
                check(rows[i].line, &rest, rows[i].stamp, rows[i].host, rows[i].message);
                assert_ptr_equal(rest.tag_end, env.tag_end);
                assert_true(str_eq(rest.tag, env.tag) && str_eq(rest.body, env.body));
                assert_int_equal(rest.repeated, env.repeated);
            }
        }
        free(line);
    }
}

/* journalctl -o json: the message may have to be put together, away from the line. */
static void test_json(void **state)
{
    static const struct {
        const char *line, *message;
    } json[] = {
        {"{\"MESSAGE\":\"DROP IN=\",\"_HOSTNAME\":\"gw\",\"__REALTIME_TIMESTAMP\":"
         "\"1795514401123456\",\"X\":[1,{\"y\":\"}\"}]}",
         "DROP IN="},
        {"{ \"__REALTIME_TIMESTAMP\" : \"1795514401123456\", \"_HOSTNAME\" : \"gw\", \"MESSAGE\" : "
         "\"\\u005b1.5] \\\"DROP\\\" \\u00e9\\/ IN=\" }",
         "\"DROP\" \xc3\xa9/ IN="},
        {"{\"_HOSTNAME\":\"gw\",\"__REALTIME_TIMESTAMP\":\"1795514401123456\",\"MESSAGE\":[68, "
         "82,79,80,255]}",
         "DROP\xff"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(json); i++) {
        struct envelope env;
        envelope_parse(str_from(json[i].line), scratch, &env);
        check(json[i].line, &env, "2026-11-24T10:00:01Z", "gw", json[i].message);
    }
    const char *cut = "{\"_HOSTNAME\":\"gw\",\"MESSAGE\":\"DROP";
    struct envelope env;
    envelope_parse(str_from(cut), scratch, &env);
    check(cut, &env, "", "", cut);
}

/* Any start and any noise: never a step outside the line, and the parts lie within it. */
static void test_cut_and_noisy(void **state)
{
    uint64_t seed = 5;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t n = 0; n <= strlen(rows[i].line); n++)
            for (int noisy = 0; noisy < 8; noisy++) {
                char *line = malloc(n ? n : 1);
                struct envelope env;
                assert_non_null(line);
                memcpy(line, rows[i].line, n);
                for (int k = 1; n && k < noisy; k++)
                    line[random_below(&seed, (uint32_t)n)] = (char)random_next(&seed);
                envelope_parse((struct str){line, n}, scratch, &env);
                assert_true(env.message.p >= line && env.message.p + env.message.n <= line + n);
                assert_true(env.body.p >= line && env.body.p + env.body.n <= line + n);
                assert_true(env.tag.p >= line && env.tag.p + env.tag.n <= line + n);
                assert_true(env.host.p >= line && env.host.p + env.host.n <= line + n);
                assert_true(env.stamp_text.p >= line &&
                            env.stamp_text.p + env.stamp_text.n <= line + n);
                assert_true(!env.tag_end || (env.tag_end > line && env.tag_end <= line + n));
                if (env.stamp.kind == STAMP_YEARLESS)
                    assert_true(env.stamp.month >= 1 && env.stamp.month <= 12 &&
                                env.stamp.day >= 1 && env.stamp.day <= 31);
                free(line);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_cut_and_noisy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
