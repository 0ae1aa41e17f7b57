// A WAL whose appended frames are collected.
//
// https://www.sqlite.org/fileformat2.html#walformat

#include "wal_file.h"

#include <stdlib.h>
#include <string.h>

enum {
  FRAME_HEADER_SIZE = 24,
  // 31 frames of 4 KiB pages; larger transactions are written in several pieces. SQLite's own VFS takes less than 128 KiB
  // in one call.
  CAPACITY = 31 * (FRAME_HEADER_SIZE + 4096),
};

typedef struct {
  sqlite3_file base;
  sqlite3_file *real;
  // Allocated by the first write; connections that only read have none.
  unsigned char *bytes;
  int count;
  // Where the next byte goes that is appended: behind the file and what is collected.
  sqlite3_int64 end;
  // Whether the last header that was appended is that of a transaction's last frame.
  int is_commit_frame;
} wal_file;

// The parent's file lies behind ours, aligned for any of its members.
enum { REAL_OFFSET = (sizeof(wal_file) + 15) & ~15 };

static wal_file *ours(sqlite3_file *file) { return (wal_file *)file; }

int wal_file_size(const sqlite3_vfs *parent) { return REAL_OFFSET + parent->szOsFile; }

// Hands on what was collected. After an error it is gone: the transaction fails and is rolled back.
static int flush(wal_file *file) {
  int count = file->count;
  if (count == 0) return SQLITE_OK;
  file->count = 0;
  return file->real->pMethods->xWrite(file->real, file->bytes, count, file->end - count);
}

static int file_close(sqlite3_file *base) {
  // What is still collected belongs to a transaction that was never committed. It must not be written: after a failure
  // the writer closes its connection, and the next one may have begun.
  free(ours(base)->bytes);
  return ours(base)->real->pMethods->xClose(ours(base)->real);
}

static int file_read(sqlite3_file *base, void *bytes, int count, sqlite3_int64 offset) {
  int code = flush(ours(base));
  if (code != SQLITE_OK) return code;
  return ours(base)->real->pMethods->xRead(ours(base)->real, bytes, count, offset);
}

// Collects bytes behind all others.
static int append(wal_file *file, const void *bytes, int count) {
  memcpy(file->bytes + file->count, bytes, (size_t)count);
  file->count += count;
  file->end += count;
  if (count == FRAME_HEADER_SIZE) {
    // "For commit records, the size of the database file in pages after the commit. For all other records, zero."
    static const unsigned char none[4] = {0};
    file->is_commit_frame = memcmp((const unsigned char *)bytes + 4, none, sizeof none) != 0;
    return SQLITE_OK;
  }
  // The page of a commit frame completes the transaction, and without a sync nobody would tell us so. A page may come in
  // two parts; the header of the next frame ends it.
  return file->is_commit_frame ? flush(file) : SQLITE_OK;
}

static int file_write(sqlite3_file *base, const void *bytes, int count, sqlite3_int64 offset) {
  wal_file *file = ours(base);
  if (!file->bytes) file->bytes = malloc(CAPACITY);
  if (file->count + count > CAPACITY || offset != file->end) {
    int code = flush(file);
    if (code != SQLITE_OK) return code;
  }
  // A WAL that starts anew, or the first frame after the file was opened: nothing is collected, and collecting begins here.
  if (offset == 0 || offset > file->end) file->end = offset;
  if (file->bytes && count <= CAPACITY && offset == file->end) return append(file, bytes, count);
  // A frame that is written a second time, or one that takes the place of what a rollback has left behind.
  if (offset == file->end) file->end += count;
  return file->real->pMethods->xWrite(file->real, bytes, count, offset);
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size) {
  int code = flush(ours(base));
  if (code != SQLITE_OK) return code;
  if (size < ours(base)->end) ours(base)->end = size;
  return ours(base)->real->pMethods->xTruncate(ours(base)->real, size);
}

static int file_sync(sqlite3_file *base, int flags) {
  int code = flush(ours(base));
  if (code != SQLITE_OK) return code;
  return ours(base)->real->pMethods->xSync(ours(base)->real, flags);
}

static int file_size(sqlite3_file *base, sqlite3_int64 *size) {
  int code = flush(ours(base));
  if (code != SQLITE_OK) return code;
  return ours(base)->real->pMethods->xFileSize(ours(base)->real, size);
}

static int file_lock(sqlite3_file *base, int level) {
  return ours(base)->real->pMethods->xLock(ours(base)->real, level);
}

static int file_unlock(sqlite3_file *base, int level) {
  return ours(base)->real->pMethods->xUnlock(ours(base)->real, level);
}

static int file_check_reserved_lock(sqlite3_file *base, int *result) {
  return ours(base)->real->pMethods->xCheckReservedLock(ours(base)->real, result);
}

static int file_control(sqlite3_file *base, int operation, void *argument) {
  return ours(base)->real->pMethods->xFileControl(ours(base)->real, operation, argument);
}

static int file_sector_size(sqlite3_file *base) { return ours(base)->real->pMethods->xSectorSize(ours(base)->real); }

static int file_device_characteristics(sqlite3_file *base) {
  return ours(base)->real->pMethods->xDeviceCharacteristics(ours(base)->real);
}

// Version 1: shared memory and mapping belong to the database file.
static const sqlite3_io_methods methods = {
    .iVersion = 1,
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
};

int wal_file_open(sqlite3_vfs *parent, const char *path, sqlite3_file *base, int flags, int *out_flags) {
  wal_file *file = ours(base);
  memset(file, 0, (size_t)wal_file_size(parent));
  file->real = (sqlite3_file *)((char *)file + REAL_OFFSET);
  int code = parent->xOpen(parent, path, file->real, flags, out_flags);
  // Without methods, SQLite does not close a file that could not be opened.
  if (code == SQLITE_OK) file->base.pMethods = &methods;
  return code;
}
