extension Schema {
  /// What retention needs, from version 6 on.
  static let retention = """
    -- What retention, forwarding and searches ask of segments, beside the log: a row of the log is as large as its payload.
    CREATE TABLE segment_extents(
      segment INTEGER PRIMARY KEY,
      last_arrival INTEGER NOT NULL,
      received INTEGER NOT NULL,       -- when its spans came, nanoseconds since 1970, our clock, to a minute
      first_start INTEGER,             -- of its spans, nanoseconds since 1970, at most 2^63-1; NULL = not known
      last_start INTEGER,
      spans INTEGER NOT NULL,          -- spans that were stored with it
      gone INTEGER NOT NULL,           -- those of them that were deleted, or moved to another segment
      is_stripped INTEGER NOT NULL     -- 1 when the prompts and completions of its spans were dropped
    ) STRICT;
    CREATE INDEX segments_by_arrival ON segment_extents(last_arrival);
    CREATE INDEX segments_with_gaps ON segment_extents(gone) WHERE gone > 0;
    INSERT INTO segment_extents SELECT id, last_arrival, received, NULL, NULL, spans, 0, 0 FROM segments;

    ALTER TABLE store ADD COLUMN gone_traces INTEGER NOT NULL DEFAULT 0;   -- traces that were deleted
    ALTER TABLE store ADD COLUMN gone_spans INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE store ADD COLUMN stale_lookups INTEGER NOT NULL DEFAULT 0; -- entries of trace_lookup without a trace

    DROP VIEW counters;
    CREATE VIEW counters AS
      SELECT max(last_arrival, coalesce((SELECT max(last_arrival) FROM segment_parts), 0)) AS last_arrival,
        max(last_segment, coalesce((SELECT max(segment) FROM segment_parts), 0)) AS last_segment,
        max(last_trace, coalesce((SELECT max(id) FROM traces), 0)) AS last_trace,
        looked_up_trace, level_1, level_2,
        spans + coalesce(
          (SELECT sum(segment_parts.spans) FROM segment_parts WHERE segment_parts.last_arrival > store.last_arrival), 0
        ) AS spans,
        duplicates, variants, gone_traces, gone_spans, stale_lookups
      FROM store;

    ALTER TABLE rollouts ADD COLUMN pinned INTEGER;  -- when it was pinned, nanoseconds since 1970; NULL = it is not
    ALTER TABLE attempts ADD COLUMN packed INTEGER;  -- its last_arrival when its spans were put together; NULL = they are not

    -- Attempts whose spans are being deleted. Their rows have minus their id for a rollout: no query finds them.
    CREATE TABLE deletions(
      attempt INTEGER PRIMARY KEY,
      rollout INTEGER NOT NULL         -- the row that it had
    ) STRICT;

    CREATE INDEX bindings_by_attempt ON bindings(attempt);
    CREATE INDEX sessions_by_attempt ON sessions(attempt);
    CREATE INDEX key_sessions_by_attempt ON key_sessions(attempt);
    """
}
