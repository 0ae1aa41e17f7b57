// A function of SQL that notes integers of the rows that a statement comes by, so that one pass deletes them and tells
// what was in them:
//
//   DELETE FROM spans WHERE trace = ?1 AND CASE WHEN attempt = ?2 THEN note_spans(segment, arrival) ELSE 0 END
//
// DELETE ... RETURNING tells it as well, but collects the keys of the rows first and their values afterwards: it costs
// three times as much.

#ifndef ROW_NOTES_H
#define ROW_NOTES_H

#include <sqlite3.h>
#include <stdint.h>

typedef struct row_notes {
  int32_t columns;
  // Rows that were noted, and how many are noted at most: for others the function is false, and `is_full` is set.
  int64_t count, limit;
  int32_t is_full;
  // Row by row.
  int64_t *values;
  // Rows that there is memory for.
  int64_t capacity;
} row_notes;

// Makes the function known to a connection, which owns the result: it is gone when the connection is.
//
// The function takes `columns` values, notes them as integers (0 for NULL), and is true.
//
// Returns NULL when there is no memory.
row_notes *row_notes_create(sqlite3 *connection, const char *name, int32_t columns);

#endif
