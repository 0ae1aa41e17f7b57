import SQLite
import TraceStore

/// The tables of the store and how they came to be.
///
/// `docs/storage.md` describes them for people with the `sqlite3` shell.
enum Schema {
  /// "Fulg" in ASCII; `file` and SQLite itself show it.
  static let applicationID: Int64 = 0x4675_6C67

  /// The version that this program writes.
  ///
  /// A file with a higher one is refused.
  static var version: Int64 { Int64(migrations.count) }

  /// What turns version n into version n + 1.
  ///
  /// Never edited once released; changes are appended.
  private static let migrations = [version1, version2, version3, version4, version5, version6]

  /// Brings a database to a version, the current one unless a test wants an older one.
  ///
  /// - Throws: `incompatible` for a file that another program or a newer version has made.
  static func migrate(_ connection: borrowing Connection, path: String, to newVersion: Int64 = version) throws {
    let version = try connection.integer("PRAGMA user_version") ?? 0
    let application = try connection.integer("PRAGMA application_id") ?? 0
    let isEmpty = try connection.integer("SELECT count(*) FROM sqlite_schema") == 0
    guard application == applicationID || (isEmpty && version == 0) else {
      throw StoreError(.incompatible, "\(path) is a database of another program")
    }
    guard version <= Self.version else {
      throw StoreError(
        .incompatible,
        "\(path) has schema version \(version), this program knows \(Self.version): start a newer fulgurite")
    }
    if isEmpty {
      // Both are fixed with the first page that is written. Larger pages were slower or bigger.
      try connection.execute("PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;")
    }
    try connection.execute("PRAGMA journal_mode = WAL")
    guard version < newVersion else { return }
    try connection.execute("BEGIN IMMEDIATE")
    do throws(SQLiteError) {
      for migration in migrations[Int(version)..<Int(newVersion)] { try connection.execute(migration) }
      try connection.execute("PRAGMA application_id = \(applicationID); PRAGMA user_version = \(newVersion);")
      try connection.execute("COMMIT")
    } catch {
      try? connection.execute("ROLLBACK")
      throw error
    }
  }

