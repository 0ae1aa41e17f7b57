#ifndef WAL_FILE_H
#define WAL_FILE_H

#include <sqlite3.h>

// Bytes that SQLite has to allocate for a file of ours over one of the parent.
int wal_file_size(const sqlite3_vfs *parent);

int wal_file_open(sqlite3_vfs *parent, const char *path, sqlite3_file *file, int flags, int *out_flags);

#endif
