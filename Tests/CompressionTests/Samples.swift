import CZlib
import CZstd
import Compression
import SeededRandom

/// Inputs for the tests, made by the libraries themselves or by hand.
enum Samples {
  /// Bytes that repeat now and then, as telemetry does, the same for the same count.
  static func text(_ count: Int) -> [UInt8] {
    let words = ["gen_ai.usage.input_tokens", "rollout", "attempt", "span", "service.name", "{\"role\":\"user\"}"]
    var generator = SplitMix64(seed: 7)
    var text: [UInt8] = []
    while text.count < count {
      text += words.randomElement(using: &generator)!.utf8
      text += String(generator.next() % 1000).utf8
    }
    return Array(text[..<count])
  }

  /// Bytes that do not compress.
  static func noise(_ count: Int) -> [UInt8] {
    var generator = SplitMix64(seed: 11)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
  }

  static func gzip(_ bytes: [UInt8], level: Int = 6) throws -> [UInt8] {
    try GzipCompressor(level: level).compress(bytes.span)
  }

  /// `bytes` in the zlib format of RFC 1950.
  static func zlib(_ bytes: [UInt8]) -> [UInt8] {
    var count = compressBound(UInt(bytes.count))
    return unsafe [UInt8](unsafeUninitializedCapacity: Int(count)) { target, initialized in
      let code = unsafe bytes.withUnsafeBufferPointer { source in
        unsafe compress(target.baseAddress, &count, source.baseAddress, UInt(source.count))
      }
      precondition(code == Z_OK)
      initialized = Int(count)
    }
  }

  /// `bytes` as deflate data without a wrapper: a zlib stream without its 2 bytes of header and 4 of checksum.
  static func rawDeflate(_ bytes: [UInt8]) -> [UInt8] { Array(zlib(bytes).dropFirst(2).dropLast(4)) }

  static func zstd(_ bytes: [UInt8], level: Int32 = 3, windowLog: Int32 = 0) -> [UInt8] {
    let context = unsafe ZSTD_createCCtx()
    defer { unsafe ZSTD_freeCCtx(context) }
    unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
    unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, windowLog)
    unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    let bound = ZSTD_compressBound(bytes.count)
    return unsafe [UInt8](unsafeUninitializedCapacity: bound) { target, count in
      count = unsafe bytes.withUnsafeBufferPointer { source in
        unsafe ZSTD_compress2(context, target.baseAddress, bound, source.baseAddress, source.count)
      }
      precondition(ZSTD_isError(count) == 0)
    }
  }
}
