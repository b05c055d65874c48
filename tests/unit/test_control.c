/* The control socket: each is told once, and nobody who asks and doesn't listen keeps the daemon. */
#include "pipeline/control_uv.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "helper.h"

enum { CLIENTS = 50, TEXT_BYTES = 4 << 20 /* more than any socket's buffer holds */ };

static char *text(void *ctx)
{
    char *t = xmalloc(TEXT_BYTES + 1);

    (*(int *)ctx)++;
    memset(t, 'x', TEXT_BYTES);
    t[TEXT_BYTES] = 0;
    return t;
}

static int ask(const char *folder)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(to.sun_path, sizeof to.sun_path, "%s/" CONTROL_SOCKET, folder);
    assert_return_code(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void turn_until(uv_loop_t *loop, const int *told, int n)
{
    while (*told < n)
        uv_run(loop, UV_RUN_ONCE);
}

static void test_hanging_clients(void **state)
{
    char folder[] = "/tmp/control.XXXXXX";
    struct error err = {0};
    uv_loop_t loop;
    int told = 0, fds[CLIENTS];
    char byte;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(uv_loop_init(&loop), 0);
    struct control *c = control_open(&loop, folder, text, &told, &err);
    assert_non_null(c);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = ask(folder);
        turn_until(&loop, &told, i + 1);
    }
    control_close(c);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0); /* ends, though none of them has read */
    assert_int_equal(uv_loop_close(&loop), 0);
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(read(fds[i], &byte, 1), 1);
        close(fds[i]);
    }
    assert_return_code(rmdir(folder), 0); /* the socket is gone */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hanging_clients)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
