#ifndef FAULT_VFS_H
#define FAULT_VFS_H

#include <stdint.h>

// A SQLite VFS that can lose power, run out of space and fail on demand, inside one process.
//
// It passes every call to SQLite's default VFS, so the files are real files, and remembers for each of them what
// changed since it was last synced. After a simulated power cut it rewrites the files to a state that a real cut
// could have left: of each unsynced sector of 512 bytes the old contents, the new ones, a mixture, or zeros where they
// changed; of each unsynced size the old one, the new one, or one between.
//
// What it assumes:
// - What was in a file when it was first opened through the VFS is durable.
// - Creating and deleting a file is durable at once; there is no directory that would need a sync.
// - Truncating a file is atomic, though not durable before a sync; growing it is neither.
// - A write changes no byte outside its range, even if power fails (SQLITE_IOCAP_POWERSAFE_OVERWRITE, which SQLite's own
//   VFS claims as well). No other promise of the disk is passed on to SQLite.
// - Shared memory is volatile: it passes through, and the -shm file is deleted when power comes back.
// - Memory-mapped I/O is off, because SQLite would read around the VFS.
// - Temporary files (no name, or deleted on close) can fail like others, but their contents are not tracked.
// - The real files are never synced: the durability under test is the simulated one.
//
// All functions may be called from any thread. Files are known by the path SQLite gives them.

// One VFS with its own files, faults and power switch.
typedef struct fault_vfs fault_vfs;

// A kind of file operation that can be made to fail.
typedef enum {
  FAULT_READ,
  FAULT_WRITE,
  FAULT_SYNC,
  FAULT_TRUNCATE,
  FAULT_OPEN,
  FAULT_DELETE,
} fault_operation;

// How many kinds of operations there are.
#define FAULT_OPERATION_COUNT 6

// What a power cut did.
typedef struct {
  // Files that had unsynced changes.
  int64_t files;
  // Unsynced sectors, and those of them whose new contents are gone at least in part.
  int64_t unsynced_sectors;
  int64_t lost_sectors;
} fault_loss;

// Registers a VFS under `name`, which no other VFS may have. NULL if there is no memory or no default VFS.
fault_vfs *fault_vfs_create(const char *name);

// Takes the VFS off SQLite's list and frees it. Returns SQLITE_BUSY and does nothing while a file is open.
int fault_vfs_destroy(fault_vfs *vfs);

// From now on every operation fails with an I/O error. Closing files works.
void fault_vfs_cut_power(fault_vfs *vfs);

// Cuts the power when the disk has been changed `operations` times more: the next change does not happen.
// Changes are writes, truncations, syncs and deletions.
void fault_vfs_cut_power_after(fault_vfs *vfs, int64_t operations);

// Whether the power is off.
int fault_vfs_is_power_cut(fault_vfs *vfs);

// Turns the power on again: rewrites the files as the cut could have left them, and clears all faults.
//
// The same seed after the same operations gives the same files. Returns SQLITE_BUSY while a file is open, or
// SQLITE_IOERR if a real file cannot be rewritten. Also works if the power was not cut: the cut is then now.
int fault_vfs_restore(fault_vfs *vfs, uint64_t seed, fault_loss *loss);

// The error an operation gives without power: SQLITE_IOERR_WRITE for FAULT_WRITE, and so on.
int fault_usual_error(fault_operation operation);

// Makes `count` operations of one kind fail with the SQLite result `code`, after `skip` of them have passed.
void fault_vfs_fail_next(fault_vfs *vfs, fault_operation operation, int64_t skip, int64_t count, int code);

// Limits the bytes by which files may grow from now on; -1 removes the limit.
//
// A write beyond it is carried out as far as it fits, as a full disk does, and gives SQLITE_FULL. Truncating and
// deleting files gives their bytes back.
void fault_vfs_set_space_left(fault_vfs *vfs, int64_t bytes);

// How often the disk was changed so far, as fault_vfs_cut_power_after counts.
int64_t fault_vfs_operation_count(fault_vfs *vfs);

#endif
