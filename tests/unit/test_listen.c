/* Where syslog is listened for: URLs, and sockets that are taken. */
#include "input/listen.h"

#include "helper.h"

static const struct {
    const char *url;
    enum listen_kind kind;
    const char *ip;
    uint16_t port;
    bool local;
} good[] = {
    {"udp://[::]:5514", LISTEN_UDP, "::", 5514, false},
    {"udp://0.0.0.0:514", LISTEN_UDP, "0.0.0.0", 514, false},
    {"udp://192.0.2.1", LISTEN_UDP, "192.0.2.1", 5514, false},
    {"tcp://127.0.0.1:65535", LISTEN_TCP, "127.0.0.1", 65535, true},
    {"tcp://[::1]", LISTEN_TCP, "::1", 5514, true},
    {"tls://[2001:db8::1]", LISTEN_TLS, "2001:db8::1", 6514, false},
};

static const char *const bad[] = {
    "",
    "5514",
    "syslog://[::]",
    "udp://",
    "udp://:5514",
    "udp://localhost:5514",
    "udp://[::",
    "udp://[::]5514",
    "udp://[::]:",
    "udp://[::]:0",
    "udp://[::]:65536",
    "udp://[::]:5514x",
    "unix://",
    "unix://relative",
    "unixgram:///",
};

static void test_urls(void **state)
{
    struct listen_address a;
    char text[IP_TEXT_MAX], path[200] = "unix:///";

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        const char *wrong = listen_parse(good[i].url, &a);
        same_text(good[i].url, wrong ? wrong : "", "");
        ip_format(&a.ip, text);
        same_number(good[i].url, a.kind, good[i].kind);
        same_text(good[i].url, text, good[i].ip);
        same_number(good[i].url, a.port, good[i].port);
        same_number(good[i].url, listen_is_local(&a), good[i].local);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        if (!listen_parse(bad[i], &a))
            fail_msg("'%s' was taken", bad[i]);
    memset(path + 8, 'x', 107 - 1);
    assert_null(listen_parse(path, &a));
    assert_int_equal(strlen(a.path), 107);
    path[8 + 106] = 'x';
    assert_non_null(listen_parse(path, &a));
}

/* A name that nobody listens at any more is taken over; one that somebody does isn't. */
static void test_unix_name(void **state)
{
    struct listen_address a;
    struct error err = {0};
    char url[100];

    (void)state;
    snprintf(url, sizeof url, "unix://%s", temp_path("socket"));
    assert_null(listen_parse(url, &a));
    int first = listen_open(&a, url, &err);
    assert_true(first >= 0);
    assert_int_equal(listen_open(&a, url, &err), -EADDRINUSE);
    assert_non_null(strstr(faults_text(&err), "another program listens there"));
    close(first); /* as a crash does */
    int second = listen_open(&a, url, &err);
    assert_true(second >= 0);
    listen_close(&a, second);
    assert_int_equal(access(a.path, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_unix_name),
    };

    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}
