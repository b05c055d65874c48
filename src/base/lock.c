#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

/* lock_is_held() takes the lock for an instant, which must not turn another away. */
enum { TRIES = 10, PAUSE_US = 2000 };

int lock_take(const char *folder, const char *name, bool wait)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);

    if (n < 0 || (size_t)n >= sizeof path)
        return -ENAMETOOLONG;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return -errno;
    int rc;
    for (int tries = 1;; tries++) {
        rc = flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB));
        if (rc == 0 || (errno != EINTR && errno != EWOULDBLOCK))
            break;
        if (errno == EWOULDBLOCK && tries >= TRIES)
            break;
        if (errno == EWOULDBLOCK)
            usleep(PAUSE_US);
    }
    if (rc < 0) {
        rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

void lock_release(int fd)
{
    if (fd >= 0)
        close(fd);
}

bool lock_is_held(const char *folder, const char *name)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);

    if (n < 0 || (size_t)n >= sizeof path)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool held = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    close(fd);
    return held;
}
