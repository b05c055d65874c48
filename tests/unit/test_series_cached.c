/* Series through a real rrdcached, which holds updates back for an hour. Skipped where there is
 * none and none can be fetched. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/country.h"
#include "series/series.h"
#include "series_fake.h"

enum { T = 1700002800 /* an hour's start */, CN = 2 * 26 + 13, NL = 13 * 26 + 11 };

static char program[512];

struct fixture {
    char data[64], socket[96];
    pid_t cached;
    struct store *s;
    struct series *se;
    struct series_options o;
    struct series_stats stats;
    struct error err;
};

static void find_program(void)
{
    FILE *p = popen("tests/rrdcached.sh 2>/dev/null", "r");

    if (!fgets(program, sizeof program, p))
        program[0] = 0;
    program[strcspn(program, "\n")] = 0;
    if (pclose(p) != 0)
        program[0] = 0;
}

static void start_cached(struct fixture *f)
{
    char address[128], *pid = xasprintf("%s/cached.pid", f->data);

    unlink(f->socket);
    unlink(pid);
    snprintf(address, sizeof address, "unix:%s", f->socket);
    f->cached = fork();
    assert_true(f->cached >= 0);
    if (f->cached == 0) {
        freopen("/dev/null", "w", stdout);
        freopen("/dev/null", "w", stderr);
        execl(program, program, "-g", "-w", "3600", "-f", "7200", "-l", address, "-p", pid, NULL);
        _exit(127);
    }
    for (int i = 0; i < 1000 && access(f->socket, F_OK) < 0; i++)
        usleep(5000);
    assert_int_equal(access(f->socket, F_OK), 0);
    usleep(20000);
    free(pid);
}

static void end_cached(struct fixture *f, int number)
{
    kill(f->cached, number);
    waitpid(f->cached, NULL, 0);
    f->cached = 0;
}

static void reopen(struct fixture *f)
{
    series_close(f->se);
    assert_int_equal(series_open(f->data, "rrd/schema.yaml", &f->o, &f->se, &f->err), 0);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);

    strcpy(f->data, "/tmp/series-XXXXXX");
    assert_non_null(mkdtemp(f->data));
    snprintf(f->socket, sizeof f->socket, "%s/cached.sock", f->data);
    f->s = fake_new();
    f->o = (struct series_options){.limits = {.port_events = 10, .max_ports = 100},
                                   .rrdcached = f->socket};
    reopen(f);
    if (*program)
        start_cached(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char *command = xasprintf("rm -rf %s", f->data);

    if (f->cached)
        end_cached(f, SIGKILL);
    series_close(f->se);
    fake_free(f->s);
    error_fini(&f->err);
    assert_int_equal(system(command), 0);
    free(command);
    free(f);
    return 0;
}

static void need_program(void)
{
    if (!*program)
        skip();
}

static void sync_paced(struct fixture *f, int64_t until)
{
    int rc = series_sync(f->se, f->s, until, SERIES_PACED, &f->stats, &f->err);

    if (rc)
        error_print(&f->err, stderr);
    assert_int_equal(rc, 0);
}

/* "12 0 U": the events of the bins from T on, as the file on the disk has them. */
static void on_disk(const struct fixture *f, const char *path, const char *expected)
{
    size_t bins = 1;
    for (const char *c = expected; *c; c++)
        bins += *c == ' ';
    char *command = xasprintf("cd %s/rrd/gw && rrdtool fetch %s AVERAGE -r 300 -s %d -e %d | "
                              "awk '/^[0-9]/ { printf \"%%s%%s\", n++ ? \" \" : \"\", "
                              "$2 ~ /nan/ ? \"U\" : sprintf(\"%%.0f\", $2 * 300) }'",
                              f->data, path, T, T + (int)(bins - 1) * 300);
    char said[200] = "";
    FILE *p = popen(command, "r");

    assert_non_null(p);
    fgets(said, sizeof said, p);
    assert_int_equal(pclose(p), 0);
    assert_string_equal(said, expected);
    free(command);
}

static void some_facts(struct fixture *f)
{
    fake_watched(f->s, T, T + 7199);
    fake_event(f->s, T, 1, 23, CN, 12);
    fake_event(f->s, T + 600, 1, 23, NL, 3);
    fake_event(f->s, T + 900, 1, 23, CN, 4);
    fake_event(f->s, T + 1200, 2, 23, CN, 5);
}

