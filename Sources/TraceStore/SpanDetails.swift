package import Telemetry

/// What the index knows of a span besides where it is and where it belongs.
package struct SpanDetails: Sendable {
  package var traceID: TraceID
  package var spanID: SpanID
  /// 0, or a higher number for a different span under the same ids.
  package var variant: Int64
  /// `nil` for a root.
  package var parentID: SpanID?
  package var rule: TagRule
  package var name: String
  package var kind: Int32
  package var statusCode: Int32
  /// Nanoseconds since 1970; 0 = unknown.
  package var startTime: UInt64
  /// Nanoseconds since 1970; 0 = unknown.
  package var endTime: UInt64
  /// Ids that are not the hexadecimal forms of those above.
  package var clientIDs: ClientIDs?

  package init(
    traceID: TraceID, spanID: SpanID, variant: Int64, parentID: SpanID?, rule: TagRule, name: String, kind: Int32,
    statusCode: Int32, startTime: UInt64, endTime: UInt64
  ) {
    self.traceID = traceID
    self.spanID = spanID
    self.variant = variant
    self.parentID = parentID
    self.rule = rule
    self.name = name
    self.kind = kind
    self.statusCode = statusCode
    self.startTime = startTime
    self.endTime = endTime
  }
}

/// Ids of a span as its client has chosen them; `nil` where they are the usual ones.
package struct ClientIDs: Hashable, Sendable {
  package var traceID: String?
  package var spanID: String?
  package var parentID: String?

  package init(traceID: String?, spanID: String?, parentID: String?) {
    self.traceID = traceID
    self.spanID = spanID
    self.parentID = parentID
  }
}

// Ids as texts.
extension SpanRow {
  package var traceText: String { details.clientIDs?.traceID ?? traceID.description }
  package var spanText: String { details.clientIDs?.spanID ?? spanID.description }
  package var parentText: String? { details.clientIDs?.parentID ?? parentID?.description }
}
