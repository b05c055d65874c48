/* Loggers' words that they let messages fall: theirs only. */
#include "parse/notice.h"

#include "helper.h"

static void test_notices(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        uint64_t n; /* 0: none */
    } cases[] = {
        {"Nov 24 10:00:01 gw kernel: [12.3] net_ratelimit: 123 callbacks suppressed", 123},
        {"Nov 24 10:00:01 gw kernel: net_ratelimit: 1 callbacks suppressed", 1},
        {"Nov 24 10:00:01 gw kernel: printk: 12 messages suppressed.", 12},
        {"Nov 24 10:00:01 gw systemd-journald[77]: Suppressed 1234 messages from kernel", 1234},
        {"2026-11-24T10:00:01Z gw systemd-journald[77]: Suppressed 9 messages from a.service", 9},
        {"Nov 24 10:00:01 gw rsyslogd: imuxsock lost 55 messages from pid 12 due to rate-limiting",
         55},
        {"Nov 24 10:00:01 gw rsyslogd: imjournal: 777 messages lost due to rate-limiting (20000 "
         "allowed)",
         777},
        {"Nov 24 10:00:01 gw sshd[1]: Invalid user : 99 callbacks suppressed", 0},
        {"Nov 24 10:00:01 gw kernel: a callbacks suppressed", 0},
        {"Nov 24 10:00:01 gw kernel: something was lost", 0},
        {"Nov 24 10:00:01 gw sudo: Suppressed 5 messages from x", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t n = 0;
        bool is = notice_lost(str_from(cases[i].line), &n);
        if (is != (cases[i].n > 0) || (is && n != cases[i].n))
            fail_msg("%s: %llu", cases[i].line, (unsigned long long)n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_notices)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
