/* One holder at a time, also between processes, and the kernel lets go when one dies. */
#include "base/lock.h"

#include <signal.h>
#include <sys/wait.h>

#include "helper.h"

/* A process that holds the lock until its pipe closes. */
static pid_t hold(int *release)
{
    int go[2], ready[2];
    char c;

    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(go[1]);
        if (lock_take(temp_folder, "a.lock", true) < 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        while (read(go[0], &c, 1) > 0)
            ;
        _exit(0);
    }
    close(go[0]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    close(ready[0]);
    *release = go[1];
    return pid;
}

static void test_lock(void **state)
{
    int release, status;

    (void)state;
    assert_false(lock_is_held(temp_folder, "a.lock")); /* no such file */
    pid_t pid = hold(&release);
    assert_true(lock_is_held(temp_folder, "a.lock"));
    assert_false(lock_is_held(temp_folder, "b.lock"));
    assert_int_equal(lock_take(temp_folder, "a.lock", false), -EWOULDBLOCK);
    int other = lock_take(temp_folder, "b.lock", false);
    assert_true(other >= 0);
    lock_release(other);
    close(release);
    int mine = lock_take(temp_folder, "a.lock", true); /* waits for it */
    assert_true(mine >= 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    lock_release(mine);
    assert_false(lock_is_held(temp_folder, "a.lock"));

    pid = hold(&release);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(release);
    assert_false(lock_is_held(temp_folder, "a.lock"));
    mine = lock_take(temp_folder, "a.lock", false);
    assert_true(mine >= 0);
    lock_release(mine);
    lock_release(-1);
}

static void test_faults(void **state)
{
    char folder[5000];

    (void)state;
    memset(folder, 'x', sizeof folder - 1);
    folder[sizeof folder - 1] = 0;
    assert_int_equal(lock_take(folder, "a.lock", false), -ENAMETOOLONG);
    assert_int_equal(lock_take(temp_path("missing"), "a.lock", false), -ENOENT);
    assert_false(lock_is_held(folder, "a.lock"));
}

/* Asking whether it is held never makes another's attempt fail. */
static void test_asking(void **state)
{
    pid_t pid = fork();
    int status;

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        for (int i = 0; i < 5000; i++) {
            lock_is_held(temp_folder, "c.lock");
            usleep(50);
        }
        _exit(0);
    }
    do {
        int mine = lock_take(temp_folder, "c.lock", false);
        if (mine < 0)
            kill(pid, SIGKILL);
        assert_true(mine >= 0);
        lock_release(mine);
    } while (waitpid(pid, &status, WNOHANG) == 0);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_asking),
    };
    return cmocka_run_group_tests(tests, temp_make, temp_remove);
}
