#include "input/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024, MEMINFO = 55, MEMINFO_DROPS = 8, MEMINFO_COUNT = 9, OWN_DESCRIPTORS = 256 };

static const struct {
    const char *scheme;
    enum listen_kind kind;
} schemes[] = {
    {"udp://", LISTEN_UDP},   {"tcp://", LISTEN_TCP},           {"tls://", LISTEN_TLS},
    {"unix://", LISTEN_UNIX}, {"unixgram://", LISTEN_UNIXGRAM},
};

/* ---- addresses ---- */

static const char *parse_port(struct str text, uint16_t *port)
{
    unsigned n = 0;

    if (text.n == 0)
        return NULL;
    if (text.p[0] != ':' || text.n < 2 || text.n > 6)
        return "has no port that can be read; write it like udp://[::]:5514";
    for (size_t i = 1; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return "has no port that can be read; write it like udp://[::]:5514";
        n = n * 10 + (unsigned)(text.p[i] - '0');
    }
    if (n == 0 || n > UINT16_MAX)
        return "has no port from 1 to 65535";
    *port = (uint16_t)n;
    return NULL;
}

static const char *parse_ip(struct str text, struct listen_address *out)
{
    const char *end;
    struct str ip;

    if (text.n && text.p[0] == '[') {
        end = memchr(text.p, ']', text.n);
        ip = end ? str_skip((struct str){text.p, (size_t)(end - text.p)}, 1) : STR("");
        end += end != NULL;
    } else {
        end = memchr(text.p, ':', text.n);
        ip = (struct str){text.p, end ? (size_t)(end - text.p) : text.n};
    }
    if (ip_parse(ip, &out->ip) < 0)
        return "names no address; write it like udp://0.0.0.0:5514, udp://[::]:5514 (IPv4 and "
               "IPv6) or udp://127.0.0.1:5514";
    return parse_port(end ? str_skip(text, (size_t)(end - text.p)) : STR(""), &out->port);
}

const char *listen_parse(const char *url, struct listen_address *out)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i].scheme);
        if (strncmp(url, schemes[i].scheme, n) != 0)
            continue;
        struct str rest = str_from(url + n);
        *out = (struct listen_address){.kind = schemes[i].kind};
        if (!listen_is_unix(out)) {
            out->port = out->kind == LISTEN_TLS ? LISTEN_PORT_TLS : LISTEN_PORT;
            return parse_ip(rest, out);
        }
        if (rest.n < 2 || rest.p[0] != '/')
            return "names no whole path; write it like unix:///run/scantide/log";
        if (rest.n >= LISTEN_PATH_MAX)
            return "has a path over the 107 bytes that a Unix socket's name may have";
        memcpy(out->path, rest.p, rest.n + 1);
        return NULL;
    }
    return "must begin with udp://, tcp://, tls://, unix:// or unixgram://";
}

bool listen_is_unix(const struct listen_address *a)
{
    return a->kind == LISTEN_UNIX || a->kind == LISTEN_UNIXGRAM;
}

bool listen_is_local(const struct listen_address *a)
{
    static const struct ip loopback6 = {6, {[15] = 1}};

    return listen_is_unix(a) || (a->ip.family == 4 && a->ip.b[0] == 127) ||
           ip_compare(&a->ip, &loopback6) == 0;
}

struct ip listen_peer(const struct sockaddr_storage *from)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)from;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;

    switch (from->ss_family) {
    case AF_INET: return ip_from_v4(ntohl(in->sin_addr.s_addr));
    case AF_INET6: return ip_from_v6(in6->sin6_addr.s6_addr);
    default: return (struct ip){0};
    }
}

/* ---- sockets ---- */

static socklen_t to_sockaddr(const struct listen_address *a, struct sockaddr_storage *out)
{
    struct sockaddr_in *in = (struct sockaddr_in *)out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    struct sockaddr_un *un = (struct sockaddr_un *)out;

    *out = (struct sockaddr_storage){0};
    if (listen_is_unix(a)) {
        un->sun_family = AF_UNIX;
        memcpy(un->sun_path, a->path, sizeof a->path);
        return sizeof *un;
    }
    if (a->ip.family == 4) {
        in->sin_family = AF_INET;
        in->sin_port = htons(a->port);
        in->sin_addr.s_addr = htonl(ip_v4(&a->ip));
        return sizeof *in;
    }
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(a->port);
    memcpy(in6->sin6_addr.s6_addr, a->ip.b, 16);
    return sizeof *in6;
}

