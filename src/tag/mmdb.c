#include "tag/mmdb.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static int copy(int from, int to)
{
    char bytes[65536];
    ssize_t n;

    while ((n = read(from, bytes, sizeof bytes)) > 0)
        if (write(to, bytes, (size_t)n) != n)
            return -1;
    return n < 0 ? -1 : 0;
}

int mmdb_open(const char *path, struct mmdb_file *f)
{
    struct stat st;
    char name[40];
    int code = MMDB_FILE_OPEN_ERROR, from = open(path, O_RDONLY | O_CLOEXEC);
    int to = memfd_create("scantide-mmdb", MFD_CLOEXEC);

    if (from >= 0 && to >= 0 && fstat(from, &st) == 0 && S_ISREG(st.st_mode) &&
        copy(from, to) == 0) {
        f->dev = st.st_dev;
        f->ino = st.st_ino;
        f->size = st.st_size;
        f->changed = st.st_mtim;
        snprintf(name, sizeof name, "/proc/self/fd/%d", to);
        code = MMDB_open(name, MMDB_MODE_MMAP, &f->db);
    }
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return code;
}

bool mmdb_replaced(const char *path, const struct mmdb_file *f)
{
    struct stat st;

    /* One that is away is about to come, or won't be missed before the next start. */
    return stat(path, &st) == 0 &&
           (st.st_dev != f->dev || st.st_ino != f->ino || st.st_size != f->size ||
            st.st_mtim.tv_sec != f->changed.tv_sec || st.st_mtim.tv_nsec != f->changed.tv_nsec);
}

MMDB_lookup_result_s mmdb_look_up(const MMDB_s *db, const struct ip *ip, int *code)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};

    if (ip->family == 4) {
        address.v4.sin_family = AF_INET;
        memcpy(&address.v4.sin_addr, ip->b, 4);
    } else {
        address.v6.sin6_family = AF_INET6;
        memcpy(&address.v6.sin6_addr, ip->b, 16);
    }
    return MMDB_lookup_sockaddr(db, &address.any, code);
}

void mmdb_fault(const char *path, int code, const char *what, const char *key, struct error *err)
{
    const char *why = MMDB_strerror(code);
    size_t n = strcspn(why, "\n");

    while (n && (why[n - 1] == '.' || why[n - 1] == ' '))
        n--;
    error_add(err, path, 0, 0,
              "this %s can't be used (%.*s): fetch it again, or name another under 'geo: %s:'",
              what, (int)n, why, key);
}
