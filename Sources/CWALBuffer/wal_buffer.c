// The VFS: everything but opening a WAL is the parent's business.

#include "wal_buffer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "wal_file.h"

#define PREFIX "wal-buffer-"

static sqlite3_vfs *parent_of(sqlite3_vfs *vfs) { return vfs->pAppData; }

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out_flags) {
  sqlite3_vfs *parent = parent_of(vfs);
  if (flags & SQLITE_OPEN_WAL) return wal_file_open(parent, path, file, flags, out_flags);
  // The memory is large enough for a file of the parent, and becomes one.
  return parent->xOpen(parent, path, file, flags, out_flags);
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_directory) {
  return parent_of(vfs)->xDelete(parent_of(vfs), path, sync_directory);
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *result) {
  return parent_of(vfs)->xAccess(parent_of(vfs), path, flags, result);
}

static int vfs_full_pathname(sqlite3_vfs *vfs, const char *path, int size, char *result) {
  return parent_of(vfs)->xFullPathname(parent_of(vfs), path, size, result);
}

static int vfs_randomness(sqlite3_vfs *vfs, int count, char *bytes) {
  return parent_of(vfs)->xRandomness(parent_of(vfs), count, bytes);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
  return parent_of(vfs)->xSleep(parent_of(vfs), microseconds);
}

static int vfs_current_time(sqlite3_vfs *vfs, double *days) { return parent_of(vfs)->xCurrentTime(parent_of(vfs), days); }

static int vfs_get_last_error(sqlite3_vfs *vfs, int size, char *message) {
  return parent_of(vfs)->xGetLastError(parent_of(vfs), size, message);
}

static int vfs_current_time_64(sqlite3_vfs *vfs, sqlite3_int64 *milliseconds) {
  return parent_of(vfs)->xCurrentTimeInt64(parent_of(vfs), milliseconds);
}

static sqlite3_vfs *make(sqlite3_vfs *parent, const char *name) {
  sqlite3_vfs *vfs = calloc(1, sizeof *vfs);
  if (!vfs) return NULL;
  // Version 2 ends before the replaceable system calls, and extensions are never loaded.
  vfs->iVersion = parent->iVersion < 2 ? parent->iVersion : 2;
  vfs->pAppData = parent;
  vfs->szOsFile = wal_file_size(parent);
  vfs->mxPathname = parent->mxPathname;
  vfs->zName = name;
  vfs->xOpen = vfs_open;
  vfs->xDelete = vfs_delete;
  vfs->xAccess = vfs_access;
  vfs->xFullPathname = vfs_full_pathname;
  vfs->xRandomness = vfs_randomness;
  vfs->xSleep = vfs_sleep;
  vfs->xCurrentTime = vfs_current_time;
  vfs->xGetLastError = vfs_get_last_error;
  if (vfs->iVersion >= 2) vfs->xCurrentTimeInt64 = vfs_current_time_64;
  return vfs;
}

// The registered VFS over a parent. Names of parents may be given to others in the course of time.
static sqlite3_vfs *find_or_make(sqlite3_vfs *parent) {
  size_t size = sizeof PREFIX + strlen(parent->zName);
  char *name = malloc(size);
  if (!name) return NULL;
  memcpy(name, PREFIX, sizeof PREFIX);
  strcat(name, parent->zName);
  sqlite3_vfs *vfs = sqlite3_vfs_find(name);
  if (vfs) {
    free(name);
  } else {
    vfs = make(parent, name);
    if (!vfs || sqlite3_vfs_register(vfs, 0) != SQLITE_OK) {
      free(vfs);
      free(name);
      return NULL;
    }
  }
  // Not written without need: others read it without the mutex. A new parent of the same name has no open files yet.
  if (vfs->pAppData != parent) vfs->pAppData = parent;
  return vfs;
}

const char *wal_buffer_vfs(const char *parent_name) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  sqlite3_vfs *parent = sqlite3_vfs_find(parent_name);
  if (!parent) return NULL;
  pthread_mutex_lock(&mutex);
  sqlite3_vfs *vfs = find_or_make(parent);
  pthread_mutex_unlock(&mutex);
  return vfs ? vfs->zName : NULL;
}