  private static let version1 = """
    -- One row: counters of the whole store, written by every transaction.
    CREATE TABLE store(
      id INTEGER PRIMARY KEY CHECK (id = 1),
      salt_high INTEGER NOT NULL,      -- secret of the trace keys
      salt_low INTEGER NOT NULL,
      last_arrival INTEGER NOT NULL,   -- the number of the last span that was accepted
      last_segment INTEGER NOT NULL,
      last_trace INTEGER NOT NULL,
      looked_up_trace INTEGER NOT NULL, -- traces up to this id are in trace_lookup
      level_1 INTEGER NOT NULL,         -- entries of trace_lookup, roughly
      level_2 INTEGER NOT NULL,
      spans INTEGER NOT NULL,
      duplicates INTEGER NOT NULL,
      variants INTEGER NOT NULL
    ) STRICT;
    INSERT INTO store VALUES(1, random(), random(), 0, 0, 0, 0, 0, 0, 0, 0, 0);

    -- The log. raw bytes are one ExportTraceServiceRequest (opentelemetry.proto.collector.trace.v1).
    CREATE TABLE segments(
      id INTEGER PRIMARY KEY,
      first_arrival INTEGER NOT NULL,
      last_arrival INTEGER NOT NULL,
      received INTEGER NOT NULL,       -- nanoseconds since 1970, our clock
      spans INTEGER NOT NULL,          -- spans that were stored with it
      live INTEGER NOT NULL,           -- spans that still are
      raw_size INTEGER NOT NULL,
      codec INTEGER NOT NULL,          -- 0 as it is, 1 zstd
      payload BLOB NOT NULL
    ) STRICT;

    CREATE TABLE traces(
      id INTEGER PRIMARY KEY,
      trace_id BLOB NOT NULL,          -- 16 bytes
      binding INTEGER                  -- for attribution by trace
    ) STRICT;

    -- Finds a trace by a 64-bit key of its id. New traces come in sorted runs, level by level.
    CREATE TABLE trace_lookup(
      level INTEGER NOT NULL,
      key INTEGER NOT NULL,
      trace INTEGER NOT NULL,
      PRIMARY KEY(level, key, trace)
    ) STRICT, WITHOUT ROWID;

    -- The index: one narrow row a span. 64-bit values are stored as bit patterns.
    CREATE TABLE spans(
      trace INTEGER NOT NULL,
      span_id INTEGER NOT NULL,
      variant INTEGER NOT NULL,        -- 0, or more for another span under the same ids
      arrival INTEGER NOT NULL,
      parent_id INTEGER,               -- NULL for a root
      attempt INTEGER NOT NULL,        -- its row in attempts, which knows the rollout
      sequence INTEGER,
      rule INTEGER NOT NULL,
      name ANY NOT NULL,               -- a row in names, or the text: at most 256 bytes of it
      service INTEGER NOT NULL,        -- 0 = none
      kind INTEGER NOT NULL,
      status INTEGER NOT NULL,
      start INTEGER NOT NULL,
      duration INTEGER NOT NULL,       -- end - start, wrapping
      input_tokens INTEGER,
      output_tokens INTEGER,
      segment INTEGER NOT NULL,
      offset INTEGER NOT NULL,         -- of the Span message in the raw bytes
      PRIMARY KEY(trace, span_id, variant)
    ) STRICT, WITHOUT ROWID;

    -- The names that the index need not repeat. At most a few thousand; later ones stand in their rows.
    CREATE TABLE names(id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;

    -- Only for ids under which different spans came: a hash of the contents of each.
    CREATE TABLE span_variants(
      trace INTEGER NOT NULL,
      span_id INTEGER NOT NULL,
      hash INTEGER NOT NULL,
      variant INTEGER NOT NULL,
      PRIMARY KEY(trace, span_id, hash, variant)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE rollouts(
      id INTEGER PRIMARY KEY,
      rollout_id TEXT NOT NULL UNIQUE,
      last_sequence INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE attempts(
      id INTEGER PRIMARY KEY,
      rollout INTEGER NOT NULL,        -- 0 for spans whose rollout is not known
      attempt_id TEXT,                 -- NULL for spans that name no attempt
      spans INTEGER NOT NULL,
      first_arrival INTEGER NOT NULL,  -- nanoseconds since 1970, our clock
      last_arrival INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX attempts_by_rollout ON attempts(rollout, coalesce(attempt_id, ''));

    -- rollout 0: spans that belong nowhere yet.
    CREATE TABLE rollout_traces(
      rollout INTEGER NOT NULL,
      attempt INTEGER NOT NULL,
      trace INTEGER NOT NULL,
      spans INTEGER NOT NULL,
      PRIMARY KEY(rollout, attempt, trace)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE services(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

    -- What attribution needs to find spans without a rollout when a later fact arrives.
    CREATE TABLE span_sessions(
      key INTEGER NOT NULL,            -- 1 session.id, 2 gen_ai.conversation.id, 3 openclaw.session_id, 4 openclaw.sessionKey
      value TEXT NOT NULL,
      trace INTEGER NOT NULL,
      span_id INTEGER NOT NULL,
      variant INTEGER NOT NULL,
      PRIMARY KEY(key, value, trace, span_id, variant)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE pending_links(
      linked_trace_id BLOB NOT NULL,
      linked_span_id INTEGER NOT NULL,
      trace INTEGER NOT NULL,
      span_id INTEGER NOT NULL,
      variant INTEGER NOT NULL,
      PRIMARY KEY(linked_trace_id, linked_span_id, trace, span_id, variant)
    ) STRICT, WITHOUT ROWID;

    CREATE VIEW span_view AS
      SELECT spans.arrival, lower(hex(traces.trace_id)) AS trace_id, printf('%016x', spans.span_id) AS span_id,
        CASE WHEN spans.parent_id IS NOT NULL THEN printf('%016x', spans.parent_id) END AS parent_span_id,
        spans.variant,
        rollouts.rollout_id, attempts.attempt_id, spans.sequence AS sequence_id,
        CASE spans.rule WHEN 0 THEN 'none' WHEN 1 THEN 'explicit' WHEN 2 THEN 'request' WHEN 3 THEN 'context'
          WHEN 4 THEN 'subtree' WHEN 5 THEN 'ancestor' WHEN 6 THEN 'binding' WHEN 7 THEN 'link'
          WHEN 8 THEN 'session' WHEN 9 THEN 'auto' END AS rule,
        CASE typeof(spans.name) WHEN 'integer' THEN names.name ELSE spans.name END AS name,
        services.name AS service, spans.kind, spans.status,
        datetime(spans.start / 1000000000, 'unixepoch') AS start_time, spans.start AS start_unix_nano,
        spans.duration / 1e6 AS duration_ms, spans.input_tokens, spans.output_tokens
      FROM spans JOIN traces ON traces.id = spans.trace
        LEFT JOIN attempts ON attempts.id = spans.attempt
        LEFT JOIN rollouts ON rollouts.id = attempts.rollout
        LEFT JOIN names ON typeof(spans.name) = 'integer' AND names.id = spans.name
        LEFT JOIN services ON services.id = spans.service;

    CREATE VIEW rollout_view AS
      SELECT rollouts.rollout_id, attempts.attempt_id, attempts.spans,
        datetime(attempts.first_arrival / 1000000000, 'unixepoch') AS first_arrival,
        datetime(attempts.last_arrival / 1000000000, 'unixepoch') AS last_arrival
      FROM attempts JOIN rollouts ON rollouts.id = attempts.rollout;
    """

