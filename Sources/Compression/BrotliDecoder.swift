import CBrotli

/// libbrotli's streaming decompressor.
///
/// Its window has at most 16 MiB, the largest of RFC 7932; the "large window" extension stays off.
@safe final class BrotliDecoder: StreamDecoder {
  private let state: OpaquePointer

  init() throws(CompressionError) {
    guard let state = unsafe BrotliDecoderCreateInstance(nil, nil, nil) else { throw .outOfMemory }
    unsafe self.state = state
  }

  deinit { unsafe BrotliDecoderDestroyInstance(state) }

  var isConcatenable: Bool { false }
  var headerSize: Int { 1 }

  func decode(_ input: Span<UInt8>, into output: inout OutputSpan<UInt8>) throws(CompressionError) -> DecodingProgress {
    var consumed = 0
    // Both buffers live as long as the closures, and libbrotli keeps no pointer into them after it returns.
    let result = unsafe input.withUnsafeBufferPointer { source in
      unsafe output.withUnsafeMutableBufferPointer { target, initialized in
        var available = source.count
        var next = source.baseAddress
        var room = target.count - initialized
        var free = unsafe target.baseAddress.map { unsafe $0 + initialized }
        let result = unsafe BrotliDecoderDecompressStream(state, &available, &next, &room, &free, nil)
        consumed = source.count - available
        initialized = target.count - room
        return result
      }
    }
    switch result {
    case BROTLI_DECODER_RESULT_SUCCESS: return DecodingProgress(consumed: consumed, isStreamEnd: true)
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT, BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
      return DecodingProgress(consumed: consumed, isStreamEnd: false)
    default: throw .malformed
    }
  }

  func startStream(_ remaining: Span<UInt8>) {}
}
