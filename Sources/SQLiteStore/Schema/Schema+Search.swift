extension Schema {
  /// What searches by service and operation need, from version 6 on.
  static let search = """

    -- What the spans of each service are called. Rows stay when the spans are gone.
    CREATE TABLE operations(
      service INTEGER NOT NULL,        -- a row in services, 0 = none
      name INTEGER NOT NULL,           -- a row in names; 0 = empty, -1 = names that have no number
      kind INTEGER NOT NULL,           -- SpanKind; 0 for numbers that are none
      PRIMARY KEY(service, name, kind)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO operations
      SELECT DISTINCT service, CASE WHEN typeof(name) = 'integer' THEN name WHEN name = '' THEN 0 ELSE -1 END,
        CASE WHEN kind BETWEEN 0 AND 5 THEN kind ELSE 0 END
      FROM spans;
    """
}
