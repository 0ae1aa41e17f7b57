import OTLP
import Protobuf
import Telemetry
import TraceStore

/// Finds traces with a span that meets a search, by the bytes of the log.
///
/// All conditions hold for one span. A tag is found, as in Jaeger, among those of the span, of its process and of its
/// logs, and among what the page shows as tags: scope, kind, status. Where a span belongs is known to the index alone.
struct SpanSearch: SpanFilter {
  /// The traces that were found, the newest first.
  private(set) var found: [TraceID] = []

  private let service: [UInt8]?
  private let operation: [UInt8]?
  private let starts: ClosedRange<UInt64>
  private let durations: ClosedRange<UInt64>
  private let conditions: TagConditions
  private let rollout: RolloutConditions
  private let limit: Int
  private var known: Set<TraceID> = []
  /// The conditions that the resource and the scope around a span meet, one bit for each.
  private var resourceMatches: UInt64 = 0
  private var scopeMatches: UInt64 = 0

  init(_ search: JaegerSearch) {
    service = search.service.map { Array($0.utf8) }
    operation = search.operation.map { Array($0.utf8) }
    starts = search.starts
    durations = search.durations
    rollout = RolloutConditions(search.tags)
    conditions = TagConditions(search.tags.filter { !RolloutConditions.isKey($0.key) })
    limit = search.limit
  }

  func canMatch(in bytes: Span<UInt8>) -> Bool {
    for name in [service, operation] {
      // What is shown in place of a name stands nowhere.
      if let name, !Self.placeholders.contains(name), !ByteSearch.contains(bytes, name.span) { return false }
    }
    return conditions.canBeMet(in: bytes)
  }

  private static let placeholders = [
    ShownService.missingText, ShownService.emptyText, ShownService.wrongTypeText, SpanName.emptyText,
  ].map { Array($0.description.utf8) }

  mutating func enterResource(_ bytes: Span<UInt8>, at range: Range<Int>) -> Bool {
    resourceMatches = 0
    do throws(ProtobufError) {
      var shown = ShownService.missing
      if let resource = try EnvelopeFields(bytes, at: range).subject {
        for part in 0..<resource.count {
          var reader = ProtobufReader(bytes, at: resource[part])
          while let attribute = try reader.nextOccurrence(of: 1) {
            try conditions.note(bytes, at: attribute, in: &resourceMatches)
            guard service != nil else { continue }
            let fields = try KeyValueFields(bytes, at: attribute)
            if ShownService.isKey(bytes, fields.key) { shown = try ShownService(bytes, fields.value) }
          }
        }
      }
      return service.map { shown.isShown(as: $0, in: bytes) } ?? true
    } catch {
      return false
    }
  }

  mutating func enterScope(_ bytes: Span<UInt8>, at range: Range<Int>) -> Bool {
    scopeMatches = 0
    guard !conditions.all.isEmpty else { return true }
    guard let scope = try? ScopeFields(bytes, at: range) else { return false }
    conditions.note(in: &scopeMatches) { condition in
      condition.holds(for: "otel.scope.name", bytes, scope.name)
        || condition.holds(for: "otel.scope.version", bytes, scope.version)
    }
    return true
  }

  mutating func match(_ bytes: Span<UInt8>, at range: Range<Int>) -> SpanIdentity? {
    guard let span = try? SpanFields(bytes, at: range), let identity = SpanIdentity(bytes, span),
      !known.contains(identity.traceID), hasName(bytes, span), starts.contains(span.startTime),
      durations.contains(span.endTime < span.startTime ? 1 : span.endTime - span.startTime)
    else { return nil }
    var matches = resourceMatches | scopeMatches
    let all = conditions.everyBit
    if matches != all, (try? noteTags(bytes, span, in: &matches)) == nil { return nil }
    return matches == all ? identity : nil
  }

  mutating func take(_ hit: SpanHit) -> Bool {
    if rollout.hold(for: hit.attempt, hit.sequence), known.insert(hit.traceID).inserted { found.append(hit.traceID) }
    return found.count < limit
  }

  private func hasName(_ bytes: Span<UInt8>, _ span: SpanFields) -> Bool {
    guard let operation else { return true }
    return bytes.equals(operation, at: span.name)
      || span.name.isEmpty && operation.span.equals(SpanName.emptyText, at: 0..<operation.count)
  }

  private func note(
    _ bytes: Span<UInt8>, _ attributes: RepeatedField, field: UInt32, in matches: inout UInt64
  ) throws(ProtobufError) {
    guard attributes.count > 0 else { return }
    var reader = ProtobufReader(bytes, at: attributes.extent)
    while let attribute = try reader.nextOccurrence(of: field) {
      try conditions.note(bytes, at: attribute, in: &matches)
    }
  }

  private func noteTags(_ bytes: Span<UInt8>, _ span: SpanFields, in matches: inout UInt64) throws(ProtobufError) {
    try note(bytes, span.attributes, field: 9, in: &matches)
    conditions.note(in: &matches) { isMade($0, bytes, span) }
    guard matches != conditions.everyBit, span.events.count > 0 else { return }
    var reader = ProtobufReader(bytes, at: span.events.extent)
    while let range = try reader.nextOccurrence(of: 11) {
      let event = try EventFields(bytes, at: range)
      conditions.note(in: &matches) { $0.holds(for: "event", bytes, event.name) }
      try note(bytes, event.attributes, field: 3, in: &matches)
    }
  }

  /// Whether a condition is met by a tag that is made of something else.
  private func isMade(_ condition: TagCondition, _ bytes: Span<UInt8>, _ span: SpanFields) -> Bool {
    if let kind = SpanKindName.text(span.kind), condition.holds(for: "span.kind", kind) { return true }
    switch span.statusCode {
    case 1: if condition.holds(for: "otel.status_code", "OK") { return true }
    case 2:
      if condition.holds(for: "otel.status_code", "ERROR") || condition.holds(for: "error", "true") { return true }
    default: break
    }
    return condition.holds(for: "otel.status_description", bytes, span.statusMessage)
      || condition.holds(for: "w3c.tracestate", bytes, span.traceState)
  }
}

extension SpanIdentity {
  /// The ids of a `Span` message; `nil` when they are none.
  init?(_ bytes: Span<UInt8>, _ span: SpanFields) {
    guard span.traceID.count == 16, span.spanID.count == 8 else { return nil }
    func number(_ start: Int) -> UInt64 { (0..<8).reduce(0) { $0 << 8 | UInt64(bytes[start + $1]) } }
    self.init(
      traceID: TraceID(high: number(span.traceID.lowerBound), low: number(span.traceID.lowerBound + 8)),
      spanID: SpanID(value: number(span.spanID.lowerBound)))
  }
}