static int open_socket(const struct listen_address *a, const struct sockaddr_storage *to)
{
    bool datagrams = a->kind == LISTEN_UDP || a->kind == LISTEN_UNIXGRAM;
    int on = 1, off = 0;
    int fd = socket(to->ss_family,
                    (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    /* What remains of an earlier start's connections is no hindrance; for UDP it would let a second
     * listener take the messages away. */
    if (!datagrams)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (to->ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    return fd;
}

/* A name that nobody listens at any more is taken over. */
static int bind_unix(int fd, const struct sockaddr_storage *to, socklen_t n, const char *path,
                     bool datagrams)
{
    struct stat st;

    if (bind(fd, (const struct sockaddr *)to, n) == 0)
        return 0;
    if (errno != EADDRINUSE || stat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return -errno;
    int probe = socket(AF_UNIX, datagrams ? SOCK_DGRAM : SOCK_STREAM, 0);
    bool alive =
        probe < 0 || connect(probe, (const struct sockaddr *)to, n) == 0 || errno != ECONNREFUSED;
    if (probe >= 0)
        close(probe);
    if (alive)
        return -EADDRINUSE;
    if (unlink(path) < 0 || bind(fd, (const struct sockaddr *)to, n) < 0)
        return -errno;
    return 0;
}

static int bind_socket(const struct listen_address *a, int fd, const struct sockaddr_storage *to,
                       socklen_t n)
{
    if (listen_is_unix(a)) {
        int rc = bind_unix(fd, to, n, a->path, a->kind == LISTEN_UNIXGRAM);
        /* For the daemon's user and group. */
        return rc < 0 ? rc : chmod(a->path, 0660) < 0 ? -errno : 0;
    }
    return bind(fd, (const struct sockaddr *)to, n) < 0 ? -errno : 0;
}

static const char *advice(const struct listen_address *a, int rc)
{
    switch (-rc) {
    case EADDRINUSE: return "; another program listens there: end that one, or take another port";
    case EADDRNOTAVAIL: return "; this machine has no such address";
    case EAFNOSUPPORT: return "; this machine has no IPv6: write 0.0.0.0 in place of [::]";
    case EACCES:
        return listen_is_unix(a) ? "; the folder must be writable for whoever runs scantide"
                                 : "; ports below 1024 take privileges: 5514 takes none";
    case ENOENT: return "; the folder isn't there";
    default: return "";
    }
}

int listen_open(const struct listen_address *a, const char *url, struct error *err)
{
    struct sockaddr_storage to;
    socklen_t n = to_sockaddr(a, &to);
    bool datagrams = a->kind == LISTEN_UDP || a->kind == LISTEN_UNIXGRAM;
    int fd = open_socket(a, &to), rc = fd < 0 ? fd : bind_socket(a, fd, &to, n);

    if (rc == 0 && !datagrams && listen(fd, BACKLOG) < 0)
        rc = -errno;
    if (rc < 0) {
        error_add(err, NULL, 0, 0, "%s can't be listened at (%s)%s", url, strerror(-rc),
                  advice(a, rc));
        if (fd >= 0)
            close(fd);
        return rc;
    }
    return fd;
}

void listen_raise_limit(unsigned connections)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)connections + OWN_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void listen_close(const struct listen_address *a, int fd)
{
    close(fd);
    if (listen_is_unix(a))
        unlink(a->path);
}

int listen_grow_buffer(int fd, int wanted)
{
    int granted = 0;
    socklen_t n = sizeof granted;

    /* The first goes past net.core.rmem_max and takes CAP_NET_ADMIN. The kernel doubles what it is
     * asked for, and gives the double back (socket(7)). */
    wanted /= 2;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
    getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &n);
    return granted;
}

/* SO_MEMINFO, an array of numbers (linux/sock_diag.h: SK_MEMINFO_DROPS). */
uint32_t listen_kernel_drops(int fd)
{
    uint32_t info[MEMINFO_COUNT] = {0};
    socklen_t n = sizeof info;

    if (getsockopt(fd, SOL_SOCKET, MEMINFO, info, &n) < 0 || n < sizeof info)
        return 0;
    return info[MEMINFO_DROPS];
}
