import Telemetry
import Transport

/// A request that Jaeger's interface does not answer as it stands.
struct JaegerFault: Error {
  var status: Int
  var message: String
  /// What the fault is about, as it was asked for.
  var traceID: String?

  init(_ status: Int, _ message: String, traceID: String? = nil) {
    self.status = status
    self.message = message
    self.traceID = traceID
  }

  static func unreadable(_ name: String, _ reason: String) -> JaegerFault {
    JaegerFault(400, "unable to parse param '\(name)': \(reason)")
  }
}

/// The parameters of a request to Jaeger's interface.
///
/// As in Jaeger, an empty value is none, the first of several counts, and names that nobody knows are let pass: its page
/// sends some that only the page itself reads.
struct JaegerParameters {
  private let all: [(name: String, value: String)]
  /// What the answers of the connection may hold.
  let answers: AnswerAllowance

  init(_ request: HTTPRequest) {
    all = PercentEncoding.parameters(request.query)
    answers = request.answers
  }

  /// All values of a name, empty ones too.
  func values(_ name: String) -> [String] { all.filter { $0.name == name }.map(\.value) }

  /// The value of a parameter, or of the older name that it also has.
  func text(_ names: String...) -> String? { named(names)?.value }

  private func named(_ names: [String]) -> (name: String, value: String)? {
    for name in names {
      if let value = all.first(where: { $0.name == name })?.value, !value.isEmpty { return (name, value) }
    }
    return nil
  }

  func bool(_ names: String...) throws(JaegerFault) -> Bool {
    guard let (name, value) = named(names) else { return false }
    // What Go's `strconv.ParseBool` accepts.
    switch value {
    case "1", "t", "T", "TRUE", "true", "True": return true
    case "0", "f", "F", "FALSE", "false", "False": return false
    default: throw .unreadable(name, "not true or false")
    }
  }

  func integer(_ names: String...) throws(JaegerFault) -> Int64? {
    guard let (name, value) = named(names) else { return nil }
    guard let number = Int64(value) else { throw .unreadable(name, "not a whole number") }
    return number
  }

  /// A moment in whole units since 1970, as nanoseconds; what lies outside of what can be stored is as near as possible.
  func time(_ name: String, unit: Int64) throws(JaegerFault) -> UInt64? {
    try integer(name).map { number in
      let (product, overflow) = max(0, number).multipliedReportingOverflow(by: unit)
      return overflow ? UInt64(Int64.max) : UInt64(product)
    }
  }

  /// A moment as RFC 3339 writes it.
  func moment(_ names: String...) throws(JaegerFault) -> UInt64? {
    guard let (name, value) = named(names) else { return nil }
    guard value.contains("-"), let time = Moment.nanoseconds(value) else {
      throw JaegerFault(400, "malformed parameter \(name): not a time like 2026-11-21T14:03:11Z")
    }
    return time
  }

  /// A duration in nanoseconds.
  func duration(_ names: String...) throws(JaegerFault) -> Int64? {
    guard let (name, value) = named(names) else { return nil }
    guard let duration = GoDuration.nanoseconds(value) else {
      throw .unreadable(name, "not a duration like 1.2s, 100ms or 500us")
    }
    return duration
  }
}

extension TraceID {
  /// Reads an id of up to 32 hexadecimal digits; a short one is of a system with 64 bits, or lost its zeros.
  init(asked text: String) throws(JaegerFault) {
    guard !text.isEmpty, text.utf8.count <= 32, text.utf8.allSatisfy({ $0 < 0x80 }) else { throw Self.fault(text) }
    let padded = String(repeating: "0", count: 32 - text.utf8.count) + text
    guard let high = UInt64(hexDigits: padded.utf8.prefix(16)), let low = UInt64(hexDigits: padded.utf8.suffix(16))
    else { throw Self.fault(text) }
    self.init(high: high, low: low)
  }

  private static func fault(_ text: String) -> JaegerFault {
    JaegerFault(400, "a trace id is 1 to 32 hexadecimal digits", traceID: String(text.prefix(64)))
  }

  /// As Jaeger writes it: ids of 64 bits have 16 digits.
  var jaegerText: String { high == 0 ? low.hexDigits : description }
}
