import SQLite

/// A stored span that is to be sent again.
struct ForwardOutboxEntry {
  /// Where its bytes lie.
  struct Place {
    var segment: Int64
    var offset: Int
  }

  let id: Int64
  let span: SpanKey
  /// `nil` when the span is gone.
  let place: Place?

  /// The oldest entries of a target whose spans it has had.
  static func first(_ limit: Int, of forwarder: Int64, upTo cursor: Int64, _ connection: borrowing Connection)
    throws(SQLiteError) -> [ForwardOutboxEntry]
  {
    var select = try connection.prepare(
      """
      SELECT forward_outbox.id, forward_outbox.trace, forward_outbox.span_id, forward_outbox.variant, segment, offset
      FROM forward_outbox LEFT JOIN spans ON spans.trace = forward_outbox.trace
        AND spans.span_id = forward_outbox.span_id AND spans.variant = forward_outbox.variant
      WHERE forwarder = ?1 AND forward_outbox.arrival <= ?2 ORDER BY forward_outbox.id LIMIT ?3
      """)
    try select.bind(forwarder, at: 1)
    try select.bind(cursor, at: 2)
    try select.bind(Int64(limit), at: 3)
    var entries: [ForwardOutboxEntry] = []
    try select.forEach { (row: borrowing Row) in
      let place = row.optionalInt(at: 4).map { Place(segment: $0, offset: Int(row.int(at: 5))) }
      entries.append(
        ForwardOutboxEntry(
          id: row.int(at: 0), span: SpanKey(trace: row.int(at: 1), spanID: row.int(at: 2), variant: row.int(at: 3)),
          place: place))
    }
    return entries
  }
}
