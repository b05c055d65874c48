/* listen.h - where syslog is taken from: addresses such as udp://[::]:5514, and their sockets.
 *
 * The sockets are opened before the loop runs, so that a start which can't have one of them says so
 * and ends. What is to be read from them: datagrams_uv.h, peers_uv.h. */
#ifndef SCANTIDE_INPUT_LISTEN_H
#define SCANTIDE_INPUT_LISTEN_H

#include <sys/socket.h>

#include "base/error.h"
#include "base/ip.h"

enum listen_kind { LISTEN_UDP, LISTEN_TCP, LISTEN_TLS, LISTEN_UNIX, LISTEN_UNIXGRAM };

enum { LISTEN_PORT = 5514, LISTEN_PORT_TLS = 6514, LISTEN_PATH_MAX = 108 };

struct listen_address {
    enum listen_kind kind;
    struct ip ip; /* of a network's kinds */
    uint16_t port;
    char path[LISTEN_PATH_MAX]; /* of the others, absolute */
};

/* Reads udp://ADDRESS[:PORT], tcp://, tls://, unix:///PATH (a stream) or unixgram:///PATH. NULL, or
 * what is wrong with it and how it is written, a sentence without its beginning. */
const char *listen_parse(const char *url, struct listen_address *out);

bool listen_is_unix(const struct listen_address *a);

/* Only this machine reaches it: a loopback address or a Unix socket. */
bool listen_is_local(const struct listen_address *a);

/* Opens, binds and, where it is one of streams, listens; non-blocking. `url` is for faults. The fd,
 * or a negative code with a fault added. */
int listen_open(const struct listen_address *a, const char *url, struct error *err);

/* So many connections want descriptors: as many are allowed as this process may allow itself. */
void listen_raise_limit(unsigned connections);

/* Closes it, and removes a Unix socket's name. */
void listen_close(const struct listen_address *a, int fd);

/* How many bytes the kernel grants for what waits to be read: as many as it will, up to `wanted`. A
 * message of usual length takes LISTEN_MESSAGE_BYTES of them (sk_buff and all, measured). */
int listen_grow_buffer(int fd, int wanted);

enum { LISTEN_BUFFER_BYTES = 32 << 20, LISTEN_MESSAGE_BYTES = 1280 };

/* Messages that the kernel threw away since the socket was opened, for want of room (modulo 2^32);
 * 0 where it doesn't say. */
uint32_t listen_kernel_drops(int fd);

/* The address of a peer; family 0 for a Unix socket's. */
struct ip listen_peer(const struct sockaddr_storage *from);

#endif
