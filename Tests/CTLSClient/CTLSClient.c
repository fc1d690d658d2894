#include "CTLSClient.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

static int wire_version(int version) { return version == 0 ? 0 : TLS1_VERSION + (version - 10); }

test_tls *test_tls_connect(int descriptor, int version, const char *protocols) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) return NULL;
    // Old versions are refused by this side, too, unless it is told that they are secure enough.
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context, wire_version(version));
    SSL_CTX_set_max_proto_version(context, wire_version(version));
    if (protocols != NULL) {
        SSL_CTX_set_alpn_protos(context, (const unsigned char *)protocols, (unsigned)strlen(protocols));
    }
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context);
    if (ssl == NULL) return NULL;
    SSL_set_fd(ssl, descriptor);
    if (SSL_connect(ssl) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    return (test_tls *)ssl;
}

void test_tls_free(test_tls *tls) { SSL_free((SSL *)tls); }

ptrdiff_t test_tls_read(test_tls *tls, void *bytes, size_t count) {
    size_t read = 0;
    int result = SSL_read_ex((SSL *)tls, bytes, count, &read);
    if (result == 1) return (ptrdiff_t)read;
    return SSL_get_error((SSL *)tls, result) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

ptrdiff_t test_tls_write(test_tls *tls, const void *bytes, size_t count) {
    size_t written = 0;
    return SSL_write_ex((SSL *)tls, bytes, count, &written) == 1 ? (ptrdiff_t)written : -1;
}

int test_tls_version(test_tls *tls) { return SSL_version((SSL *)tls) - TLS1_VERSION + 10; }

void test_tls_protocol(test_tls *tls, char *text, size_t size) {
    const unsigned char *name = NULL;
    unsigned length = 0;
    SSL_get0_alpn_selected((SSL *)tls, &name, &length);
    size_t count = length < size ? length : size - 1;
    if (name != NULL) memcpy(text, name, count);
    text[count] = 0;
}

void test_tls_peer_name(test_tls *tls, char *text, size_t size) {
    text[0] = 0;
    X509 *certificate = SSL_get1_peer_certificate((SSL *)tls);
    if (certificate == NULL) return;
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, (int)size);
    X509_free(certificate);
}

int test_tls_make_certificate(const char *name, const char *certificate_file, const char *key_file) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    if (key == NULL || certificate == NULL) return 0;
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    int done = X509_sign(certificate, key, EVP_sha256()) > 0;
    FILE *file = fopen(certificate_file, "w");
    if (file != NULL) {
        done = done && PEM_write_X509(file, certificate);
        fclose(file);
    }
    FILE *secret = fopen(key_file, "w");
    if (secret != NULL) {
        done = done && PEM_write_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL);
        fclose(secret);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return done && file != NULL && secret != NULL;
}
