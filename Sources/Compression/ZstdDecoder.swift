import CZstd

/// zstd's streaming decompressor.
@safe final class ZstdDecoder: StreamDecoder {
  /// 8 MiB, the window that RFC 8878, section 3.1.1.1.2, recommends every decoder to support, and the most it
  /// may ask this process to hold.
  static let maximumWindowLog: Int32 = 23

  /// Bytes of the number that begins a frame.
  static let magicSize = 4

  private let context: OpaquePointer
  /// What the current frame says it holds, if it says so.
  private var declaredSize: Int?
  /// What the current frame has given so far.
  private var producedSize = 0

  init() throws(CompressionError) {
    guard let context = unsafe ZSTD_createDCtx() else { throw .outOfMemory }
    let code = unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.maximumWindowLog)
    precondition(ZSTD_isError(code) == 0, "the window limit lies inside zstd's bounds")
    unsafe self.context = context
  }

  deinit { unsafe ZSTD_freeDCtx(context) }

  var isConcatenable: Bool { true }
  var headerSize: Int { Self.magicSize }

  func decode(_ input: Span<UInt8>, into output: inout OutputSpan<UInt8>) throws(CompressionError) -> DecodingProgress {
    var consumed = 0
    var produced = 0
    // Both buffers live as long as the closures, and zstd keeps no pointer into them after it returns.
    let code = unsafe input.withUnsafeBufferPointer { source in
      unsafe output.withUnsafeMutableBufferPointer { target, initialized in
        var from = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
        var to = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: initialized)
        let code = unsafe ZSTD_decompressStream(context, &to, &from)
        consumed = unsafe from.pos
        produced = (unsafe to.pos) - initialized
        initialized = unsafe to.pos
        return code
      }
    }
    guard ZSTD_isError(code) == 0 else { throw CompressionError(zstd: code) }
    producedSize += produced
    let isStreamEnd = code == 0
    // libzstd compares the two as well, except for a frame that ends with an empty block.
    if isStreamEnd, let declaredSize, declaredSize != producedSize { throw .malformed }
    return DecodingProgress(consumed: consumed, isStreamEnd: isStreamEnd)
  }

  /// Checks that a frame of RFC 8878 begins here, skippable ones included.
  ///
  /// libzstd may be built with decoders for the formats before 1.0 too. They have no registered name, and nothing
  /// from the network shall reach them.
  func startStream(_ remaining: Span<UInt8>) throws(CompressionError) {
    guard remaining.count >= Self.magicSize else { throw .malformed }
    let magic = (0..<4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32(remaining[$1]) }
    let isFrame = magic == ZSTD_MAGICNUMBER || magic & ZSTD_MAGIC_SKIPPABLE_MASK == ZSTD_MAGIC_SKIPPABLE_START
    guard isFrame else { throw .malformed }
    let declared = unsafe remaining.withUnsafeBufferPointer { source in
      unsafe ZSTD_getFrameContentSize(source.baseAddress, source.count)
    }
    // "Unknown" and "not a whole header" are the two largest numbers, which do not fit.
    declaredSize = Int(exactly: declared)
    producedSize = 0
  }
}

extension CompressionError {
  /// The meaning of a failed zstd call.
  init(zstd code: Int) {
    switch ZSTD_getErrorCode(code) {
    case ZSTD_error_memory_allocation: self = .outOfMemory
    case ZSTD_error_frameParameter_windowTooLarge: self = .windowTooLarge
    default: self = .malformed
    }
  }
}
