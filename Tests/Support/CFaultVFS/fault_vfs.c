// The VFS itself: opening and deleting files.

#include "fault_vfs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

static fault_vfs *ours(sqlite3_vfs *vfs) { return vfs->pAppData; }

// Whether the contents of a file opened so could be found again after a power cut.
static int is_tracked(const char *path, int flags) { return path && !(flags & SQLITE_OPEN_DELETEONCLOSE); }

// Opens the real file and finds its node. The mutex is held.
static int open_file(fault_vfs *vfs, const char *path, fault_file *file, int flags, int *out_flags) {
  memset(file, 0, REAL_FILE_OFFSET + (size_t)vfs->real->szOsFile);
  file->vfs = vfs;
  file->real = (sqlite3_file *)((char *)file + REAL_FILE_OFFSET);
  int code = vfs->real->xOpen(vfs->real, path, file->real, flags, out_flags);
  if (code != SQLITE_OK) return code;
  if (is_tracked(path, flags)) {
    sqlite3_int64 size;
    code = file->real->pMethods->xFileSize(file->real, &size);
    if (code == SQLITE_OK) {
      file->node = fault_node_open(vfs, path, size);
      if (!file->node) code = SQLITE_IOERR_NOMEM;
    }
  }
  if (code != SQLITE_OK) {
    file->real->pMethods->xClose(file->real);
    return code;
  }
  file->base.pMethods = &fault_file_methods;
  vfs->open_files++;
  return SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *base, const char *path, sqlite3_file *file, int flags, int *out_flags) {
  fault_vfs *vfs = ours(base);
  // Without methods, SQLite does not close a file that could not be opened.
  file->pMethods = NULL;
  pthread_mutex_lock(&vfs->mutex);
  int code = fault_check(vfs, FAULT_OPEN);
  if (code == SQLITE_OK) code = open_file(vfs, path, (fault_file *)file, flags, out_flags);
  pthread_mutex_unlock(&vfs->mutex);
  return code;
}

// The mutex is held.
static int delete_file(fault_vfs *vfs, const char *path, int sync_directory) {
  struct stat status;
  int64_t size = stat(path, &status) == 0 ? status.st_size : 0;
  int code = vfs->real->xDelete(vfs->real, path, sync_directory);
  if (code != SQLITE_OK) return code;
  if (vfs->space_left >= 0) vfs->space_left += size;
  fault_node *node = fault_node_find(vfs, path);
  if (node) fault_node_delete(vfs, node);
  return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *base, const char *path, int sync_directory) {
  fault_vfs *vfs = ours(base);
  pthread_mutex_lock(&vfs->mutex);
  int code = fault_check(vfs, FAULT_DELETE);
  // No real directory is synced, as no real file is.
  (void)sync_directory;
  if (code == SQLITE_OK) code = delete_file(vfs, path, 0);
  pthread_mutex_unlock(&vfs->mutex);
  return code;
}

static int vfs_access(sqlite3_vfs *base, const char *path, int flags, int *result) {
  fault_vfs *vfs = ours(base);
  if (fault_vfs_is_power_cut(vfs)) return SQLITE_IOERR_ACCESS;
  return vfs->real->xAccess(vfs->real, path, flags, result);
}

static int vfs_full_pathname(sqlite3_vfs *base, const char *path, int size, char *result) {
  return ours(base)->real->xFullPathname(ours(base)->real, path, size, result);
}

static void *vfs_dl_open(sqlite3_vfs *base, const char *path) {
  return ours(base)->real->xDlOpen(ours(base)->real, path);
}

static void vfs_dl_error(sqlite3_vfs *base, int size, char *message) {
  ours(base)->real->xDlError(ours(base)->real, size, message);
}

static void (*vfs_dl_sym(sqlite3_vfs *base, void *library, const char *symbol))(void) {
  return ours(base)->real->xDlSym(ours(base)->real, library, symbol);
}

static void vfs_dl_close(sqlite3_vfs *base, void *library) { ours(base)->real->xDlClose(ours(base)->real, library); }

static int vfs_randomness(sqlite3_vfs *base, int count, char *bytes) {
  return ours(base)->real->xRandomness(ours(base)->real, count, bytes);
}

static int vfs_sleep(sqlite3_vfs *base, int microseconds) {
  return ours(base)->real->xSleep(ours(base)->real, microseconds);
}

static int vfs_current_time(sqlite3_vfs *base, double *time) {
  return ours(base)->real->xCurrentTime(ours(base)->real, time);
}

static int vfs_get_last_error(sqlite3_vfs *base, int size, char *message) {
  return ours(base)->real->xGetLastError(ours(base)->real, size, message);
}

static const sqlite3_vfs methods = {
    .iVersion = 1,
    .xOpen = vfs_open,
    .xDelete = vfs_delete,
    .xAccess = vfs_access,
    .xFullPathname = vfs_full_pathname,
    .xDlOpen = vfs_dl_open,
    .xDlError = vfs_dl_error,
    .xDlSym = vfs_dl_sym,
    .xDlClose = vfs_dl_close,
    .xRandomness = vfs_randomness,
    .xSleep = vfs_sleep,
    .xCurrentTime = vfs_current_time,
    .xGetLastError = vfs_get_last_error,
};

fault_vfs *fault_vfs_create(const char *name) {
  sqlite3_vfs *real = sqlite3_vfs_find(NULL);
  fault_vfs *vfs = calloc(1, sizeof *vfs);
  if (!real || !vfs || !(vfs->name = strdup(name))) {
    free(vfs);
    return NULL;
  }
  pthread_mutex_init(&vfs->mutex, NULL);
  vfs->base = methods;
  vfs->base.szOsFile = (int)REAL_FILE_OFFSET + real->szOsFile;
  vfs->base.mxPathname = real->mxPathname;
  vfs->base.zName = vfs->name;
  vfs->base.pAppData = vfs;
  vfs->real = real;
  vfs->cut_at = -1;
  vfs->space_left = -1;
  sqlite3_vfs_register(&vfs->base, 0);
  return vfs;
}

int fault_vfs_destroy(fault_vfs *vfs) {
  pthread_mutex_lock(&vfs->mutex);
  int open_files = vfs->open_files;
  pthread_mutex_unlock(&vfs->mutex);
  if (open_files > 0) return SQLITE_BUSY;
  sqlite3_vfs_unregister(&vfs->base);
  fault_node_free_all(vfs);
  pthread_mutex_destroy(&vfs->mutex);
  free(vfs->name);
  free(vfs);
  return SQLITE_OK;
}
