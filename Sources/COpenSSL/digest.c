#include <openssl/evp.h>

#include "COpenSSL.h"

mica_digest *mica_digest_make(enum mica_digest_kind kind) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL) return NULL;
    if (EVP_DigestInit_ex(context, kind == MICA_SHA1 ? EVP_sha1() : EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(context);
        return NULL;
    }
    return (mica_digest *)context;
}

void mica_digest_free(mica_digest *digest) { EVP_MD_CTX_free((EVP_MD_CTX *)digest); }

int mica_digest_update(mica_digest *digest, const void *bytes, size_t count) {
    return EVP_DigestUpdate((EVP_MD_CTX *)digest, bytes, count);
}

size_t mica_digest_finish(mica_digest *digest, uint8_t *hash, size_t room) {
    EVP_MD_CTX *context = (EVP_MD_CTX *)digest;
    unsigned count = 0;
    if ((size_t)EVP_MD_CTX_get_size(context) > room || EVP_DigestFinal_ex(context, hash, &count) != 1) return 0;
    return count;
}
