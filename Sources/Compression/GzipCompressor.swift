import CDeflate

/// Compresses answers for clients that sent `Accept-Encoding: gzip`.
///
/// Keep one per thread: it holds the working memory of its level.
@safe package final class GzipCompressor {
  private let handle: OpaquePointer

  /// Prepares a compressor.
  ///
  /// - Parameter level: 1 (fastest, the default: answers are compressed while a client waits) to 12.
  package init(level: Int = 1) throws(CompressionError) {
    precondition((1...12).contains(level), "libdeflate has the levels 1 to 12")
    guard let handle = unsafe libdeflate_alloc_compressor(Int32(level)) else { throw .outOfMemory }
    unsafe self.handle = handle
  }

  deinit { unsafe libdeflate_free_compressor(handle) }

  /// Compresses `bytes` into one gzip member.
  package func compress(_ bytes: Span<UInt8>) -> [UInt8] {
    let bound = unsafe libdeflate_gzip_compress_bound(handle, bytes.count)
    return unsafe [UInt8](unsafeUninitializedCapacity: bound) { target, count in
      unsafe bytes.withUnsafeBufferPointer { source in
        // Both buffers live as long as the closures, and libdeflate keeps no pointer after it returns.
        count = unsafe libdeflate_gzip_compress(handle, source.baseAddress, source.count, target.baseAddress, bound)
      }
      precondition(count > 0, "the bound leaves room for any input")
    }
  }
}