  private static let version2 = """
    -- The segment that is still open, as it came: a row for what each transaction has added to it.
    CREATE TABLE segment_parts(
      offset INTEGER PRIMARY KEY,      -- of these bytes in the segment
      segment INTEGER NOT NULL,        -- the same in all rows
      received INTEGER NOT NULL,       -- the same in all rows
      first_arrival INTEGER NOT NULL,
      last_arrival INTEGER NOT NULL,
      spans INTEGER NOT NULL,
      bytes BLOB NOT NULL
    ) STRICT;

    -- The row in store as it would be had every transaction written it: those that write a part leave it out.
    CREATE VIEW counters AS
      SELECT max(last_arrival, coalesce((SELECT max(last_arrival) FROM segment_parts), 0)) AS last_arrival,
        max(last_segment, coalesce((SELECT max(segment) FROM segment_parts), 0)) AS last_segment,
        max(last_trace, coalesce((SELECT max(id) FROM traces), 0)) AS last_trace,
        looked_up_trace, level_1, level_2,
        spans + coalesce(
          (SELECT sum(segment_parts.spans) FROM segment_parts WHERE segment_parts.last_arrival > store.last_arrival), 0
        ) AS spans,
        duplicates, variants
      FROM store;

    -- The counter stands in the row that a new span changes anyway.
    ALTER TABLE attempts ADD COLUMN last_sequence INTEGER NOT NULL DEFAULT 0;
    UPDATE attempts SET last_sequence = coalesce((SELECT last_sequence FROM rollouts WHERE id = rollout), 0);
    ALTER TABLE rollouts DROP COLUMN last_sequence;
    """

