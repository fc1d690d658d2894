// What `import Glibc` leaves out: epoll, eventfd and accept4.
#pragma once

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/// Bytes of an IPv6 address.
#define MICA_ADDRESS_BYTES 16

/// accept4 with SOCK_NONBLOCK and SOCK_CLOEXEC. A wrapper, because the declaration needs _GNU_SOURCE before the first
/// system header, which an importing module cannot promise. `address` becomes the peer's, IPv4 mapped to IPv6 (RFC 4291
/// section 2.5.5.2), zeros for a Unix socket.
int mica_accept(int listener, uint8_t *_Nonnull address);
