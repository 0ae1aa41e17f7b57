package import JSON

/// Why a body is not an OTLP/JSON trace request.
package struct OTLPJSONError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of fault.
  package enum Code: Hashable, Sendable {
    /// Not JSON.
    case malformed
    /// JSON, but a field holds what its type does not allow.
    case invalidField
    /// Values or containers inside each other beyond the limit.
    case tooDeep
  }

  /// The kind of fault, which decides nothing but the answer's text: all are the sender's.
  package let code: Code
  /// What was found, and where.
  package let cause: JSONError

  init(_ cause: JSONError) {
    self.cause = cause
    code =
      switch cause.reason {
      case .tooDeep: .tooDeep
      case .wrongType, .invalidValue: .invalidField
      default: .malformed
      }
  }

  /// The byte of the body at which the error was noticed.
  package var offset: Int { cause.offset }

  /// The fault and its place in words, without any of the body.
  package var description: String { "invalid OTLP/JSON: \(cause)" }
}
