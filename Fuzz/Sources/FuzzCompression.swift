import Compression

/// The bound of the fuzzed outputs: small, so that bombs reach it at once.
private let limit = 1 << 16

func fuzzGzip(_ bytes: Span<UInt8>) { fuzzDecompression(bytes, coding: .gzip) }
func fuzzDeflate(_ bytes: Span<UInt8>) { fuzzDecompression(bytes, coding: .deflate) }
func fuzzZstd(_ bytes: Span<UInt8>) { fuzzDecompression(bytes, coding: .zstd) }

/// Decompresses at once and in pieces: what the second accepts, the first has to accept and to read alike.
///
/// Not the other way round: libdeflate reads the two reserved length symbols that zlib refuses, and zstd needs no window,
/// however large, for a frame that fits into the output at once.
private func fuzzDecompression(_ bytes: Span<UInt8>, coding: ContentCoding) {
  let atOnce = outcome { () throws(CompressionError) in
    try Decompressor.decompress(bytes, coding: coding, limit: limit)
  }
  let input = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
  let inPieces = outcome { () throws(CompressionError) in
    var stream = DecompressionStream(input, coding: coding, limit: limit)
    while try !stream.step(maximumOutput: 1000) {}
    return stream.finish()
  }
  precondition((atOnce?.count ?? 0) <= limit, "the output is larger than the limit")
  precondition(inPieces == nil || atOnce == inPieces, "libdeflate and zlib, or one step and many, do not agree")
}

/// Decompresses a segment whose recorded size is in the first three bytes.
func fuzzSegment(_ bytes: Span<UInt8>) {
  guard bytes.count >= 3 else { return }
  let size = Int(bytes[0]) | Int(bytes[1]) << 8 | Int(bytes[2]) << 16
  var output: [UInt8] = []
  do {
    try SegmentDecompressor().decompress(bytes.extracting(3...), expectedSize: size, into: &output)
    precondition(output.count == size, "a segment of another size was accepted")
  } catch {
    precondition(output.isEmpty, "a damaged segment left bytes behind")
  }
}

/// The output, or `nil` for every error: which one is found first may differ.
private func outcome(_ body: () throws(CompressionError) -> [UInt8]) -> [UInt8]? {
  try? body()
}
