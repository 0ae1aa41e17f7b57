#ifndef CSQLITE_SHIM_H
#define CSQLITE_SHIM_H

#include <sqlite3.h>

// Swift cannot call variadic C functions and does not import cast macros. Each one that we need gets a wrapper of
// fixed arity here, and nothing else goes in this header.

// Memory statistics cost a global mutex in every allocation.
static inline int csqlite_config_memory_status(int enabled) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, enabled);
}

// SQLITE_DBCONFIG_DEFENSIVE: no statement can corrupt the file on purpose (writable_schema, shadow tables).
static inline int csqlite_db_config_defensive(sqlite3 *db, int enabled) {
  return sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, enabled, (int *)0);
}

// Keeps the WAL file when the last connection closes, so that a close after a failed sync deletes nothing.
static inline int csqlite_db_config_no_checkpoint_on_close(sqlite3 *db, int enabled) {
  return sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, enabled, (int *)0);
}

// The casts in SQLITE_TRANSIENT and SQLITE_STATIC are not imported by Swift.
static inline int csqlite_bind_text_transient(sqlite3_stmt *stmt, int index, const char *text, sqlite3_uint64 count) {
  return sqlite3_bind_text64(stmt, index, text, count, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static inline int csqlite_bind_blob_transient(sqlite3_stmt *stmt, int index, const void *bytes, sqlite3_uint64 count) {
  return sqlite3_bind_blob64(stmt, index, bytes, count, SQLITE_TRANSIENT);
}

static inline int csqlite_bind_blob_static(sqlite3_stmt *stmt, int index, const void *bytes, sqlite3_uint64 count) {
  return sqlite3_bind_blob64(stmt, index, bytes, count, SQLITE_STATIC);
}

#endif
