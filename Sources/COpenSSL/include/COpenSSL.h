// The part of OpenSSL that a server on a non-blocking socket needs, and hashes, without its macros and its many headers.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Certificate, key and rules; may be used by several threads, and by sessions that outlive it.
typedef struct mica_tls_context mica_tls_context;
/// One connection; belongs to one thread.
typedef struct mica_tls_session mica_tls_session;

/// What `mica_tls_read` and `mica_tls_write` return besides a number of bytes.
enum mica_tls_outcome {
    MICA_TLS_END = 0,
    MICA_TLS_WANTS_READ = -1,
    MICA_TLS_WANTS_WRITE = -2,
    MICA_TLS_FAILED = -3,
};

/// A context for a PEM chain (the leaf first) and its PEM key, or NULL; `reason` then gets a line that says why.
mica_tls_context *_Nullable mica_tls_context_make(
    const char *_Nonnull chain_file, const char *_Nonnull key_file, char *_Nonnull reason, size_t reason_size);
void mica_tls_context_free(mica_tls_context *_Nonnull context);

/// The server's side of a connection on `descriptor`, which stays the caller's; NULL for want of memory.
mica_tls_session *_Nullable mica_tls_session_make(mica_tls_context *_Nonnull context, int descriptor);
void mica_tls_session_free(mica_tls_session *_Nonnull session);

/// Bytes that were read, or a `mica_tls_outcome`; the handshake is part of the first reads.
ptrdiff_t mica_tls_read(mica_tls_session *_Nonnull session, void *_Nonnull bytes, size_t count);
/// Bytes that were written, perhaps fewer than `count`, or a `mica_tls_outcome`.
ptrdiff_t mica_tls_write(mica_tls_session *_Nonnull session, const void *_Nonnull bytes, size_t count);
/// Whether the handshake is over.
int mica_tls_is_established(mica_tls_session *_Nonnull session);
/// Tells the peer that nothing more comes, as far as the socket takes it.
void mica_tls_end_writing(mica_tls_session *_Nonnull session);

/// A hash of bytes as they come; belongs to one thread at a time.
typedef struct mica_digest mica_digest;
enum mica_digest_kind { MICA_SHA1 = 1, MICA_SHA256 = 2 };
/// NULL for want of memory, or where OpenSSL's configuration forbids it.
mica_digest *_Nullable mica_digest_make(enum mica_digest_kind kind);
void mica_digest_free(mica_digest *_Nonnull digest);
/// Adds bytes; 0 if OpenSSL fails.
int mica_digest_update(mica_digest *_Nonnull digest, const void *_Nullable bytes, size_t count);
/// The hash, 20 or 32 bytes, of all that was added, which ends it; how many bytes, 0 if OpenSSL fails.
size_t mica_digest_finish(mica_digest *_Nonnull digest, uint8_t *_Nonnull hash, size_t room);
