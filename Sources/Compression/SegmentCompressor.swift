import CZstd

/// Compresses the segments of the log with zstd, each into one frame with its size and a checksum.
///
/// Keep one per thread: it reuses its working memory from segment to segment.
@safe package final class SegmentCompressor {
  /// 128 KiB: twice the usual segment, so that a segment is one window, and the tables stay small enough to keep one
  /// compressor per thread.
  package static let usualWindowLog = 17

  private let context: OpaquePointer

  /// Prepares a compressor.
  ///
  /// - Parameter windowLog: How far back a repetition is found, as a power of two in bytes: 10 to 23. The working memory grows
  ///   with it, but not beyond what the segments at hand need.
  package init(windowLog: Int = usualWindowLog) throws(CompressionError) {
    precondition((10...23).contains(windowLog), "the window is between 1 KiB and 8 MiB")
    guard let context = unsafe ZSTD_createCCtx() else { throw .outOfMemory }
    unsafe self.context = context
    set(ZSTD_c_windowLog, to: windowLog)
    // A segment that was damaged on the disk must not be read as other spans.
    set(ZSTD_c_checksumFlag, to: 1)
  }

  deinit { unsafe ZSTD_freeCCtx(context) }

  /// The working memory at present, in bytes.
  package var memory: Int { unsafe ZSTD_sizeof_CCtx(context) }

  /// Compresses one segment.
  ///
  /// - Parameters:
  ///   - level: zstd's level: negative ones are faster, 19 is the smallest result.
  ///   - output: Receives the frame in place of what it held; its storage is reused.
  package func compress(_ bytes: Span<UInt8>, level: Int, into output: inout [UInt8]) throws(CompressionError) {
    set(ZSTD_c_compressionLevel, to: level)
    output.removeAll(keepingCapacity: true)
    var code = 0
    output.append(addingCapacity: ZSTD_compressBound(bytes.count)) { free in
      // Both buffers live as long as the closures, and zstd keeps no pointer into them after it returns.
      code = unsafe free.withUnsafeMutableBufferPointer { target, count in
        unsafe bytes.withUnsafeBufferPointer { source in
          let code = unsafe ZSTD_compress2(context, target.baseAddress, target.count, source.baseAddress, source.count)
          count = ZSTD_isError(code) == 0 ? code : 0
          return code
        }
      }
    }
    guard ZSTD_isError(code) == 0 else { throw CompressionError(zstd: code) }
  }

  private func set(_ parameter: ZSTD_cParameter, to value: Int) {
    let code = unsafe ZSTD_CCtx_setParameter(context, parameter, Int32(clamping: value))
    precondition(ZSTD_isError(code) == 0, "zstd clamps levels, and the window was checked")
  }
}
