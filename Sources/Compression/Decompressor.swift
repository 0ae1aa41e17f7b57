/// Decompresses bodies that lie whole in memory, in one go.
///
/// No output exceeds `limit`, and no memory is reserved because a header declares a size: buffers start in proportion
/// to the bytes that really came and grow with the bytes that really come out. An event loop uses
/// ``DecompressionStream`` instead, which lets other connections run between pieces.
package enum Decompressor {
  /// Undoes a content coding.
  ///
  /// - Parameter limit: The largest acceptable output in bytes, for `identity` as well.
  package static func decompress(
    _ bytes: Span<UInt8>, coding: ContentCoding, limit: Int
  ) throws(CompressionError) -> [UInt8] {
    switch coding {
    case .identity: try identity(bytes, limit: limit)
    case .gzip: try gzip(bytes, limit: limit)
    case .deflate: try deflate(bytes, limit: limit)
    case .zstd: try zstd(bytes, limit: limit)
    }
  }

  /// Decompresses a gzip file of one or more members; each member's CRC and size are checked.
  ///
  /// [RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)
  package static func gzip(_ bytes: Span<UInt8>, limit: Int) throws(CompressionError) -> [UInt8] {
    try inflate(bytes, format: .gzip, limit: limit)
  }

  /// Decompresses a zlib stream, or raw deflate data where the header of a zlib stream is missing.
  package static func deflate(_ bytes: Span<UInt8>, limit: Int) throws(CompressionError) -> [UInt8] {
    try inflate(bytes, format: .ofDeflateBody(bytes), limit: limit)
  }

  /// Decompresses zstd frames that follow one another; skippable frames give nothing.
  ///
  /// [RFC 8878](https://www.rfc-editor.org/rfc/rfc8878)
  package static func zstd(_ bytes: Span<UInt8>, limit: Int) throws(CompressionError) -> [UInt8] {
    var decoding = DecodingLoop(try ZstdDecoder(), limit: limit)
    while try !decoding.step(bytes, maximumInput: .max, maximumOutput: .max) {}
    return decoding.output
  }

  private static func identity(_ bytes: Span<UInt8>, limit: Int) throws(CompressionError) -> [UInt8] {
    guard bytes.count <= limit else { throw .tooLarge(limit: limit) }
    return unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
  }
}
