#include "row_notes.h"

#include <stdlib.h>

// Rows that there is memory for at first.
enum { FEW_ROWS = 256 };

static int grow(row_notes *notes) {
  int64_t capacity = notes->capacity == 0 ? FEW_ROWS : notes->capacity * 2;
  int64_t *values = realloc(notes->values, (size_t)capacity * (size_t)notes->columns * sizeof *values);
  if (values == NULL) return 0;
  notes->values = values;
  notes->capacity = capacity;
  return 1;
}

static void note(sqlite3_context *context, int count, sqlite3_value **values) {
  row_notes *notes = sqlite3_user_data(context);
  if (notes->count >= notes->limit) {
    notes->is_full = 1;
    sqlite3_result_int(context, 0);
    return;
  }
  if (notes->count == notes->capacity && !grow(notes)) {
    sqlite3_result_error_nomem(context);
    return;
  }
  int64_t *row = notes->values + notes->count * notes->columns;
  for (int index = 0; index < count; index++) row[index] = sqlite3_value_int64(values[index]);
  notes->count++;
  sqlite3_result_int(context, 1);
}

static void destroy(void *context) {
  row_notes *notes = context;
  free(notes->values);
  free(notes);
}

row_notes *row_notes_create(sqlite3 *connection, const char *name, int32_t columns) {
  row_notes *notes = calloc(1, sizeof *notes);
  if (notes == NULL) return NULL;
  notes->columns = columns;
  // Destroys the notes also when it fails.
  int code = sqlite3_create_function_v2(connection, name, columns, SQLITE_UTF8 | SQLITE_DIRECTONLY, notes, note, NULL,
                                        NULL, destroy);
  return code == SQLITE_OK ? notes : NULL;
}
