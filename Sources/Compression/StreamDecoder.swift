/// A decompressor that keeps its state between calls, so that input and output may come in pieces.
protocol StreamDecoder: AnyObject {
  /// Whether another stream may follow the end of the first.
  var isConcatenable: Bool { get }

  /// How many bytes from the beginning of a stream ``startStream(_:)`` must see.
  var headerSize: Int { get }

  /// Decompresses until the input is used up, the output is full, or a stream ends.
  ///
  /// Writes only into the free capacity of `output`.
  func decode(_ input: Span<UInt8>, into output: inout OutputSpan<UInt8>) throws(CompressionError) -> DecodingProgress

  /// Makes ready for the stream that begins with the first byte of `remaining`, all of the input that is left.
  func startStream(_ remaining: Span<UInt8>) throws(CompressionError)
}

/// What one call of a ``StreamDecoder`` did.
struct DecodingProgress {
  /// How many bytes of the input are used.
  var consumed: Int
  /// Whether the stream is complete, with its checksum if it has one.
  var isStreamEnd: Bool
}
