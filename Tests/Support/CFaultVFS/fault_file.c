// The methods of an open file: each one checks for a fault, keeps what it must, and calls the real file.

#include <string.h>

#include "internal.h"

static fault_file *ours(sqlite3_file *file) { return (fault_file *)file; }
static sqlite3_file *real(sqlite3_file *file) { return ours(file)->real; }

static void lock(sqlite3_file *file) { pthread_mutex_lock(&ours(file)->vfs->mutex); }
static void unlock(sqlite3_file *file) { pthread_mutex_unlock(&ours(file)->vfs->mutex); }

// The error of a call that only fails without power.
static int without_power(sqlite3_file *file, int power_error) {
  lock(file);
  int cut = ours(file)->vfs->power_cut;
  unlock(file);
  return cut ? power_error : SQLITE_OK;
}

static int file_close(sqlite3_file *file) {
  fault_file *self = ours(file);
  int code = self->real->pMethods->xClose(self->real);
  lock(file);
  if (self->node) fault_node_close(self->vfs, self->node);
  self->vfs->open_files--;
  unlock(file);
  return code;
}

static int file_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
  lock(file);
  int code = fault_check(ours(file)->vfs, FAULT_READ);
  if (code == SQLITE_OK) code = real(file)->pMethods->xRead(real(file), bytes, count, offset);
  unlock(file);
  return code;
}

// Cuts `count` to what the disk has room for. The result is SQLITE_FULL if something was cut off.
static int take_space(fault_file *self, sqlite3_int64 offset, int *count) {
  fault_vfs *vfs = self->vfs;
  if (vfs->space_left < 0) return SQLITE_OK;
  sqlite3_int64 size;
  int code = self->real->pMethods->xFileSize(self->real, &size);
  if (code != SQLITE_OK) return code;
  sqlite3_int64 growth = offset + *count - size;
  if (growth <= vfs->space_left) {
    if (growth > 0) vfs->space_left -= growth;
    return SQLITE_OK;
  }
  sqlite3_int64 fits = size + vfs->space_left - offset;
  *count = fits > 0 ? (int)fits : 0;
  if (fits > 0) vfs->space_left = 0;
  return SQLITE_FULL;
}

// The mutex is held, and no fault is planned.
static int write_tracked(fault_file *self, const void *bytes, int count, sqlite3_int64 offset) {
  int space = take_space(self, offset, &count);
  if (space != SQLITE_OK && (space != SQLITE_FULL || count == 0)) return space;
  int code = self->node ? fault_node_preserve(self->node, self->real, offset, offset + count) : SQLITE_OK;
  if (code == SQLITE_OK) code = self->real->pMethods->xWrite(self->real, bytes, count, offset);
  return code == SQLITE_OK ? space : code;
}

static int file_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
  lock(file);
  int code = fault_check(ours(file)->vfs, FAULT_WRITE);
  if (code == SQLITE_OK) code = write_tracked(ours(file), bytes, count, offset);
  unlock(file);
  return code;
}

// The mutex is held, and no fault is planned.
static int truncate_tracked(fault_file *self, sqlite3_int64 size) {
  sqlite3_int64 old_size;
  int code = self->real->pMethods->xFileSize(self->real, &old_size);
  if (code == SQLITE_OK && self->node && size < old_size) {
    code = fault_node_preserve(self->node, self->real, size, old_size);
  }
  if (code == SQLITE_OK) code = self->real->pMethods->xTruncate(self->real, size);
  if (code == SQLITE_OK && self->node) fault_node_truncate(self->node, size);
  if (code == SQLITE_OK && self->vfs->space_left >= 0) self->vfs->space_left += old_size - size;
  return code;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
  lock(file);
  int code = fault_check(ours(file)->vfs, FAULT_TRUNCATE);
  if (code == SQLITE_OK) code = truncate_tracked(ours(file), size);
  unlock(file);
  return code;
}

static int file_sync(sqlite3_file *file, int flags) {
  (void)flags;
  lock(file);
  int code = fault_check(ours(file)->vfs, FAULT_SYNC);
  // The real file is not synced: no cut of the real power is being tested, and a sync costs a millisecond.
  if (code == SQLITE_OK && ours(file)->node) code = fault_node_sync(ours(file)->node, real(file));
  unlock(file);
  return code;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
  int code = without_power(file, SQLITE_IOERR_FSTAT);
  return code == SQLITE_OK ? real(file)->pMethods->xFileSize(real(file), size) : code;
}

static int file_lock(sqlite3_file *file, int level) {
  int code = without_power(file, SQLITE_IOERR_LOCK);
  return code == SQLITE_OK ? real(file)->pMethods->xLock(real(file), level) : code;
}

static int file_unlock(sqlite3_file *file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }

static int file_check_reserved_lock(sqlite3_file *file, int *result) {
  int code = without_power(file, SQLITE_IOERR_CHECKRESERVEDLOCK);
  return code == SQLITE_OK ? real(file)->pMethods->xCheckReservedLock(real(file), result) : code;
}

static int file_control(sqlite3_file *file, int operation, void *argument) {
  switch (operation) {
    // These would let the real VFS change the file's size, or map it, without our knowledge. All are only advice.
    case SQLITE_FCNTL_SIZE_HINT:
    case SQLITE_FCNTL_CHUNK_SIZE:
    case SQLITE_FCNTL_MMAP_SIZE: return SQLITE_NOTFOUND;
    default: return real(file)->pMethods->xFileControl(real(file), operation, argument);
  }
}

static int file_sector_size(sqlite3_file *file) { return real(file)->pMethods->xSectorSize(real(file)); }

static int file_device_characteristics(sqlite3_file *file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file)) & SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int file_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **memory) {
  return real(file)->pMethods->xShmMap(real(file), region, size, extend, memory);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file) { real(file)->pMethods->xShmBarrier(real(file)); }

static int file_shm_unmap(sqlite3_file *file, int delete_file) {
  return real(file)->pMethods->xShmUnmap(real(file), delete_file);
}

const sqlite3_io_methods fault_file_methods = {
    // Version 2 has shared memory; version 3 would add memory-mapped pages.
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_device_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};
