extension Schema {
  /// What forwarding needs, from version 6 on.
  static let forwarding = """

    -- Targets that spans are sent on to, and how far each has got.
    CREATE TABLE forwarders(
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      is_active INTEGER NOT NULL,           -- 1 while it is configured: retention waits for it
      cursor INTEGER NOT NULL,              -- all spans up to this arrival number are done: delivered, refused or not wanted
      floor INTEGER NOT NULL DEFAULT 0,     -- the cursor when it became active: of segments that are in no order, spans up to it are done
      ordered INTEGER NOT NULL DEFAULT 0,   -- the last arrival when it became active: segments behind it are in order
      resends INTEGER NOT NULL DEFAULT 0,   -- 1 when spans that are tagged anew are sent again
      sent INTEGER NOT NULL DEFAULT 0,      -- spans, since the target was first configured; so are the next ones
      refused INTEGER NOT NULL DEFAULT 0,
      filtered INTEGER NOT NULL DEFAULT 0,
      gone INTEGER NOT NULL DEFAULT 0,
      resent INTEGER NOT NULL DEFAULT 0
    ) STRICT;

    -- Stored spans that were tagged anew, for the targets that want them again. A span that changes once more gets a new id.
    CREATE TABLE forward_outbox(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      forwarder INTEGER NOT NULL,
      trace INTEGER NOT NULL,
      span_id INTEGER NOT NULL,
      variant INTEGER NOT NULL,
      arrival INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX outbox_by_span ON forward_outbox(forwarder, trace, span_id, variant);
    CREATE INDEX outbox_by_forwarder ON forward_outbox(forwarder);
    """
}
