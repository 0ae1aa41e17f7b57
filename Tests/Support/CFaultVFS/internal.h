#ifndef FAULT_VFS_INTERNAL_H
#define FAULT_VFS_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>
#include <stddef.h>

#include "fault_vfs.h"

// The unit that a disk writes whole or not at all, if it is lucky.
enum { SECTOR_SIZE = 512 };

// What a sector held when its file was last synced.
typedef struct {
  int64_t sector;
  unsigned char bytes[SECTOR_SIZE];
} sector_image;

// A file on the disk: how it differs from what is durable. It outlives its handles.
typedef struct fault_node {
  struct fault_node *next;
  char *path;
  int handles;
  // Whether the path is gone, or leads to another file. Freed with the last handle.
  int deleted;
  // The size at the last sync. Bytes beyond it have no durable contents.
  int64_t durable_size;
  // The smallest size since the last sync: less than durable_size after a truncation.
  int64_t smallest_size;
  // The durable contents of every sector below durable_size that was changed since the last sync.
  sector_image *images;
  size_t image_count, image_capacity;
  // One bit for each sector below durable_size: whether it has an image.
  unsigned char *has_image;
  size_t has_image_size;
} fault_node;

// A fault that waits for its operations.
typedef struct {
  int64_t skip, count;
  int code;
} planned_fault;

struct fault_vfs {
  sqlite3_vfs base;
  sqlite3_vfs *real;
  char *name;
  // Guards everything below, and the nodes. Not held during locking and shared-memory calls, which may wait.
  pthread_mutex_t mutex;
  fault_node *nodes;
  int open_files;
  int power_cut;
  int64_t changes;
  // The number of changes at which the power goes; -1 for never.
  int64_t cut_at;
  int64_t space_left;
  planned_fault faults[FAULT_OPERATION_COUNT];
};

// An open file: SQLite's part, ours, and behind it (in the same allocation) the real VFS's.
typedef struct {
  sqlite3_file base;
  fault_vfs *vfs;
  // NULL for a temporary file.
  fault_node *node;
  sqlite3_file *real;
} fault_file;

// Where the real VFS's part begins: its structures need the strictest alignment.
#define REAL_FILE_OFFSET ((sizeof(fault_file) + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t))

extern const sqlite3_io_methods fault_file_methods;

// The error that `operation` shall give now, or SQLITE_OK. Counts the operation. The mutex is held.
int fault_check(fault_vfs *vfs, fault_operation operation);

// The node of a path, made if there is none. NULL without memory. The mutex is held for all functions of nodes.
fault_node *fault_node_open(fault_vfs *vfs, const char *path, int64_t size);
void fault_node_close(fault_vfs *vfs, fault_node *node);
fault_node *fault_node_find(fault_vfs *vfs, const char *path);
// The file is unlinked: what it held does not matter any more.
void fault_node_delete(fault_vfs *vfs, fault_node *node);
// Keeps the durable contents of the bytes from `start` to `end`, which are about to change.
int fault_node_preserve(fault_node *node, sqlite3_file *real, int64_t start, int64_t end);
// The file was truncated.
void fault_node_truncate(fault_node *node, int64_t size);
// What the file holds now is durable.
int fault_node_sync(fault_node *node, sqlite3_file *real);
// Frees all nodes. No file is open.
void fault_node_free_all(fault_vfs *vfs);

// Rewrites one file as a power cut could have left it, and forgets what was unsynced.
int fault_node_lose(fault_node *node, uint64_t *random, fault_loss *loss);

#endif
