#include "input/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct tls_server {
    SSL_CTX *context;
};

struct tls_session {
    SSL *ssl;
    BIO *in, *out; /* the SSL's */
    char fault[120];
};

/* ---- the server ---- */

/* The cause, in OpenSSL's words; what followed from it stands behind it. */
static const char *reason(void)
{
    unsigned long code = ERR_peek_error();
    const char *text = ERR_GET_LIB(code) == ERR_LIB_SYS ? strerror(ERR_GET_REASON(code))
                                                        : ERR_reason_error_string(code);

    return text ? text : "unknown";
}

static int fail(const char *path, const char *what, struct error *err)
{
    error_add(err, path, 0, 0, "%s (%s)", what, reason());
    return -EINVAL;
}

/* None to be asked for on a terminal that nobody looks at. */
static int no_passphrase(char *to, int size, int writing, void *ctx)
{
    (void)to;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static int load_files(const struct tls_options *o, SSL_CTX *c, struct error *err)
{
    if (SSL_CTX_use_certificate_chain_file(c, o->certificate) != 1)
        return fail(o->certificate, "this is no certificate in PEM that can be read", err);
    if (SSL_CTX_use_PrivateKey_file(c, o->key, SSL_FILETYPE_PEM) != 1)
        return fail(o->key,
                    "this is no key in PEM that can be read and needs no passphrase, or not the "
                    "certificate's",
                    err);
    if (!o->client_ca)
        return 0;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(o->client_ca);
    if (!names || SSL_CTX_load_verify_file(c, o->client_ca) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return fail(o->client_ca, "this holds no certificates in PEM that can be read", err);
    }
    SSL_CTX_set_client_CA_list(c, names);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | (o->require ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       NULL);
    return 0;
}

int tls_server_open(const struct tls_options *o, struct tls_server **out, struct error *err)
{
    static const unsigned char id[] = "scantide";
    SSL_CTX *c = SSL_CTX_new(TLS_server_method());

    *out = NULL;
    ASSERT(c);
    ERR_clear_error();
    SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
    SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS); /* those that are quiet hold none */
    SSL_CTX_set_session_id_context(c, id, sizeof id - 1);
    SSL_CTX_set_default_passwd_cb(c, no_passphrase);
    int rc = load_files(o, c, err);
    ERR_clear_error();
    if (rc < 0) {
        SSL_CTX_free(c);
        return rc;
    }
    *out = xcalloc(1, sizeof **out);
    (*out)->context = c;
    return 0;
}

void tls_server_close(struct tls_server *s)
{
    if (!s)
        return;
    SSL_CTX_free(s->context);
    free(s);
}

/* ---- a connection ---- */

struct tls_session *tls_session_new(const struct tls_server *server)
{
    struct tls_session *s = xcalloc(1, sizeof *s);

    s->ssl = SSL_new(server->context);
    s->in = BIO_new(BIO_s_mem());
    s->out = BIO_new(BIO_s_mem());
    ASSERT(s->ssl && s->in && s->out);
    SSL_set_bio(s->ssl, s->in, s->out);
    SSL_set_accept_state(s->ssl);
    return s;
}

void tls_session_free(struct tls_session *s)
{
    if (!s)
        return;
    SSL_free(s->ssl); /* and both BIOs */
    free(s);
}

void tls_received(struct tls_session *s, const char *bytes, size_t n)
{
    ASSERT(n <= INT_MAX);
    if (n)
        ASSERT(BIO_write(s->in, bytes, (int)n) == (int)n);
}

static void keep_fault(struct tls_session *s)
{
    unsigned long code = ERR_peek_error(); /* the first is the cause */
    long verified = SSL_get_verify_result(s->ssl);
    const char *why = verified != X509_V_OK ? X509_verify_cert_error_string(verified)
                      : code                ? ERR_reason_error_string(code)
                                            : NULL;

    snprintf(s->fault, sizeof s->fault, "%s", why ? why : "it broke off");
}

ssize_t tls_read(struct tls_session *s, char *bytes, size_t n)
{
    size_t got;

    ERR_clear_error();
    if (SSL_read_ex(s->ssl, bytes, n, &got) == 1)
        return (ssize_t)got;
    switch (SSL_get_error(s->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return 0;
    case SSL_ERROR_ZERO_RETURN: return -EPIPE;
    default: keep_fault(s); return -EPROTO;
    }
}

size_t tls_answer(struct tls_session *s, char *bytes, size_t n)
{
    int got = BIO_read(s->out, bytes, n < INT_MAX ? (int)n : INT_MAX);

    return got > 0 ? (size_t)got : 0;
}

void tls_end(struct tls_session *s)
{
    ERR_clear_error();
    if (!SSL_in_init(s->ssl))
        SSL_shutdown(s->ssl);
    ERR_clear_error();
}

const char *tls_fault(const struct tls_session *s)
{
    return s->fault;
}
