#ifndef CUV_SHIM_H
#define CUV_SHIM_H

#include <sys/prctl.h>
#include <sys/socket.h>
#include <uv.h>

// glibc declares accept4 only under _GNU_SOURCE, which Swift's importer does not set.
extern int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);

// The flags import into Swift as an enumeration, so they stay here.
static inline int cuv_accept(int descriptor, struct sockaddr *address, socklen_t *length) {
  return accept4(descriptor, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static inline int cuv_stream_socket(int family) {
  return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// prctl is variadic, so Swift cannot call it. The kernel keeps the first 15 bytes of the name.
static inline int cuv_set_thread_name(const char *name) {
  return prctl(PR_SET_NAME, name, 0, 0, 0);
}

#endif
