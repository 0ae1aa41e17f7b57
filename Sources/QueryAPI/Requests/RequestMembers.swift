import APISupport
import JSON
import Telemetry
import Transport

/// The members of the object that a request has as its body, checked: unknown names and bad values are refused by name.
///
/// Names are `snake_case`, as Agent Lightning has them; the `camelCase` of the answers will do as well, so that what was
/// answered can be sent back. A member that is null is absent.
struct RequestMembers {
  /// The longest id or session, in bytes.
  static let longestText = 1024

  private let document: JSONDocument
  private var places: [String: Int] = [:]

  /// Reads a body.
  init(_ body: [UInt8], allowed: [String]) throws(QueryFault) {
    guard let document = Self.document(body), document.kind(JSONDocument.root) == .object else {
      throw QueryFault(status: 400, message: "the body of the request must be a JSON object")
    }
    self.document = document
    for key in document.keys(JSONDocument.root) {
      let sent = document.string(key)
      guard let name = allowed.first(where: { $0 == sent || Self.camelCase($0) == sent }) else {
        throw QueryFault(
          status: 400, message: "unknown member \(Self.shown(sent)), allowed are: \(allowed.joined(separator: ", "))")
      }
      guard places.updateValue(key + 1, forKey: name) == nil else {
        throw QueryFault(status: 400, message: "\(name) is given twice")
      }
    }
    places = places.filter { document.kind($0.value) != .null }
  }

  private static func document(_ body: [UInt8]) -> JSONDocument? {
    // Two texts that are not UTF-8 must not become one id.
    guard UTF8Text.isWellFormed(body.span, at: 0..<body.count) else { return nil }
    return try? JSONDocument(parsing: body, maximumDepth: 8)
  }

  private static func camelCase(_ name: String) -> String {
    let words = name.split(separator: "_")
    return words.dropFirst().reduce(String(words[0])) { $0 + $1.prefix(1).uppercased() + $1.dropFirst() }
  }

  /// A name that was sent may be of any length.
  private static func shown(_ name: String) -> String { name.count <= 64 ? name : name.prefix(64) + "..." }

  /// Whether a member is there.
  func has(_ name: String) -> Bool { places[name] != nil }

  /// Bytes that the list of values takes, beside those of the text.
  var byteCount: Int { document.byteCount }

  /// An id or a session that must be there.
  func text(_ name: String) throws(QueryFault) -> String { try required(name, try optionalText(name)) }

  /// An id or a session that may be absent.
  func optionalText(_ name: String) throws(QueryFault) -> String? {
    guard let place = places[name] else { return nil }
    let text = document.isString(place) ? document.string(place) : ""
    guard !text.isEmpty, text.utf8.count <= Self.longestText else {
      throw QueryFault(status: 400, message: "\(name) must be a text of 1 to \(Self.longestText) bytes")
    }
    return text
  }

  /// A trace that must be there.
  func traceID(_ name: String) throws(QueryFault) -> TraceID {
    try required(name, try places[name].map { place throws(QueryFault) in try traceID(at: place, name) })
  }

  private func traceID(at place: Int, _ name: String) throws(QueryFault) -> TraceID {
    guard document.isString(place) else { throw .traceID(name) }
    return try TraceID(queried: document.string(place), name)
  }

  /// A list of traces that must be there, without repeats.
  func traceIDs(_ name: String, atMost limit: Int) throws(QueryFault) -> [TraceID] {
    guard let list = places[name], document.kind(list) == .array else {
      throw QueryFault(status: 400, message: "\(name) must be a list of trace ids")
    }
    var ids: [TraceID] = []
    var known: Set<TraceID> = []
    for place in document.elements(list) {
      let id = try traceID(at: place, name)
      if known.insert(id).inserted { ids.append(id) }
      guard ids.count <= limit else { throw QueryFault(status: 400, message: "\(name) has more than \(limit) traces") }
    }
    guard !ids.isEmpty else { throw QueryFault(status: 400, message: "\(name) is empty") }
    return ids
  }

  /// A span that may be absent.
  func optionalSpanID(_ name: String) throws(QueryFault) -> SpanID? {
    guard let place = places[name] else { return nil }
    guard document.isString(place) else { throw .spanID(name) }
    return try SpanID(queried: document.string(place), name)
  }

  /// A moment that must be there, in nanoseconds since 1970.
  func time(_ name: String) throws(QueryFault) -> UInt64 { try required(name, try optionalTime(name)) }

  /// A moment that may be absent.
  func optionalTime(_ name: String) throws(QueryFault) -> UInt64? {
    guard let place = places[name] else { return nil }
    let value: UInt64? =
      switch document.kind(place) {
      case .integer: document.int64(place).flatMap { UInt64(exactly: $0) }
      case .string, .plainString: Moment.nanoseconds(document.string(place))
      default: nil
      }
    guard let value else { throw .time(name) }
    return value
  }

  private func required<Value>(_ name: String, _ value: Value?) throws(QueryFault) -> Value {
    guard let value else { throw QueryFault(status: 400, message: "\(name) is missing") }
    return value
  }
}

extension TraceID {
  /// Reads a trace id of a request, or says what is wrong with it.
  init(queried text: String, _ name: String) throws(QueryFault) {
    guard let id = TraceID(hexOrTraceParent: text) else { throw .traceID(name) }
    self = id
  }
}

extension SpanID {
  /// Reads a span id of a request, or says what is wrong with it.
  init(queried text: String, _ name: String) throws(QueryFault) {
    guard let id = SpanID(hex: text) else { throw .spanID(name) }
    self = id
  }
}

extension QueryFault {
  static func traceID(_ name: String) -> QueryFault {
    QueryFault(
      status: 400, message: "\(name): a trace id is 32 hexadecimal digits, not all zero, or a traceparent")
  }

  static func spanID(_ name: String) -> QueryFault {
    QueryFault(status: 400, message: "\(name): a span id is 16 hexadecimal digits, not all zero")
  }

  static func time(_ name: String) -> QueryFault {
    QueryFault(
      status: 400,
      message: "\(name) must be nanoseconds since 1970, or a time like 2026-11-21T14:03:11Z, before the year 2262")
  }
}
