#include "CCurl.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

// The headers put checks around some functions; these are called by address.
#undef curl_easy_setopt
#undef curl_easy_getinfo

static struct {
    CURLcode (*global_init)(long);
    char *(*version)(void);
    CURL *(*init)(void);
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
    CURLcode (*perform)(CURL *);
    void (*reset)(CURL *);
    void (*cleanup)(CURL *);
    const char *(*strerror)(CURLcode);
    char problem[256];
    const char *name;
} library;

static void *opened(void) {
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (handle != NULL) return handle;
    }
    return NULL;
}

static void *symbol(void *handle, const char *name) {
    void *address = dlsym(handle, name);
    if (address == NULL && library.problem[0] == 0)
        snprintf(library.problem, sizeof library.problem, "libcurl has no %s", name);
    return address;
}

static void open_library(void) {
    void *handle = opened();
    if (handle == NULL) {
        snprintf(library.problem, sizeof library.problem, "libcurl.so.4 is not installed (Debian, Ubuntu: apt install libcurl4)");
        return;
    }
    library.global_init = symbol(handle, "curl_global_init");
    library.version = symbol(handle, "curl_version");
    library.init = symbol(handle, "curl_easy_init");
    library.setopt = symbol(handle, "curl_easy_setopt");
    library.getinfo = symbol(handle, "curl_easy_getinfo");
    library.perform = symbol(handle, "curl_easy_perform");
    library.reset = symbol(handle, "curl_easy_reset");
    library.cleanup = symbol(handle, "curl_easy_cleanup");
    library.strerror = symbol(handle, "curl_easy_strerror");
    if (library.problem[0] != 0) return;
    if (library.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) library.name = library.version();
    else snprintf(library.problem, sizeof library.problem, "libcurl does not start");
}

const char *mica_curl_open(char *reason, size_t reason_size) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_library);
    if (library.name == NULL) snprintf(reason, reason_size, "%s", library.problem);
    return library.name;
}

mica_curl_session *mica_curl_session_make(void) { return (mica_curl_session *)library.init(); }

void mica_curl_session_free(mica_curl_session *session) { library.cleanup((CURL *)session); }

static size_t head_line(char *bytes, size_t size, size_t count, void *pointer) {
    const mica_curl_request *request = pointer;
    request->head(request->context, bytes, size * count);
    return size * count;
}

static size_t body_part(char *bytes, size_t size, size_t count, void *pointer) {
    const mica_curl_request *request = pointer;
    if (size * count == 0) return 0;
    return request->body(request->context, bytes, size * count) != 0 ? size * count : 0;
}

static int progress(void *pointer, curl_off_t total, curl_off_t now, curl_off_t up, curl_off_t sent) {
    const mica_curl_request *request = pointer;
    (void)total, (void)now, (void)up, (void)sent;
    return request->stop(request->context);
}

// Files behind redirects of a server that is reached by HTTPS may not come by less.
static CURLcode limit_protocols(CURL *curl, int allows_plain_http) {
    const char *names = allows_plain_http ? "http,https" : "https";
    CURLcode code = library.setopt(curl, CURLOPT_PROTOCOLS_STR, names);
    if (code == CURLE_OK) return library.setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, names);
    // Before 7.85 these were numbers.
    const long numbers = CURLPROTO_HTTPS | (allows_plain_http ? CURLPROTO_HTTP : 0);
    code = library.setopt(curl, (CURLoption)(CURLOPTTYPE_LONG + 181), numbers);
    return code == CURLE_OK ? library.setopt(curl, (CURLoption)(CURLOPTTYPE_LONG + 182), numbers) : code;
}

static enum mica_curl_result result(CURLcode code) {
    switch (code) {
    case CURLE_OK: return MICA_CURL_DONE;
    case CURLE_WRITE_ERROR:
    case CURLE_ABORTED_BY_CALLBACK: return MICA_CURL_STOPPED;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_AGAIN: return MICA_CURL_INTERRUPTED;
    default: return MICA_CURL_REFUSED;
    }
}

enum mica_curl_result mica_curl_get(
    mica_curl_session *session, const mica_curl_request *request, long *status, char *reason, size_t reason_size) {
    CURL *const curl = (CURL *)session;
    char problem[CURL_ERROR_SIZE] = "", range[32];
    *status = 0;
    reason[0] = 0;
    // Options go, connections stay.
    library.reset(curl);
    CURLcode code = limit_protocols(curl, request->allows_plain_http);
#define SET(option, value) \
    if (code == CURLE_OK) code = library.setopt(curl, option, value)
    SET(CURLOPT_ERRORBUFFER, problem);
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_USERAGENT, request->user_agent);
    SET(CURLOPT_FOLLOWLOCATION, 1L);
    SET(CURLOPT_MAXREDIRS, request->redirects);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT, request->connect_seconds);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, request->stall_seconds);
    SET(CURLOPT_HEADERFUNCTION, head_line);
    SET(CURLOPT_HEADERDATA, request);
    SET(CURLOPT_WRITEFUNCTION, body_part);
    SET(CURLOPT_WRITEDATA, request);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, progress);
    SET(CURLOPT_XFERINFODATA, request);
    if (request->authorities != NULL) SET(CURLOPT_CAINFO, request->authorities);
    if (request->bearer != NULL) {
        SET(CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        SET(CURLOPT_XOAUTH2_BEARER, request->bearer);
    }
    if (request->first_byte > 0) {
        snprintf(range, sizeof range, "%lld-", (long long)request->first_byte);
        SET(CURLOPT_RANGE, range);
    }
#undef SET
    // Only for speed, so it may fail: after a request that found no name, libcurl 7.88 has a buffer already.
    library.setopt(curl, CURLOPT_BUFFERSIZE, 512L * 1024);
    if (code == CURLE_OK) code = library.perform(curl);
    library.getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    if (code != CURLE_OK) snprintf(reason, reason_size, "%s", problem[0] != 0 ? problem : library.strerror(code));
    // The buffer is this call's.
    library.setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    return result(code);
}
