// The virtual table: a cursor is a row number, and nothing is written to it or looked up in it.

#include "row_feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  sqlite3_vtab base;
  row_feed *feed;
} feed_table;

typedef struct {
  sqlite3_vtab_cursor base;
  // The feed's, kept here because they are looked at for every value.
  const uint8_t *kinds;
  const int64_t *values;
  const uint8_t *bytes;
  int32_t columns;
  int32_t row;
  int32_t count;
} feed_cursor;

static int feed_connect(sqlite3 *connection, void *context, int count, const char *const *arguments,
                        sqlite3_vtab **result, char **error) {
  (void)count, (void)arguments, (void)error;
  row_feed *feed = context;
  char schema[1024] = "CREATE TABLE feed(";
  size_t length = strlen(schema);
  for (int32_t column = 0; column < feed->columns; column++) {
    length += (size_t)snprintf(schema + length, sizeof schema - length, "%sc%d", column == 0 ? "" : ", ", column);
    if (length + 2 > sizeof schema) return SQLITE_TOOBIG;
  }
  strcpy(schema + length, ")");
  int code = sqlite3_declare_vtab(connection, schema);
  if (code != SQLITE_OK) return code;
  feed_table *table = sqlite3_malloc(sizeof *table);
  if (table == NULL) return SQLITE_NOMEM;
  *table = (feed_table){.feed = feed};
  *result = &table->base;
  return SQLITE_OK;
}

static int feed_disconnect(sqlite3_vtab *table) {
  sqlite3_free(table);
  return SQLITE_OK;
}

static int feed_best_index(sqlite3_vtab *table, sqlite3_index_info *info) {
  (void)table;
  info->estimatedCost = 100;
  info->estimatedRows = 100;
  return SQLITE_OK;
}

static int feed_open(sqlite3_vtab *table, sqlite3_vtab_cursor **result) {
  (void)table;
  feed_cursor *cursor = sqlite3_malloc(sizeof *cursor);
  if (cursor == NULL) return SQLITE_NOMEM;
  *cursor = (feed_cursor){0};
  *result = &cursor->base;
  return SQLITE_OK;
}

static int feed_close(sqlite3_vtab_cursor *cursor) {
  sqlite3_free(cursor);
  return SQLITE_OK;
}

static int feed_filter(sqlite3_vtab_cursor *base, int plan, const char *name, int count, sqlite3_value **values) {
  (void)plan, (void)name, (void)count, (void)values;
  feed_cursor *cursor = (feed_cursor *)base;
  const row_feed *feed = ((feed_table *)base->pVtab)->feed;
  cursor->kinds = feed->kinds;
  cursor->values = feed->values;
  cursor->bytes = feed->bytes;
  cursor->columns = feed->columns;
  cursor->row = 0;
  cursor->count = feed->count;
  return SQLITE_OK;
}

static int feed_next(sqlite3_vtab_cursor *base) {
  feed_cursor *cursor = (feed_cursor *)base;
  cursor->row++;
  cursor->kinds += cursor->columns;
  cursor->values += cursor->columns;
  return SQLITE_OK;
}

static int feed_eof(sqlite3_vtab_cursor *base) {
  const feed_cursor *cursor = (const feed_cursor *)base;
  return cursor->row >= cursor->count;
}

static int feed_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  const feed_cursor *cursor = (const feed_cursor *)base;
  int64_t value = cursor->values[column];
  switch (cursor->kinds[column]) {
    case ROW_FEED_INTEGER:
      sqlite3_result_int64(context, value);
      break;
    case ROW_FEED_TEXT:
      sqlite3_result_text(context, (const char *)cursor->bytes + (value >> 32), (int)(value & INT32_MAX), SQLITE_STATIC);
      break;
    case ROW_FEED_BLOB:
      sqlite3_result_blob(context, cursor->bytes + (value >> 32), (int)(value & INT32_MAX), SQLITE_STATIC);
      break;
    default:
      // A result is NULL until it is given another value.
      break;
  }
  return SQLITE_OK;
}

static int feed_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = ((const feed_cursor *)base)->row;
  return SQLITE_OK;
}

// Without xCreate the table needs no CREATE: it is there under the name of its module.
static const sqlite3_module feed_module = {
    .iVersion = 1,
    .xConnect = feed_connect,
    .xBestIndex = feed_best_index,
    .xDisconnect = feed_disconnect,
    .xOpen = feed_open,
    .xClose = feed_close,
    .xFilter = feed_filter,
    .xNext = feed_next,
    .xEof = feed_eof,
    .xColumn = feed_column,
    .xRowid = feed_rowid,
};

static void feed_destroy(void *context) {
  row_feed *feed = context;
  if (feed == NULL) return;
  free(feed->kinds);
  free(feed->values);
  free(feed);
}

row_feed *row_feed_create(sqlite3 *connection, const char *name, int32_t columns, int32_t capacity) {
  row_feed *feed = calloc(1, sizeof *feed);
  if (feed == NULL) return NULL;
  size_t cells = (size_t)columns * (size_t)capacity;
  feed->columns = columns;
  feed->kinds = calloc(cells, sizeof *feed->kinds);
  feed->values = calloc(cells, sizeof *feed->values);
  if (feed->kinds == NULL || feed->values == NULL) {
    feed_destroy(feed);
    return NULL;
  }
  // Destroys the feed also when it fails.
  if (sqlite3_create_module_v2(connection, name, &feed_module, feed, feed_destroy) != SQLITE_OK) return NULL;
  return feed;
}
