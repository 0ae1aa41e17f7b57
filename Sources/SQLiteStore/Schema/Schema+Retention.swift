extension Schema {
  /// What retention needs, from version 6 on.
  static let retention = """
    -- What retention and forwarding ask of segments, beside the log: a row of the log is as large as its payload.
    CREATE TABLE segment_extents(
      segment INTEGER PRIMARY KEY,
      last_arrival INTEGER NOT NULL,
      first_start INTEGER,             -- of its spans, nanoseconds since 1970, at most 2^63-1; NULL = not known
      last_start INTEGER,
      gone INTEGER NOT NULL            -- spans of it that were deleted, or moved to another segment
    ) STRICT;
    CREATE INDEX segments_by_arrival ON segment_extents(last_arrival);
    INSERT INTO segment_extents SELECT id, last_arrival, NULL, NULL, 0 FROM segments;
    """
}
