package import TraceStore
package import Transport

/// Why the body of a request is not there.
package enum BodyFailure: Error {
  /// It did not come, or it is too large.
  case unreadable(BodyError)
  /// Too many bytes of requests are in flight.
  case overloaded(StoreError)

  static let tooManyBytes = BodyFailure.overloaded(
    StoreError(.overloaded, "too many bytes of requests are in flight"))
}

/// The body of a request, and its share of the memory that bodies may take.
package struct ReceivedBytes: Sendable {
  /// As it was sent.
  package let bytes: [UInt8]
  /// `nil` for small bodies, which are not counted.
  private let lease: InFlightBudget.Lease?
  private let body: RequestBody

  fileprivate init(_ bytes: [UInt8], _ lease: InFlightBudget.Lease?, _ body: RequestBody) {
    self.bytes = bytes
    self.lease = lease
    self.body = body
  }

  /// Counts the body, and what was made of it, until the request is answered.
  ///
  /// - Parameter more: Bytes that were made of it.
  package func hold(_ more: Int) throws(BodyFailure) {
    guard let lease else { return }
    guard lease.grow(by: more) else { throw .tooManyBytes }
    body.hold(lease)
  }
}

/// Waits for the bodies of requests.
package enum BodyReceiver {
  /// Bodies up to this size are collected at once, over HTTP/1, where a connection has one at a time.
  private static let smallBody = 32 << 10

  /// Waits for a body of at most `limit` bytes.
  package static func receive(
    _ request: HTTPRequest, upTo limit: Int, _ budget: InFlightBudget
  ) async throws(BodyFailure) -> ReceivedBytes {
    let body = request.body
    if let length = body.declaredLength, length <= smallBody, request.version != .http2 {
      do throws(BodyError) {
        return ReceivedBytes(try await body.collect(upTo: limit), nil, body)
      } catch {
        throw .unreadable(error)
      }
    }
    if let length = body.declaredLength, length > limit { throw .unreadable(.tooLarge(limit: limit)) }
    let lease = InFlightBudget.Lease(budget)
    var bytes: [UInt8] = []
    while let piece = try await next(body) {
      guard bytes.count + piece.count <= limit else { throw .unreadable(.tooLarge(limit: limit)) }
      guard lease.grow(by: piece.count) else { throw .tooManyBytes }
      bytes += piece
    }
    return ReceivedBytes(bytes, lease, body)
  }

  private static func next(_ body: RequestBody) async throws(BodyFailure) -> [UInt8]? {
    do throws(BodyError) { return try await body.next() } catch { throw .unreadable(error) }
  }

  /// Whether a content type says that a body is JSON; none at all is taken for it.
  package static func isJSON(_ contentType: String?) -> Bool {
    guard let contentType, !contentType.isEmpty else { return true }
    let type = contentType.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
    return type == "application/json" || type.hasPrefix("application/") && type.hasSuffix("+json")
  }
}
