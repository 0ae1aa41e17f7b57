#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H

#include <sys/prctl.h>

// prctl is variadic, so Swift cannot call it. The kernel keeps the first 15 bytes of the name.
static inline int clinux_set_thread_name(const char *name) {
  return prctl(PR_SET_NAME, name, 0, 0, 0);
}

#endif
