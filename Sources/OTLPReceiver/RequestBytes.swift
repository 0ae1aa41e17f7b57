import Compression
import Transport

/// Brings the body of a request into memory, bounded while it arrives and while it is decompressed.
enum RequestBytes {
  /// Bodies up to this size are collected at once; of larger ones every piece is charged as it comes.
  ///
  /// Only over HTTP/1, where a connection has one body at a time: hundreds of streams would be hundreds of bodies that
  /// nobody has counted.
  private static let smallBody = 32 << 10

  /// From here on a body grows in few large steps, in bytes.
  private static let largeBody = 1 << 20

  /// What one step of decompression gives, so that the loop serves others in between; an ordinary batch is one step.
  private static let stepBytes = 2 << 20

  /// Receives the body as it was sent.
  static func receive(
    _ request: HTTPRequest, limit: Int, _ share: inout InFlightBudget.Share, retryAfter: Int
  ) async throws(ExportFailure) -> [UInt8] {
    let body = request.body
    if let declared = body.declaredLength {
      guard declared <= limit else { throw .tooLarge(limit) }
      if declared <= smallBody && request.version != .http2 {
        let bytes = try await collect(body, limit)
        try charge(bytes.count, &share, retryAfter)
        return bytes
      }
    }
    var bytes: [UInt8] = []
    while let piece = try await next(body) {
      guard bytes.count + piece.count <= limit else { throw .tooLarge(limit) }
      try charge(piece.count, &share, retryAfter)
      append(piece, to: &bytes, expecting: body.declaredLength ?? limit)
    }
    return bytes
  }

  /// Adds a piece to a body.
  ///
  /// A large one grows eightfold and not twofold: to move 32 MiB takes tens of milliseconds, in which the loop serves
  /// nobody. What is reserved and not reached is never touched, and takes no memory.
  ///
  /// - Parameter length: How long the body can become.
  static func append(_ piece: [UInt8], to bytes: inout [UInt8], expecting length: Int) {
    if bytes.isEmpty {
      bytes = piece
      return
    }
    if bytes.count >= largeBody && bytes.count + piece.count > bytes.capacity {
      bytes.reserveCapacity(min(8 * bytes.count, max(length, bytes.count + piece.count)))
    }
    bytes.append(contentsOf: piece)
  }

  /// Decompresses a body.
  static func decompress(
    _ bytes: [UInt8], _ coding: ContentCoding, limit: Int, _ share: inout InFlightBudget.Share, retryAfter: Int
  ) async throws(ExportFailure) -> [UInt8] {
    if coding == .identity { return bytes }
    var stream = DecompressionStream(bytes, coding: coding, limit: limit)
    var charged = 0
    while true {
      let isDone: Bool
      do throws(CompressionError) {
        isDone = try stream.step(maximumOutput: stepBytes)
      } catch {
        throw ExportFailure(error)
      }
      // Step by step: a body of a few kilobytes can become the whole limit, and many can do so at once.
      try charge(stream.outputCount - charged, &share, retryAfter)
      charged = stream.outputCount
      if isDone { return stream.finish() }
      await Task.yield()
    }
  }

  private static func collect(_ body: RequestBody, _ limit: Int) async throws(ExportFailure) -> [UInt8] {
    do throws(BodyError) { return try await body.collect(upTo: limit) } catch { throw ExportFailure(error) }
  }

  static func next(_ body: RequestBody) async throws(ExportFailure) -> [UInt8]? {
    do throws(BodyError) { return try await body.next() } catch { throw ExportFailure(error) }
  }

  private static func charge(_ bytes: Int, _ share: inout InFlightBudget.Share, _ retryAfter: Int)
    throws(ExportFailure)
  {
    guard share.grow(by: bytes) else {
      throw .overloaded("too many bytes of requests are in flight", retryAfter: retryAfter)
    }
  }
}
