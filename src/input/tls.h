/* tls.h - syslog over TLS (RFC 5425): bytes of a connection to plain ones, and what is to be
 * answered.
 *
 * OpenSSL is known here and nowhere else, and knows nothing of sockets: it works on memory, so the
 * loop stays the owner of every connection. TLS 1.2 or newer. A client's certificate may be asked
 * for, and insisted on. One thread.
 *
 *     struct tls_server *server;
 *     if (tls_server_open(&options, &server, &err) < 0) ...
 *     struct tls_session *s = tls_session_new(server);
 *     tls_received(s, bytes, n);
 *     while ((n = tls_read(s, plain, sizeof plain)) > 0) ...
 *     while ((n = tls_answer(s, out, sizeof out)) > 0) send(...)
 *     tls_session_free(s); */
#ifndef SCANTIDE_INPUT_TLS_H
#define SCANTIDE_INPUT_TLS_H

#include <sys/types.h>

#include "base/error.h"

struct tls_server;
struct tls_session;

struct tls_options {
    char *certificate; /* with its chain, PEM */
    char *key;         /* PEM, without a passphrase */
    char *client_ca;   /* who signs clients' certificates, PEM; NULL: none is asked for */
    bool require;      /* a client without one is turned away */
};

/* Reads the files. 0, or a negative code with a fault added that names the file. */
int tls_server_open(const struct tls_options *o, struct tls_server **out, struct error *err);
void tls_server_close(struct tls_server *s);

struct tls_session *tls_session_new(const struct tls_server *server);
void tls_session_free(struct tls_session *s);

/* Ciphertext came. */
void tls_received(struct tls_session *s, const char *bytes, size_t n);

/* Plain bytes; 0: none until more is received; -EPIPE: the peer has closed the session; -EPROTO: it
 * failed, see tls_fault. */
ssize_t tls_read(struct tls_session *s, char *bytes, size_t n);

/* Ciphertext to be sent; 0: none. Asked for after each tls_read, also one that failed. */
size_t tls_answer(struct tls_session *s, char *bytes, size_t n);

/* Says to the peer that no more is read. */
void tls_end(struct tls_session *s);

/* Why it failed, a few words. Valid until the next call. */
const char *tls_fault(const struct tls_session *s);

#endif
