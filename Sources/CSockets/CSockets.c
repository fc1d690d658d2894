#define _GNU_SOURCE
#include "CSockets.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

int mica_accept(int listener, uint8_t *address) {
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    int descriptor = accept4(listener, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return descriptor;
    memset(address, 0, MICA_ADDRESS_BYTES);
    if (peer.ss_family == AF_INET) {
        address[10] = address[11] = 0xFF;
        memcpy(address + 12, &((struct sockaddr_in *)&peer)->sin_addr, 4);
    } else if (peer.ss_family == AF_INET6) {
        memcpy(address, &((struct sockaddr_in6 *)&peer)->sin6_addr, MICA_ADDRESS_BYTES);
    }
    return descriptor;
}
