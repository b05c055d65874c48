#include "series/inflight.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/access.h"
#include "base/check.h"
#include "series/name.h"

struct slot {
    _Atomic uint32_t used; /* the name is whole */
    char name[252];
};

struct inflight {
    char *folder;
    struct slot *slots;
};

enum { BYTES = INFLIGHT_SLOTS * sizeof(struct slot) };

/* Written, not only sized: a mapping over a hole of a full disk would kill us. */
static int make_whole(int fd)
{
    static const char zeros[BYTES];
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size == BYTES)
        return 0;
    ssize_t n = pwrite(fd, zeros, BYTES, 0);
    if (n == BYTES && ftruncate(fd, BYTES) == 0)
        return 0;
    return n >= 0 && n < BYTES ? -ENOSPC : -errno;
}

int inflight_open(const char *folder, struct inflight **out, struct error *err)
{
    char *path = xasprintf("%s/.inflight", folder);
    void *map = MAP_FAILED;
    int rc = 0, fd = -1;

    *out = NULL;
    if (mkdir(folder, 0755) < 0 && errno != EEXIST) {
        rc = -errno;
        access_fault(folder, ACCESS_WRITE, rc, err);
        goto out;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    /* Another user's, in a folder that has been given to us. */
    if (fd < 0 && errno == EACCES && unlink(path) == 0)
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    rc = fd < 0 ? -errno : make_whole(fd);
    if (rc == 0) {
        map = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        rc = map == MAP_FAILED ? -errno : 0;
    }
    if (rc < 0) {
        access_fault(rc == -EACCES ? folder : path, ACCESS_WRITE, rc, err);
        goto out;
    }
    *out = xcalloc(1, sizeof **out);
    (*out)->folder = xstrdup(folder);
    (*out)->slots = map;
out:
    if (fd >= 0)
        close(fd);
    free(path);
    return rc;
}

void inflight_close(struct inflight *f)
{
    if (!f)
        return;
    munmap(f->slots, BYTES);
    free(f->folder);
    free(f);
}

/* The file of slots is data from outside, too: only a series' path is removed. */
static bool is_series(const char *name)
{
    struct series_key key;
    const char *slash = strchr(name, '/');

    return slash && series_name((struct str){name, (size_t)(slash - name)}) &&
           series_path_parse(str_from(slash + 1), &key) == 0;
}

size_t inflight_mend(struct inflight *f)
{
    size_t n = 0;

    for (unsigned i = 0; i < INFLIGHT_SLOTS; i++) {
        struct slot *s = &f->slots[i];
        if (!atomic_load(&s->used))
            continue;
        s->name[sizeof s->name - 1] = 0;
        if (is_series(s->name)) {
            char *path = xasprintf("%s/%s", f->folder, s->name);
            n += unlink(path) == 0;
            free(path);
        }
        atomic_store(&s->used, 0);
    }
    return n;
}

void inflight_begin(struct inflight *f, unsigned slot, const char *path)
{
    struct slot *s = &f->slots[slot];
    size_t n = strlen(path);

    ASSERT(slot < INFLIGHT_SLOTS && n < sizeof s->name && !atomic_load(&s->used));
    memcpy(s->name, path, n + 1);
    atomic_store(&s->used, 1);
}

void inflight_end(struct inflight *f, unsigned slot)
{
    atomic_store(&f->slots[slot].used, 0);
}
