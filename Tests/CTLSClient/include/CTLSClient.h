// A TLS client for tests: it believes every certificate, and says which one it got.
#pragma once

#include <stddef.h>

typedef struct test_tls test_tls;

/// Shakes hands on a connected, blocking socket, or returns NULL. `version` is 0 for any, or 10...13 for TLS 1.0...1.3;
/// `protocols` are those of ALPN as on the wire (a length, then the name), or NULL.
test_tls *_Nullable test_tls_connect(int descriptor, int version, const char *_Nullable protocols);
void test_tls_free(test_tls *_Nonnull tls);
ptrdiff_t test_tls_read(test_tls *_Nonnull tls, void *_Nonnull bytes, size_t count);
ptrdiff_t test_tls_write(test_tls *_Nonnull tls, const void *_Nonnull bytes, size_t count);
/// 10...13 for TLS 1.0...1.3.
int test_tls_version(test_tls *_Nonnull tls);
/// The protocol that ALPN chose, and the common name of the server's certificate; empty if there is none.
void test_tls_protocol(test_tls *_Nonnull tls, char *_Nonnull text, size_t size);
void test_tls_peer_name(test_tls *_Nonnull tls, char *_Nonnull text, size_t size);

/// Writes a new key and a certificate of it, signed by itself; 0 if that fails.
int test_tls_make_certificate(
    const char *_Nonnull name, const char *_Nonnull certificate_file, const char *_Nonnull key_file);
