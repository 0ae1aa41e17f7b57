extension Schema {
  /// What forwarding needs, from version 6 on.
  static let forwarding = """

    -- Targets that spans are sent on to, and how far each has got.
    CREATE TABLE forwarders(
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      is_active INTEGER NOT NULL,      -- 1 while it is configured: retention waits for it
      cursor INTEGER NOT NULL          -- all spans up to this arrival number are done: delivered, refused or not wanted
    ) STRICT;
    """
}
