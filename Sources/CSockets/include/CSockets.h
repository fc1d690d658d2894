// What `import Glibc` leaves out: epoll, eventfd and accept4.
#pragma once

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/// accept4 with SOCK_NONBLOCK and SOCK_CLOEXEC. A wrapper, because the declaration needs _GNU_SOURCE before the first
/// system header, which an importing module cannot promise.
int mica_accept(int listener);
