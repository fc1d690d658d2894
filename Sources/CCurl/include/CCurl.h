// The part of libcurl that reading from a server needs. The library is looked for when it is first needed, so that a
// command which asks nothing of the network neither loads it nor the thirty libraries that it wants.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// A handle with its kept connections; belongs to one thread at a time.
typedef struct mica_curl_session mica_curl_session;

/// A GET request. Texts are read before the call returns.
typedef struct {
    const char *_Nonnull url;
    /// Sent as `Authorization: Bearer`, to the host of `url` alone; NULL for none.
    const char *_Nullable bearer;
    const char *_Nonnull user_agent;
    /// A PEM file of certificate authorities; NULL for the system's.
    const char *_Nullable authorities;
    /// The first byte that is wanted; 0 for all.
    int64_t first_byte;
    /// Whether plain HTTP will do; without it only HTTPS is spoken, behind redirects too.
    int allows_plain_http;
    long connect_seconds;
    /// After how long without a byte the transfer is given up.
    long stall_seconds;
    long redirects;
    /// Given to the functions below.
    void *_Nullable context;
    /// Takes a line of a response's head with its line end; heads of redirects come too.
    void (*_Nonnull head)(void *_Nullable context, const char *_Nonnull line, size_t count);
    /// Takes a part of the last response's body; 0 ends the transfer.
    int (*_Nonnull body)(void *_Nullable context, const char *_Nonnull bytes, size_t count);
    /// Asked some times a second; other than 0 ends the transfer.
    int (*_Nonnull stop)(void *_Nullable context);
} mica_curl_request;

/// What became of a request.
enum mica_curl_result {
    /// There is a response, whatever its status, and its body came whole.
    MICA_CURL_DONE = 0,
    /// `body` or `stop` ended it.
    MICA_CURL_STOPPED = 1,
    /// The network or the server failed, which may pass.
    MICA_CURL_INTERRUPTED = 2,
    /// It cannot be done: the address, the certificate, a redirect.
    MICA_CURL_REFUSED = 3,
};

/// Opens the library, once a process. Its version, or NULL; `reason` then gets a line that says why.
const char *_Nullable mica_curl_open(char *_Nonnull reason, size_t reason_size);
/// NULL for want of memory. Wants `mica_curl_open` to have succeeded.
mica_curl_session *_Nullable mica_curl_session_make(void);
void mica_curl_session_free(mica_curl_session *_Nonnull session);
/// Does a request. `status` gets the last response's, 0 if there was none; `reason` a line, empty if all went well.
enum mica_curl_result mica_curl_get(
    mica_curl_session *_Nonnull session, const mica_curl_request *_Nonnull request, long *_Nonnull status,
    char *_Nonnull reason, size_t reason_size);
