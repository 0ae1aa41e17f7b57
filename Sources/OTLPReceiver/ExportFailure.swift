import Compression
import OTLP
import Protobuf
import TraceStore
import Transport

/// Why an export request was not stored, and how the sender learns it.
///
/// One description for both transports: over HTTP it becomes a status code and a `google.rpc.Status` body, over gRPC a
/// status in the trailers. [OTLP/HTTP failures](https://opentelemetry.io/docs/specs/otlp/#failures)
struct ExportFailure: Error {
  /// The HTTP status code.
  var status: Int
  /// The gRPC status code.
  var code: GRPCCode
  /// What was wrong, in lower case, without contents of the request.
  var message: String
  /// A word for the metric.
  var reason: String
  /// Asks the sender to come again after so many seconds.
  var retryAfter: Int?
  /// Whether the connection is of no use any more.
  var closesConnection = false

  static func malformed(_ message: String) -> ExportFailure {
    ExportFailure(status: 400, code: .invalidArgument, message: message, reason: "malformed")
  }

  static func tooLarge(_ limit: Int) -> ExportFailure {
    ExportFailure(
      status: 413, code: .resourceExhausted, message: "the request is larger than \(limit) bytes", reason: "too_large",
      closesConnection: true)
  }

  static func overloaded(_ message: String, retryAfter: Int) -> ExportFailure {
    ExportFailure(status: 503, code: .unavailable, message: message, reason: "overloaded", retryAfter: retryAfter)
  }

  /// When a sender whose body did not come in time may try again, in seconds.
  private static let retrySeconds = 1

  /// A request whose body did not come to its end.
  ///
  /// Senders of OTLP take 503 for "try again", and drop the spans on 408.
  init(_ error: BodyError) {
    switch error {
    case .tooLarge(let limit): self = .tooLarge(limit)
    case .timedOut:
      self.init(
        status: 503, code: .deadlineExceeded, message: "the request did not arrive in time", reason: "timeout",
        retryAfter: Self.retrySeconds, closesConnection: true)
    case .shuttingDown:
      self.init(
        status: 503, code: .unavailable, message: "the server shuts down before the request has arrived",
        reason: "shutdown", retryAfter: Self.retrySeconds, closesConnection: true)
    case .disconnected, .malformed:
      self = .malformed("the body of the request is incomplete")
      if error == .disconnected { reason = "disconnected" }
      closesConnection = true
    }
  }

  init(_ error: CompressionError) {
    if case .tooLarge(let limit) = error {
      self = .tooLarge(limit)
    } else {
      self.init(status: 400, code: .invalidArgument, message: "cannot decompress: \(error)", reason: "compression")
    }
  }

  init(_ error: ProtobufError) { self = .malformed("cannot decode the protobuf: \(error)") }

  init(_ error: OTLPJSONError) { self = .malformed("\(error)") }

  /// What the store could not do; the cause, which may name files, is in the log.
  ///
  /// A sender drops its spans on any other status than these few, so whatever may pass is 503.
  init(_ error: StoreError, retryAfter: Int) {
    self =
      error.isRetryable
      ? .overloaded("the spans could not be stored: \(error.code)", retryAfter: retryAfter)
      : ExportFailure(
        status: 500, code: .internal, message: "the spans cannot be stored: \(error.code)", reason: "store")
    if error.isRetryable && error.code != .overloaded { reason = "store" }
  }

  init(
    status: Int, code: GRPCCode, message: String, reason: String, retryAfter: Int? = nil,
    closesConnection: Bool = false
  ) {
    self.status = status
    self.code = code
    self.message = message
    self.reason = reason
    self.retryAfter = retryAfter
    self.closesConnection = closesConnection
  }
}

/// The status codes of gRPC that are answered.
///
/// [Status codes](https://grpc.io/docs/guides/status-codes/).
enum GRPCCode: Int, Sendable {
  case ok = 0
  case unknown = 2
  case invalidArgument = 3
  case deadlineExceeded = 4
  case notFound = 5
  case permissionDenied = 7
  case resourceExhausted = 8
  case unimplemented = 12
  case `internal` = 13
  case unavailable = 14
  case unauthenticated = 16
}