static void updates_wait_until_they_are_read(void **state)
{
    struct fixture *f = *state;
    static const struct series_key port = {.kind = SERIES_PORT, .port = 23};

    need_program();
    some_facts(f);
    sync_paced(f, T + 600);
    on_disk(f, "total.rrd", "12 0 U U U U");
    sync_paced(f, T + 900);
    assert_int_equal(f->stats.files_updated, 3); /* NL is new */
    sync_paced(f, T + 1200);
    assert_int_equal(f->stats.files_updated, 4);
    on_disk(f, "total.rrd", "12 0 U U U U");
    on_disk(f, "country/NL.rrd", "0 0 3 U U U");
    /* A chart of the port, then the end. */
    assert_int_equal(series_want(f->se, f->s, 1, &port, 1, T + 1200, T + 1200, &f->err), 0);
    on_disk(f, "port/23-tcp.rrd", "12 0 3 4 U U");
    on_disk(f, "total.rrd", "12 0 U U U U");
    sync_paced(f, T + 1500);
    assert_int_equal(series_settle(f->se, f->s, &f->err), 0);
    on_disk(f, "total.rrd", "12 0 3 4 5 U");
    on_disk(f, "port/23-tcp.rrd", "12 0 3 4 5 U");
    on_disk(f, "country/CN.rrd", "12 0 0 4 5 U");
    on_disk(f, "country/NL.rrd", "0 0 3 0 0 U");
    /* A new process goes on from there. */
    reopen(f);
    sync_paced(f, T + 1800);
    assert_int_equal(f->stats.files_made, 0);
    assert_int_equal(f->stats.files_updated, 4);
}

static void a_file_made_again_gets_no_old_updates(void **state)
{
    struct fixture *f = *state;

    need_program();
    some_facts(f);
    sync_paced(f, T + 900);
    sync_paced(f, T + 1200);
    fake_event(f->s, T, 1, 23, NL, 1);
    assert_int_equal(series_sync(f->se, f->s, T + 1200, SERIES_WAIT, &f->stats, &f->err), 0);
    assert_int_equal(f->stats.files_made, 3);
    on_disk(f, "total.rrd", "13 0 3 4 U U");
    on_disk(f, "country/NL.rrd", "1 0 3 0 U U");
    on_disk(f, "country/CN.rrd", "12 0 0 4 U U");
    /* A daemon's, which are still held back. */
    sync_paced(f, T + 1500);
    fake_event(f->s, T + 1200, 1, 23, NL, 2);
    sync_paced(f, T + 1500 + SERIES_PACE_S);
    assert_int_equal(f->stats.files_made, 3);
    sync_paced(f, T + 1800 + SERIES_PACE_S);
    assert_int_equal(series_settle(f->se, f->s, &f->err), 0);
    on_disk(f, "total.rrd", "13 0 3 4 7 0 0 0 0 U");
    on_disk(f, "country/NL.rrd", "1 0 3 0 2 0 0 0 0 U");
}

static void an_rrdcached_that_is_killed_costs_nothing(void **state)
{
    struct fixture *f = *state;

    need_program();
    some_facts(f);
    sync_paced(f, T + 600);
    sync_paced(f, T + 1200);
    end_cached(f, SIGKILL);
    int rc = series_sync(f->se, f->s, T + 1500, SERIES_PACED, &f->stats, &f->err);
    assert_true(rc < 0 && f->err.n == 1);
    assert_non_null(strstr(f->err.items[0].text, "rrdcached can't be reached"));
    on_disk(f, "total.rrd", "12 0 U U U U");
    start_cached(f);
    sync_paced(f, T + 1500 + SERIES_PACE_S);
    assert_int_equal(f->stats.files_made, 4); /* it may have left torn files */
    assert_int_equal(series_settle(f->se, f->s, &f->err), 0);
    on_disk(f, "total.rrd", "12 0 3 4 5 0");
    on_disk(f, "country/NL.rrd", "0 0 3 0 0 0");
    /* After a settled end there is nothing to doubt. */
    end_cached(f, SIGTERM);
    start_cached(f);
    sync_paced(f, T + 2700 + SERIES_PACE_S);
    assert_int_equal(f->stats.files_made, 0);
}

static void a_refusal_is_said_and_mended(void **state)
{
    struct fixture *f = *state;
    char *ahead = xasprintf("printf 'UPDATE %s/rrd/gw/total.rrd 1900000000:1:1\\nQUIT\\n' | "
                            "timeout 5 python3 -c 'import socket, sys; s = "
                            "socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
                            "s.sendall(sys.stdin.buffer.read()); s.recv(100)' %s",
                            f->data, f->socket);

    need_program();
    some_facts(f);
    sync_paced(f, T + 600);
    /* Another hand wrote far ahead: rrdcached takes nothing before that any more. */
    if (system(ahead) != 0) {
        free(ahead);
        skip();
    }
    free(ahead);
    assert_int_equal(series_sync(f->se, f->s, T + 900, SERIES_PACED, &f->stats, &f->err), -EIO);
    assert_non_null(strstr(f->err.items[0].file, "gw/total.rrd"));
    assert_non_null(strstr(f->err.items[0].text, "rrdcached: illegal attempt"));
    sync_paced(f, T + 1200);
    assert_int_equal(series_settle(f->se, f->s, &f->err), 0);
    on_disk(f, "total.rrd", "12 0 3 4 U U");
}

#define T_(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_(updates_wait_until_they_are_read),
        T_(a_file_made_again_gets_no_old_updates),
        T_(an_rrdcached_that_is_killed_costs_nothing),
        T_(a_refusal_is_said_and_mended),
    };

    find_program();
    if (!*program)
        fputs("# no rrdcached here, and none could be fetched\n", stderr);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
