import Compression
import Transport

/// The framing of gRPC messages: a flag byte, four bytes of length, the message.
///
/// [gRPC over HTTP/2](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md)
enum GRPCMessage {
  static let prefixLength = 5

  /// What the first bytes of a body announce.
  struct Prefix: Hashable {
    var isCompressed: Bool
    var length: Int

    /// Reads a prefix.
    ///
    /// - Returns: `nil` when there are not enough bytes.
    /// - Throws: For a flag that does not exist.
    init?(_ bytes: Span<UInt8>) throws(ExportFailure) {
      guard bytes.count >= GRPCMessage.prefixLength else { return nil }
      guard bytes[0] <= 1 else {
        throw GRPCMessage.broken("the flag byte of the message is neither 0 nor 1")
      }
      isCompressed = bytes[0] == 1
      length = Int(bytes[1]) << 24 | Int(bytes[2]) << 16 | Int(bytes[3]) << 8 | Int(bytes[4])
    }
  }

  /// Receives the one message of a unary call.
  static func receive(
    _ request: HTTPRequest, limit: Int, _ share: inout InFlightBudget.Share, retryAfter: Int
  ) async throws(ExportFailure) -> [UInt8] {
    let coding = try coding(request)
    let (prefix, message) = try await receiveBody(request.body, limit: limit, &share, retryAfter)
    guard message.count == prefix.length else { throw notOneMessage }
    guard prefix.isCompressed else { return message }
    guard let coding, coding != .identity else {
      throw broken("the message is compressed, but grpc-encoding does not say how")
    }
    do throws(ExportFailure) {
      return try await RequestBytes.decompress(message, coding, limit: limit, &share, retryAfter: retryAfter)
    } catch {
      // To gRPC a message that cannot be decompressed is a broken frame, not a bad argument.
      var failure = error
      if failure.code == .invalidArgument { failure.code = .internal }
      throw failure
    }
  }

  /// Receives the body; the announced length is checked as soon as it is there, little is reserved for it, and no more
  /// than it is taken.
  ///
  /// - Returns: What the first bytes announce, and the bytes behind them.
  private static func receiveBody(
    _ body: RequestBody, limit: Int, _ share: inout InFlightBudget.Share, _ retryAfter: Int
  ) async throws(ExportFailure) -> (Prefix, [UInt8]) {
    var bytes: [UInt8] = []
    var announced: Prefix?
    while let piece = try await RequestBytes.next(body) {
      guard share.grow(by: piece.count) else {
        throw .overloaded("too many bytes of requests are in flight", retryAfter: retryAfter)
      }
      RequestBytes.append(piece, to: &bytes, expecting: announced?.length ?? limit)
      if announced == nil, let prefix = try Prefix(bytes.span) {
        guard prefix.length <= limit else { throw .tooLarge(limit) }
        announced = prefix
        // Now, when little has come: of the whole message it would be a copy in one go.
        bytes.removeFirst(prefixLength)
        bytes.reserveCapacity(min(prefix.length, 1 << 20))
      }
      guard bytes.count <= announced?.length ?? prefixLength else { throw notOneMessage }
    }
    guard let announced else { throw broken("the call carries no whole message") }
    return (announced, bytes)
  }

  /// `nil` when the call names no encoding.
  private static func coding(_ request: HTTPRequest) throws(ExportFailure) -> ContentCoding? {
    switch request.headers.first("grpc-encoding") {
    case nil: return nil
    case "identity": return .identity
    case "gzip": return .gzip
    case .some:
      throw ExportFailure(
        status: 200, code: .unimplemented, message: "unknown grpc-encoding, supported: identity, gzip",
        reason: "unsupported")
    }
  }

  private static var notOneMessage: ExportFailure { broken("the call does not carry exactly one message") }

  static func broken(_ message: String) -> ExportFailure {
    ExportFailure(status: 200, code: .internal, message: message, reason: "malformed")
  }
}
