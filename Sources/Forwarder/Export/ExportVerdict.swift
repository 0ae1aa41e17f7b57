/// What an answer of a target means for the spans that were sent.
package enum ExportVerdict: Hashable, Sendable {
  /// They are there, but for some that the target has refused for good.
  case accepted(rejected: Int64, message: String)
  /// The target cannot take anything now.
  case unavailable(ExportFault)
  /// The target takes nothing before somebody changes a configuration, here or there.
  case misconfigured(ExportFault)
  /// The target has failed; it may be down, and it may be that these spans make it fail.
  case failing(ExportFault)
  /// The target will not take these spans, at least not together.
  case refused(ExportFault)

  package var fault: ExportFault? {
    switch self {
    case .accepted: nil
    case .unavailable(let fault), .misconfigured(let fault), .failing(let fault), .refused(let fault): fault
    }
  }
}

/// Why spans were not taken.
package struct ExportFault: Hashable, Sendable, CustomStringConvertible {
  /// For people, without headers of the request.
  package var message: String
  /// How long the target asks to be left alone.
  package var retryAfter: Duration?

  package init(_ message: String, retryAfter: Duration? = nil) {
    self.message = message
    self.retryAfter = retryAfter
  }

  package var description: String { message }
}