  private static let version3 = """
    -- What somebody has enqueued or started; status is NULL for rollouts that only spans name.
    ALTER TABLE rollouts ADD COLUMN status TEXT;
    ALTER TABLE rollouts ADD COLUMN stage INTEGER;   -- 1 waits, 2 somebody is at it, 3 likewise against the clock, or NULL
    ALTER TABLE rollouts ADD COLUMN queued INTEGER;  -- its place in the queue; may stay when the rollout no longer waits
    ALTER TABLE rollouts ADD COLUMN start_time REAL; -- seconds since 1970, here and below
    ALTER TABLE rollouts ADD COLUMN end_time REAL;
    ALTER TABLE rollouts ADD COLUMN mode TEXT;
    ALTER TABLE rollouts ADD COLUMN resources_id TEXT;
    ALTER TABLE rollouts ADD COLUMN timeout_seconds REAL;
    ALTER TABLE rollouts ADD COLUMN unresponsive_seconds REAL;
    ALTER TABLE rollouts ADD COLUMN max_attempts INTEGER;
    ALTER TABLE rollouts ADD COLUMN retry_condition TEXT; -- statuses, separated by commas
    ALTER TABLE rollouts ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE rollouts ADD COLUMN latest_attempt INTEGER;
    CREATE INDEX rollouts_by_stage ON rollouts(stage) WHERE stage IS NOT NULL;
    CREATE UNIQUE INDEX rollout_queue ON rollouts(queued) WHERE queued IS NOT NULL;

    -- JSON of any size, so that a change of status does not write it again.
    CREATE TABLE rollout_documents(rollout INTEGER PRIMARY KEY, input TEXT NOT NULL, metadata TEXT) STRICT;

    -- status is NULL for attempts that only spans name.
    ALTER TABLE attempts ADD COLUMN status TEXT;
    ALTER TABLE attempts ADD COLUMN number INTEGER;  -- in its rollout, from 1
    ALTER TABLE attempts ADD COLUMN start_time REAL;
    ALTER TABLE attempts ADD COLUMN end_time REAL;
    ALTER TABLE attempts ADD COLUMN worker_id TEXT;
    ALTER TABLE attempts ADD COLUMN heartbeat REAL;
    CREATE TABLE attempt_documents(attempt INTEGER PRIMARY KEY, metadata TEXT) STRICT;

    CREATE TABLE workers(
      id INTEGER PRIMARY KEY,
      worker_id TEXT NOT NULL UNIQUE,
      status TEXT NOT NULL,
      heartbeat_stats TEXT,
      last_heartbeat_time REAL,
      last_dequeue_time REAL,
      last_busy_time REAL,
      last_idle_time REAL,
      current_rollout_id TEXT,
      current_attempt_id TEXT
    ) STRICT;

    CREATE TABLE resources(
      id INTEGER PRIMARY KEY,
      resources_id TEXT NOT NULL UNIQUE,
      create_time REAL NOT NULL,
      update_time REAL NOT NULL,
      version INTEGER NOT NULL,
      changed INTEGER NOT NULL,        -- the highest is the latest
      resources TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX resources_by_change ON resources(changed);

    -- Spans that came with ids of their clients' choice: any text, one span for each id in an attempt.
    CREATE TABLE client_spans(
      attempt INTEGER NOT NULL,
      span_id ANY NOT NULL,            -- the integer in spans where the text is its hexadecimal form
      arrival INTEGER NOT NULL,
      trace_id TEXT,                   -- where they are not the hexadecimal forms in spans
      parent_id TEXT,
      PRIMARY KEY(attempt, span_id)
    ) STRICT, WITHOUT ROWID;

    -- Answers to requests that may come again, by the name that the client gave them.
    CREATE TABLE request_keys(
      key TEXT PRIMARY KEY,
      fingerprint INTEGER NOT NULL,
      created REAL NOT NULL,
      result TEXT NOT NULL             -- what the request made
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX request_keys_by_age ON request_keys(created);
    """

