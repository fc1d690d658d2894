#define _GNU_SOURCE
#include "CSockets.h"

#include <stddef.h>

int mica_accept(int listener) {
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
