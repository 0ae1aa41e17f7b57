import TraceStore
import Transport

/// The name that a client gives to a request which it may send again.
///
/// [draft-ietf-httpapi-idempotency-key-header](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/)
enum IdempotencyKey {
  private static let maximumLength = 255

  /// Reads the field.
  ///
  /// - Returns: `nil` when the request has none.
  static func read(_ request: HTTPRequest, body: [UInt8]) throws(RequestFailure) -> RequestKey? {
    guard let key = request.headers.first("idempotency-key") else { return nil }
    guard (1...maximumLength).contains(key.utf8.count) else {
      throw .refused(400, "Idempotency-Key must have 1 to \(maximumLength) bytes")
    }
    var hash = FNV1a64()
    hash.add(request.method.rawValue.utf8)
    hash.add([0])
    hash.add(request.path.utf8)
    hash.add([0])
    hash.add(body)
    return RequestKey(key: key, fingerprint: Int64(bitPattern: hash.value))
  }
}
