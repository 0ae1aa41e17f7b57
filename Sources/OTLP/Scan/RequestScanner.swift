package import Protobuf
package import Telemetry

/// Reads an `ExportTraceServiceRequest` in one pass: checks every byte of it, and takes out what is indexed.
///
/// Nothing is allocated for a field; a span costs one `SpanFacts` value in an array. The bytes are given to each step
/// anew, so that a large request can be read in pieces while other connections get their turn in between.
///
/// A request that is well-formed but not clean (a string that is not UTF-8, an id that is none) is not read to a
/// result: `isClean` turns false, and the caller rewrites the request and reads it again.
package struct RequestScanner: Sendable {
  /// What was found so far, without segments.
  ///
  /// Offsets are those of the request.
  package private(set) var batch = SpanBatch()
  /// Whether all that was read so far can be stored as it is.
  package var isClean: Bool { scan.isClean }

  var scan: ValueScan
  private let requestTag: RolloutTag
  private var position = 0
  private var resource: OpenResource?
  private var scope: OpenScope?
  private var spanScan = SpanScan()

  /// A `ResourceSpans` message whose scopes are being read.
  private struct OpenResource: Sendable {
    var range: Range<Int>
    var position: Int
    var facts: ResourceFacts
  }

  /// A `ScopeSpans` message whose spans are being read.
  private struct OpenScope: Sendable {
    var range: Range<Int>
    var position: Int
    /// Whether it stands in the batch's contexts.
    ///
    /// Only one with spans does: a request of empty ones is small on the wire, and its contexts would be a multiple
    /// of it.
    var isContext = false
  }

  /// Prepares for a request.
  ///
  /// - Parameters:
  ///   - requestTag: The rollout and attempt that the path or the headers of the request name.
  ///   - maximumDepth: How deep attribute values may be nested.
  ///   - allowsAnswers: Whether spans may have an ``AnswerField``: not in what others send.
  package init(requestTag: RolloutTag = .unassigned, maximumDepth: Int = 100, allowsAnswers: Bool = true) {
    self.requestTag = requestTag
    self.scan = ValueScan(maximumDepth: maximumDepth)
    scan.allowsAnswers = allowsAnswers
  }

  /// Reads on.
  ///
  /// - Parameters:
  ///   - bytes: The request; the same bytes in every step.
  ///   - budget: How many bytes may be read before the step ends early. A span is always read as a whole.
  /// - Returns: Whether the request was read to its end.
  package mutating func step(_ bytes: Span<UInt8>, budget: Int = .max) throws(ProtobufError) -> Bool {
    let limit = budget < bytes.count - progress ? progress + budget : bytes.count
    while true {
      if progress > limit { return false }
      if scope != nil {
        try readSpans(bytes, until: limit)
      } else if resource != nil {
        try openScope(bytes)
      } else if try !openResource(bytes) {
        return true
      }
    }
  }

  private var progress: Int { scope?.position ?? resource?.position ?? position }

  /// Reads `ExportTraceServiceRequest`.
  ///
  /// `repeated ResourceSpans resource_spans = 1`.
  private mutating func openResource(_ bytes: Span<UInt8>) throws(ProtobufError) -> Bool {
    var reader = ProtobufReader(bytes, at: position..<bytes.count)
    while let tag = try reader.nextTag() {
      if tag == .lengthDelimited(1) {
        let range = try reader.lengthDelimited()
        position = reader.position
        resource = OpenResource(
          range: range, position: range.lowerBound,
          facts: try ResourceFacts(bytes, resourceSpans: range, &scan, &batch, requestTag))
        return true
      }
      try scan.skip(tag, knownFields: 1, &reader)
    }
    position = reader.position
    return false
  }

  /// Reads `ResourceSpans`.
  ///
  /// `repeated ScopeSpans scope_spans = 2`.
  private mutating func openScope(_ bytes: Span<UInt8>) throws(ProtobufError) {
    guard var open = resource else { return }
    var reader = ProtobufReader(bytes, at: open.position..<open.range.upperBound)
    while let tag = try reader.nextTag() {
      guard tag == .lengthDelimited(2) else {
        try reader.skip(tag)
        continue
      }
      let range = try reader.lengthDelimited()
      open.position = reader.position
      resource = open
      try checkScope(bytes, range)
      scope = OpenScope(range: range, position: range.lowerBound)
      return
    }
    resource = nil
  }

  /// `ScopeSpans`: `InstrumentationScope scope = 1`, `string schema_url = 3`; spans are only stepped over here.
  private mutating func checkScope(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes, at: range)
    while let tag = try reader.nextTag() {
      switch tag {
      case .lengthDelimited(1): try scan.instrumentationScope(bytes, try reader.lengthDelimited())
      case .lengthDelimited(2): _ = try reader.lengthDelimited()
      case .lengthDelimited(3): scan.string(bytes, try reader.lengthDelimited())
      default: try scan.skip(tag, knownFields: 3, &reader)
      }
    }
  }

  /// Reads `ScopeSpans`.
  ///
  /// `repeated Span spans = 2`.
  private mutating func readSpans(_ bytes: Span<UInt8>, until limit: Int) throws(ProtobufError) {
    guard var open = scope, let resource else { return }
    var reader = ProtobufReader(bytes, at: open.position..<open.range.upperBound)
    while reader.position <= limit {
      guard let tag = try reader.nextTag() else {
        scope = nil
        return
      }
      if tag == .lengthDelimited(2) {
        if !open.isContext {
          open.isContext = true
          batch.contexts.append(
            SpanContext(resourceSpans: resource.range, scopeSpans: open.range, service: resource.facts.service))
        }
        try spanScan.span(bytes, try reader.lengthDelimited(), resource.facts, &scan, &batch)
      } else {
        try reader.skip(tag)
      }
    }
    open.position = reader.position
    scope = open
  }
}
