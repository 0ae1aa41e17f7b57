// A virtual table that shows rows from memory, so that one statement stores many of them:
//
//   INSERT INTO spans SELECT * FROM span_feed WHERE true ON CONFLICT DO NOTHING
//
// The other way to do so is VALUES with a parameter for each value. There, to bind a parameter and to copy it into a
// register costs twice what it costs here to ask for a value.

#ifndef ROW_FEED_H
#define ROW_FEED_H

#include <sqlite3.h>
#include <stdint.h>

// What a value is.
enum { ROW_FEED_NULL, ROW_FEED_INTEGER, ROW_FEED_TEXT, ROW_FEED_BLOB };

typedef struct row_feed {
  int32_t columns;
  // Rows that the table shows.
  int32_t count;
  // Row by row, with room for as many rows as the feed was made for.
  uint8_t *kinds;
  // Integers, or for texts and blobs the offset in `bytes` in the upper half and the length in the lower one.
  int64_t *values;
  // The texts and blobs; whoever fills the rows owns it.
  const uint8_t *bytes;
} row_feed;

// Makes the table known to a connection, which owns the result: it is gone when the connection is.
//
// capacity: rows that it has room for.
//
// Returns NULL when there is no memory.
row_feed *row_feed_create(sqlite3 *connection, const char *name, int32_t columns, int32_t capacity);

#endif
