#include "COpenSSL.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

// OpenSSL's own socket BIO writes with write(2), which raises SIGPIPE when the peer has gone; this one does not.

static int socket_write(BIO *bio, const char *bytes, size_t count, size_t *written) {
    int descriptor = (int)(intptr_t)BIO_get_data(bio);
    ssize_t result;
    do {
        result = send(descriptor, bytes, count, MSG_NOSIGNAL);
    } while (result < 0 && errno == EINTR);
    BIO_clear_retry_flags(bio);
    if (result < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) BIO_set_retry_write(bio);
        return 0;
    }
    *written = (size_t)result;
    return 1;
}

static int socket_read(BIO *bio, char *bytes, size_t count, size_t *read) {
    int descriptor = (int)(intptr_t)BIO_get_data(bio);
    ssize_t result;
    do {
        result = recv(descriptor, bytes, count, 0);
    } while (result < 0 && errno == EINTR);
    BIO_clear_retry_flags(bio);
    if (result <= 0) {
        if (result == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
        if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) BIO_set_retry_read(bio);
        return 0;
    }
    *read = (size_t)result;
    return 1;
}

static long socket_control(BIO *bio, int command, long number, void *pointer) {
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP: return 1;
    case BIO_CTRL_EOF: return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    default: return 0;
    }
}

static BIO_METHOD *socket_method;

static void make_socket_method(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mica socket");
    if (method == NULL) return;
    BIO_meth_set_write_ex(method, socket_write);
    BIO_meth_set_read_ex(method, socket_read);
    BIO_meth_set_ctrl(method, socket_control);
    socket_method = method;
}

// Context

/// RFC 7301: HTTP/1.1 if the client offers it; a client that offers only other protocols is refused.
static int choose_protocol(
    SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length, const unsigned char *offered,
    unsigned offered_length, void *unused) {
    static const unsigned char known[] = "\x08http/1.1\x08http/1.0";
    (void)ssl;
    (void)unused;
    int result = SSL_select_next_proto(
        (unsigned char **)chosen, chosen_length, known, sizeof known - 1, offered, offered_length);
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void explain(const char *what, char *reason, size_t reason_size) {
    // The first error is the cause; later ones say where it passed.
    unsigned long code = ERR_peek_error();
    const char *text = code == 0             ? NULL
                       : ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code))
                                                : ERR_reason_error_string(code);
    if (ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE) text = "it is not in PEM";
    snprintf(reason, reason_size, "%s: %s", what, text != NULL ? text : "unknown reason");
    ERR_clear_error();
}

mica_tls_context *mica_tls_context_make(
    const char *chain_file, const char *key_file, char *reason, size_t reason_size) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_socket_method);
    ERR_clear_error();
    SSL_CTX *context = socket_method == NULL ? NULL : SSL_CTX_new(TLS_server_method());
    if (context == NULL) {
        explain("OpenSSL does not start", reason, reason_size);
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(
        context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                     SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(
        context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    // Forward secrecy and authenticated encryption; TLS 1.3 has nothing else anyway.
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!PSK");
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    // A key with a pass phrase must not make a server wait at a terminal.
    SSL_CTX_set_default_passwd_cb_userdata(context, (void *)"");

    const char *failure = NULL;
    if (SSL_CTX_use_certificate_chain_file(context, chain_file) != 1) {
        failure = "the certificate cannot be used";
    } else if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1) {
        failure = "the key cannot be used";
    } else if (SSL_CTX_check_private_key(context) != 1) {
        failure = "the key is not that of the certificate";
    }
    if (failure != NULL) {
        explain(failure, reason, reason_size);
        SSL_CTX_free(context);
        return NULL;
    }
    return (mica_tls_context *)context;
}

void mica_tls_context_free(mica_tls_context *context) { SSL_CTX_free((SSL_CTX *)context); }

// Session

mica_tls_session *mica_tls_session_make(mica_tls_context *context, int descriptor) {
    ERR_clear_error();
    SSL *ssl = SSL_new((SSL_CTX *)context);
    BIO *bio = BIO_new(socket_method);
    if (ssl == NULL || bio == NULL) {
        SSL_free(ssl);
        BIO_free(bio);
        return NULL;
    }
    BIO_set_data(bio, (void *)(intptr_t)descriptor);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    return (mica_tls_session *)ssl;
}

void mica_tls_session_free(mica_tls_session *session) { SSL_free((SSL *)session); }

static ptrdiff_t outcome(SSL *ssl, int result) {
    int error = SSL_get_error(ssl, result);
    ERR_clear_error();
    switch (error) {
    case SSL_ERROR_WANT_READ: return MICA_TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE: return MICA_TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN: return MICA_TLS_END;
    default: return MICA_TLS_FAILED;
    }
}

ptrdiff_t mica_tls_read(mica_tls_session *session, void *bytes, size_t count) {
    size_t read = 0;
    ERR_clear_error();
    int result = SSL_read_ex((SSL *)session, bytes, count, &read);
    return result == 1 ? (ptrdiff_t)read : outcome((SSL *)session, result);
}

ptrdiff_t mica_tls_write(mica_tls_session *session, const void *bytes, size_t count) {
    size_t written = 0;
    ERR_clear_error();
    int result = SSL_write_ex((SSL *)session, bytes, count, &written);
    return result == 1 ? (ptrdiff_t)written : outcome((SSL *)session, result);
}

int mica_tls_is_established(mica_tls_session *session) { return SSL_is_init_finished((SSL *)session); }

void mica_tls_end_writing(mica_tls_session *session) {
    ERR_clear_error();
    if (SSL_is_init_finished((SSL *)session)) (void)SSL_shutdown((SSL *)session);
    ERR_clear_error();
}
