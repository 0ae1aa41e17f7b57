import CZstd

/// Decompresses the segments of the log.
///
/// Keep one per thread: it reuses its working memory from segment to segment.
@safe package final class SegmentDecompressor {
  /// The most that zstd can expand: a block of 128 KiB takes at least four bytes, its header and the repeated byte.
  private static let largestRatio = (128 << 10) / 4

  private let context: OpaquePointer

  /// Prepares a decompressor.
  package init() throws(CompressionError) {
    guard let context = unsafe ZSTD_createDCtx() else { throw .outOfMemory }
    unsafe self.context = context
  }

  deinit { unsafe ZSTD_freeDCtx(context) }

  /// Decompresses what ``SegmentCompressor`` made.
  ///
  /// - Parameters:
  ///   - expectedSize: The size of the segment in bytes, as it was recorded beside it.
  ///   - output: Receives the segment in place of what it held; its storage is reused. Empty after an error.
  /// - Throws: `sizeMismatch` or `malformed` for a damaged segment, found by its checksum if not before.
  package func decompress(
    _ bytes: Span<UInt8>, expectedSize: Int, into output: inout [UInt8]
  ) throws(CompressionError) {
    output.removeAll(keepingCapacity: true)
    // A damaged row must not make the process reserve what it claims.
    let isDeclared = declaredSize(of: bytes) == UInt64(exactly: expectedSize)
    guard isDeclared, expectedSize / Self.largestRatio <= bytes.count else {
      throw .sizeMismatch(expected: expectedSize)
    }
    var code = 0
    output.append(addingCapacity: expectedSize) { free in
      // Both buffers live as long as the closures, and zstd keeps no pointer into them after it returns.
      code = unsafe free.withUnsafeMutableBufferPointer { target, count in
        unsafe bytes.withUnsafeBufferPointer { source in
          let code = unsafe ZSTD_decompressDCtx(
            context, target.baseAddress, expectedSize, source.baseAddress, source.count)
          count = code == expectedSize ? code : 0
          return code
        }
      }
    }
    guard ZSTD_isError(code) == 0 else { throw CompressionError(zstd: code) }
    guard code == expectedSize else { throw .sizeMismatch(expected: expectedSize) }
  }

  /// What the frame says it holds; zstd's two error values compare unequal to every size.
  private func declaredSize(of bytes: Span<UInt8>) -> UInt64 {
    unsafe bytes.withUnsafeBufferPointer { source in
      unsafe ZSTD_getFrameContentSize(source.baseAddress, source.count)
    }
  }
}
