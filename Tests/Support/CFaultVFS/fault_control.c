// The controls: power, planned faults, space.

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

// Whether an operation changes what a power cut can lose.
static int is_change(fault_operation operation) { return operation != FAULT_READ && operation != FAULT_OPEN; }

int fault_usual_error(fault_operation operation) {
  switch (operation) {
    case FAULT_READ: return SQLITE_IOERR_READ;
    case FAULT_WRITE: return SQLITE_IOERR_WRITE;
    case FAULT_SYNC: return SQLITE_IOERR_FSYNC;
    case FAULT_TRUNCATE: return SQLITE_IOERR_TRUNCATE;
    case FAULT_OPEN: return SQLITE_CANTOPEN;
    case FAULT_DELETE: return SQLITE_IOERR_DELETE;
  }
  return SQLITE_IOERR;
}

int fault_check(fault_vfs *vfs, fault_operation operation) {
  if (vfs->cut_at >= 0 && vfs->changes >= vfs->cut_at && is_change(operation)) vfs->power_cut = 1;
  if (vfs->power_cut) return fault_usual_error(operation);
  planned_fault *fault = &vfs->faults[operation];
  if (fault->count > 0) {
    if (fault->skip == 0) {
      fault->count--;
      return fault->code;
    }
    fault->skip--;
  }
  if (is_change(operation)) vfs->changes++;
  return SQLITE_OK;
}

void fault_vfs_cut_power(fault_vfs *vfs) {
  pthread_mutex_lock(&vfs->mutex);
  vfs->power_cut = 1;
  pthread_mutex_unlock(&vfs->mutex);
}

void fault_vfs_cut_power_after(fault_vfs *vfs, int64_t operations) {
  pthread_mutex_lock(&vfs->mutex);
  vfs->cut_at = vfs->changes + operations;
  pthread_mutex_unlock(&vfs->mutex);
}

int fault_vfs_is_power_cut(fault_vfs *vfs) {
  pthread_mutex_lock(&vfs->mutex);
  int cut = vfs->power_cut;
  pthread_mutex_unlock(&vfs->mutex);
  return cut;
}

void fault_vfs_fail_next(fault_vfs *vfs, fault_operation operation, int64_t skip, int64_t count, int code) {
  pthread_mutex_lock(&vfs->mutex);
  vfs->faults[operation] = (planned_fault){.skip = skip, .count = count, .code = code};
  pthread_mutex_unlock(&vfs->mutex);
}

void fault_vfs_set_space_left(fault_vfs *vfs, int64_t bytes) {
  pthread_mutex_lock(&vfs->mutex);
  vfs->space_left = bytes;
  pthread_mutex_unlock(&vfs->mutex);
}

int64_t fault_vfs_operation_count(fault_vfs *vfs) {
  pthread_mutex_lock(&vfs->mutex);
  int64_t changes = vfs->changes;
  pthread_mutex_unlock(&vfs->mutex);
  return changes;
}

// The WAL index lives in memory; after a power cut no file shall pretend to hold one.
static void delete_shared_memory(const fault_node *node) {
  char path[4096];
  int length = snprintf(path, sizeof path, "%s-shm", node->path);
  if (length > 0 && (size_t)length < sizeof path) unlink(path);
}

// The mutex is held.
static int restore(fault_vfs *vfs, uint64_t seed, fault_loss *loss) {
  if (vfs->open_files > 0) return SQLITE_BUSY;
  uint64_t random = seed;
  for (fault_node *node = vfs->nodes; node; node = node->next) {
    int code = fault_node_lose(node, &random, loss);
    if (code != SQLITE_OK) return code;
    delete_shared_memory(node);
  }
  // What is on the disk now is durable. The next open learns the sizes anew.
  fault_node_free_all(vfs);
  memset(vfs->faults, 0, sizeof vfs->faults);
  vfs->power_cut = 0;
  vfs->cut_at = -1;
  vfs->space_left = -1;
  return SQLITE_OK;
}

int fault_vfs_restore(fault_vfs *vfs, uint64_t seed, fault_loss *loss) {
  memset(loss, 0, sizeof *loss);
  pthread_mutex_lock(&vfs->mutex);
  int code = restore(vfs, seed, loss);
  pthread_mutex_unlock(&vfs->mutex);
  return code;
}
