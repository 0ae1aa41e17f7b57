import Threads

/// The content of a request, which may still be arriving.
///
/// One task reads it, and either with ``collect(upTo:)`` or with ``next()``. A body that nobody reads is held back: after
/// a few hundred kilobytes the connection stops taking bytes from the client.
package final class RequestBody: Sendable {
  private enum Source: Sendable {
    case bytes(Locked<[UInt8]?>)
    case connection(BodyPipe)
  }

  /// The length that the client declared, in bytes; `nil` when it declared none.
  package let declaredLength: Int?
  private let source: Source
  private let held = Locked<(any AnyObject & Sendable)?>(nil)

  /// A body that is complete, for requests that did not come over a connection.
  package init(_ bytes: [UInt8]) {
    declaredLength = bytes.count
    source = .bytes(Locked(bytes))
  }

  init(_ pipe: BodyPipe) {
    declaredLength = pipe.declaredLength
    source = .connection(pipe)
  }

  /// Waits for the whole body.
  ///
  /// Throws ``BodyError/tooLarge(limit:)`` as soon as the declared length or the bytes that came exceed `limit`. Memory
  /// grows with the bytes that came, not with the length that was declared.
  package func collect(upTo limit: Int) async throws(BodyError) -> [UInt8] {
    switch source {
    case .bytes(let box):
      let bytes = box.withLock { $0.take() } ?? []
      guard bytes.count <= limit else { throw .tooLarge(limit: limit) }
      return bytes
    case .connection(let pipe): return try await pipe.collect(upTo: limit, on: pipe.loop.isolation).get()
    }
  }

  /// Waits for the next bytes.
  ///
  /// - Returns: `nil` at the end of the body.
  package func next() async throws(BodyError) -> [UInt8]? {
    switch source {
    case .bytes(let box):
      let bytes = box.withLock { $0.take() }
      return bytes?.isEmpty == true ? nil : bytes
    case .connection(let pipe): return try await pipe.next(on: pipe.loop.isolation).get()
    }
  }

  /// Keeps an object until the request has been answered.
  package func hold(_ object: any AnyObject & Sendable) { held.withLock { $0 = object } }

  /// Fails the body with `timedOut` unless it is complete in time.
  package func expire(after timeout: Duration) async {
    guard case .connection(let pipe) = source else { return }
    await pipe.expire(after: timeout, on: pipe.loop.isolation)
  }
}
