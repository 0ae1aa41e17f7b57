import Compression
import Transport

/// Brings the body of a request into memory, bounded while it arrives and while it is decompressed.
enum RequestBytes {
  /// Bodies up to this size are collected at once; of larger ones every piece is charged as it comes.
  private static let smallBody = 256 << 10

  /// Decompressing more than this is done in pieces, so that the loop serves others in between.
  private static let smallInput = 128 << 10

  /// Receives the body as it was sent.
  static func receive(
    _ body: RequestBody, limit: Int, _ share: inout InFlightBudget.Share, retryAfter: Int
  ) async throws(ExportFailure) -> [UInt8] {
    if let declared = body.declaredLength {
      guard declared <= limit else { throw .tooLarge(limit) }
      if declared <= smallBody {
        let bytes = try await collect(body, limit)
        try charge(bytes.count, &share, retryAfter)
        return bytes
      }
    }
    var bytes: [UInt8] = []
    while let piece = try await next(body) {
      guard bytes.count + piece.count <= limit else { throw .tooLarge(limit) }
      try charge(piece.count, &share, retryAfter)
      if bytes.isEmpty { bytes = piece } else { bytes.append(contentsOf: piece) }
    }
    return bytes
  }

  /// Decompresses a body.
  static func decompress(
    _ bytes: [UInt8], _ coding: ContentCoding, limit: Int, _ share: inout InFlightBudget.Share, retryAfter: Int
  ) async throws(ExportFailure) -> [UInt8] {
    if coding == .identity { return bytes }
    var output: [UInt8] = []
    do throws(CompressionError) {
      if bytes.count <= smallInput {
        output = try Decompressor.decompress(bytes.span, coding: coding, limit: limit)
      } else {
        var stream = DecompressionStream(bytes, coding: coding, limit: limit)
        while try !stream.step() { await Task.yield() }
        output = stream.finish()
      }
    } catch {
      throw ExportFailure(error)
    }
    try charge(output.count, &share, retryAfter)
    return output
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