  private static let version4 = """
    -- rule: the low four bits are the rule that gave the rollout, the next two the rule that gave an attempt of the span's
    -- own, where it is another; 64 says that the number was issued here. traces.binding: what is known of a trace, a row in attempts, 0 for nothing, -1
    -- for contradictions, NULL when nobody has looked.
    UPDATE spans SET rule = rule * 16
      WHERE attempt IN (SELECT id FROM attempts WHERE rollout = 0);

    -- Of a span that came without a rollout: the span that it may inherit one from, 0 for none. Its rule is no part of the
    -- index, so that a span that is tagged anew stays where it is.
    ALTER TABLE spans ADD COLUMN follows INTEGER;
    UPDATE spans SET follows = coalesce(parent_id, 0) WHERE \(RuleCode.isFollower);
    CREATE INDEX spans_by_followed ON spans(trace, follows) WHERE follows IS NOT NULL;

    ALTER TABLE attempts ADD COLUMN end_arrival INTEGER; -- the last span that had arrived when it ended

    CREATE TABLE bindings(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      trace_id BLOB NOT NULL,
      span_id INTEGER NOT NULL,        -- 0 = the whole trace
      attempt INTEGER NOT NULL,
      created INTEGER NOT NULL         -- nanoseconds since 1970, here and below
    ) STRICT;
    CREATE UNIQUE INDEX bindings_by_trace ON bindings(trace_id, span_id, attempt);

    CREATE TABLE session_names(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE sessions(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      session INTEGER NOT NULL,        -- its row in session_names
      start_time INTEGER NOT NULL,
      end_time INTEGER,                -- the first instant that is too late
      attempt INTEGER NOT NULL,
      created INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX sessions_by_session ON sessions(session, start_time);

    -- The sessions and links of spans without a rollout of their own.
    ALTER TABLE span_sessions RENAME TO old_span_sessions;
    CREATE TABLE span_sessions(
      trace INTEGER NOT NULL,
      span_id INTEGER NOT NULL,
      variant INTEGER NOT NULL,
      key INTEGER NOT NULL,            -- 1 session.id, 2 gen_ai.conversation.id, 3 openclaw.session_id, 4 openclaw.sessionKey
      session INTEGER NOT NULL,        -- its row in session_names
      PRIMARY KEY(trace, span_id, variant, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX span_sessions_by_session ON span_sessions(session, trace, span_id, variant);
    INSERT INTO session_names(name) SELECT DISTINCT value FROM old_span_sessions WHERE length(CAST(value AS BLOB)) <= 1024;
    INSERT OR IGNORE INTO span_sessions
      SELECT trace, span_id, variant, key, session_names.id FROM old_span_sessions JOIN session_names ON name = value;
    DROP TABLE old_span_sessions;

    CREATE TABLE span_links(
      trace INTEGER NOT NULL,
      span_id INTEGER NOT NULL,
      variant INTEGER NOT NULL,
      position INTEGER NOT NULL,       -- in the message
      linked_trace_id BLOB NOT NULL,
      linked_span_id INTEGER NOT NULL,
      PRIMARY KEY(trace, span_id, variant, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX span_links_by_target ON span_links(linked_trace_id, linked_span_id, trace, span_id, variant);
    INSERT INTO span_links
      SELECT trace, span_id, variant, row_number() OVER (PARTITION BY trace, span_id, variant) - 1, linked_trace_id,
        linked_span_id
      FROM pending_links;
    DROP TABLE pending_links;

    -- Spans that are to be tagged anew because of a fact that came, and how far that has got.
    CREATE TABLE retag_work(
      kind INTEGER NOT NULL,           -- 1 those below a span, 2 a trace, 3 those that link to a span, 4 a session
      subject INTEGER NOT NULL,        -- the trace, or the session's row
      span_id INTEGER NOT NULL,
      cursor_trace INTEGER NOT NULL,
      cursor_span_id INTEGER NOT NULL,
      cursor_variant INTEGER NOT NULL,
      due_again INTEGER NOT NULL,      -- 1 when it is to start anew at its end
      PRIMARY KEY(kind, subject, span_id)
    ) STRICT, WITHOUT ROWID;

    INSERT INTO retag_work
      SELECT DISTINCT 2, trace, 0, \(Int64.min), \(Int64.min), -1, 0 FROM rollout_traces WHERE rollout = 0 AND spans > 0;
    INSERT INTO retag_work
      SELECT DISTINCT 1, below.trace, below.follows, \(Int64.min), \(Int64.min), -1, 0
      FROM spans AS below JOIN spans ON spans.trace = below.trace AND spans.span_id = below.follows
      WHERE below.follows IS NOT NULL AND NOT (spans.rule - 1 & 15) > 2;

    DROP VIEW span_view;
    CREATE VIEW span_view AS
      SELECT spans.arrival, lower(hex(traces.trace_id)) AS trace_id, printf('%016x', spans.span_id) AS span_id,
        CASE WHEN spans.parent_id IS NOT NULL THEN printf('%016x', spans.parent_id) END AS parent_span_id,
        spans.variant,
        rollouts.rollout_id, attempts.attempt_id, spans.sequence AS sequence_id,
        CASE CASE spans.rule & 15 WHEN 0 THEN spans.rule >> 4 & 3 ELSE spans.rule & 15 END
          WHEN 0 THEN 'none' WHEN 1 THEN 'explicit' WHEN 2 THEN 'request' WHEN 3 THEN 'context'
          WHEN 4 THEN 'subtree' WHEN 5 THEN 'ancestor' WHEN 6 THEN 'binding' WHEN 7 THEN 'link'
          WHEN 8 THEN 'session' WHEN 9 THEN 'auto' END AS rule,
        CASE typeof(spans.name) WHEN 'integer' THEN names.name ELSE spans.name END AS name,
        services.name AS service, spans.kind, spans.status,
        datetime(spans.start / 1000000000, 'unixepoch') AS start_time, spans.start AS start_unix_nano,
        spans.duration / 1e6 AS duration_ms, spans.input_tokens, spans.output_tokens
      FROM spans JOIN traces ON traces.id = spans.trace
        LEFT JOIN attempts ON attempts.id = spans.attempt
        LEFT JOIN rollouts ON rollouts.id = attempts.rollout
        LEFT JOIN names ON typeof(spans.name) = 'integer' AND names.id = spans.name
        LEFT JOIN services ON services.id = spans.service;

    CREATE VIEW binding_view AS
      SELECT bindings.id, lower(hex(trace_id)) AS trace_id,
        CASE WHEN span_id != 0 THEN printf('%016x', span_id) END AS span_id, rollout_id, attempt_id,
        datetime(created / 1000000000, 'unixepoch') AS created
      FROM bindings JOIN attempts ON attempts.id = attempt JOIN rollouts ON rollouts.id = attempts.rollout;
    """

