// Which statuses are tried again, which are the target's fault, and which are about the spans. Decision 13 gives the
// reasons; OTLP's own tables are https://opentelemetry.io/docs/specs/otlp/#failures and #failures-1.

extension ExportVerdict {
  /// The meaning of an HTTP status, other than success.
  package static func http(_ status: Int, _ fault: ExportFault) -> ExportVerdict {
    switch status {
    // 408 and 425 say themselves that the same request may come again.
    case 408, 425, 429, 502, 503, 504: .unavailable(fault)
    // About what was sent: malformed, too large, not to be processed.
    case 400, 413, 422: .refused(fault)
    case 500, 505...: .failing(fault)
    // Credentials, paths, methods, types and redirects are the same for every span; so is a 501.
    default: .misconfigured(fault)
    }
  }

  /// The meaning of a gRPC status, other than 0.
  package static func grpc(_ status: Int, _ fault: ExportFault) -> ExportVerdict {
    switch status {
    // CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS.
    case 1, 4, 10, 11, 14, 15: .unavailable(fault)
    // RESOURCE_EXHAUSTED: a server that will recover says when; without that the message was too large.
    case 8: fault.retryAfter == nil ? .refused(fault) : .unavailable(fault)
    // INVALID_ARGUMENT, ALREADY_EXISTS.
    case 3, 6: .refused(fault)
    // UNKNOWN, INTERNAL.
    case 2, 13: .failing(fault)
    // NOT_FOUND, PERMISSION_DENIED, FAILED_PRECONDITION, UNIMPLEMENTED, UNAUTHENTICATED, and what does not exist.
    default: .misconfigured(fault)
    }
  }

  /// What a gRPC status is called.
  static func grpcName(_ status: Int) -> String {
    let names = [
      "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
      "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
      "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ]
    return names.indices.contains(status) ? names[status] : "status \(status)"
  }
}
