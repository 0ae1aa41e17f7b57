import CDeflate

/// libdeflate's decompressor: two to three times as fast as zlib, for input and output that lie whole in memory.
///
/// It reads the length symbols 286 and 287 of the fixed code, which RFC 1951 reserves and zlib refuses, as 258. No encoder
/// writes them, and a checksum is still checked where the format has one.
@safe struct WholeInflater: ~Copyable {
  /// How one stream ended.
  enum Outcome {
    /// The stream is complete and its checksum matches; it took so many bytes of the input.
    case complete(consumed: Int)
    /// The output does not hold what the stream gives. Nothing was kept.
    case outputFull
    /// The stream is truncated or corrupt.
    case malformed
  }

  private let handle: OpaquePointer

  init() throws(CompressionError) {
    guard let handle = unsafe libdeflate_alloc_decompressor() else { throw .outOfMemory }
    unsafe self.handle = handle
  }

  deinit { unsafe libdeflate_free_decompressor(handle) }

  /// Decompresses the one stream that starts at `position`, and appends it to `output`.
  ///
  /// Never writes past the free capacity of `output`, whatever sizes the stream declares.
  func inflate(
    _ input: Span<UInt8>, from position: Int, format: DeflateFormat, into output: inout OutputSpan<UInt8>
  ) -> Outcome {
    var consumed = 0
    // Both buffers live as long as the closures, and libdeflate keeps no pointer after it returns.
    let result = unsafe input.withUnsafeBufferPointer { source in
      unsafe output.withUnsafeMutableBufferPointer { target, initialized in
        let start = unsafe source.baseAddress.map { unsafe UnsafeRawPointer($0 + position) }
        let free = unsafe target.baseAddress.map { unsafe UnsafeMutableRawPointer($0 + initialized) }
        let room = target.count - initialized
        var produced = 0
        let decompress =
          switch format {
          case .gzip: unsafe libdeflate_gzip_decompress_ex
          case .zlib: unsafe libdeflate_zlib_decompress_ex
          case .raw: unsafe libdeflate_deflate_decompress_ex
          }
        let result = unsafe decompress(handle, start, source.count - position, free, room, &consumed, &produced)
        if result == LIBDEFLATE_SUCCESS { initialized += produced }
        return result
      }
    }
    return switch result {
    case LIBDEFLATE_SUCCESS: .complete(consumed: consumed)
    case LIBDEFLATE_INSUFFICIENT_SPACE: .outputFull
    default: .malformed
    }
  }
}