  private static let version5 = """
    -- Sessions that are bound to keys: episodes of agents that show themselves by their key. Of a key there is the hash alone.
    CREATE TABLE key_sessions(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      session_id TEXT NOT NULL UNIQUE, -- the task and its number
      task_id TEXT NOT NULL,
      group_id TEXT NOT NULL,          -- the same for sessions that were started together
      key_hash BLOB,                   -- SHA-256; NULL when the key has gone on to another session
      attempt INTEGER NOT NULL,        -- its row in attempts
      created INTEGER NOT NULL,        -- nanoseconds since 1970, here and below
      lifetime INTEGER,                -- nanoseconds, here and below; NULL = without limit, here and below
      idle_timeout INTEGER,
      models TEXT,                     -- one a line
      max_requests INTEGER,
      last_used INTEGER NOT NULL,      -- written now and then, like the next
      requests INTEGER NOT NULL,
      ending INTEGER,                  -- NULL while it is open, 1 finished, 2 expired, 3 idle, 4 attempt ended, 5 refreshed
      ended INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX key_sessions_by_key ON key_sessions(key_hash) WHERE key_hash IS NOT NULL;
    CREATE INDEX key_sessions_by_end ON key_sessions(ended) WHERE ended IS NOT NULL;

    -- How many sessions a task has had, so that no id is given twice.
    CREATE TABLE session_tasks(task_id TEXT PRIMARY KEY, sessions INTEGER NOT NULL) STRICT, WITHOUT ROWID;

    CREATE VIEW key_session_view AS
      SELECT key_sessions.session_id, rollout_id, attempt_id, group_id,
        CASE ending WHEN 1 THEN 'finished' WHEN 2 THEN 'expired' WHEN 3 THEN 'idle' WHEN 4 THEN 'attempt ended'
          WHEN 5 THEN 'refreshed' ELSE 'open' END AS state,
        requests, datetime(created / 1000000000, 'unixepoch') AS created,
        datetime(last_used / 1000000000, 'unixepoch') AS last_used, datetime(ended / 1000000000, 'unixepoch') AS ended
      FROM key_sessions JOIN attempts ON attempts.id = key_sessions.attempt
        JOIN rollouts ON rollouts.id = attempts.rollout;
    """

  private static let version6 = retention + forwarding + search
}
