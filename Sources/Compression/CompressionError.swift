/// Why bytes could not be compressed or decompressed.
///
/// `malformed`, `empty` and `windowTooLarge` are the sender's fault and permanent; `tooLarge` answers as 413 or as
/// gRPC status 8; `outOfMemory` may be tried again.
package enum CompressionError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Not one byte arrived where a compressed stream has at least a header.
  case empty
  /// The bytes are truncated or corrupt, a checksum does not match, or something follows the end.
  case malformed
  /// The output would be larger than the caller allows, in bytes.
  case tooLarge(limit: Int)
  /// A zstd frame asks for a larger window than RFC 8878 tells every decoder to support.
  case windowTooLarge
  /// A segment does not have the size in bytes that was recorded for it.
  case sizeMismatch(expected: Int)
  /// The library could not allocate its working memory.
  case outOfMemory

  package var description: String {
    switch self {
    case .empty: "the compressed body is empty"
    case .malformed: "the compressed body is truncated or corrupt"
    case .tooLarge(let limit): "the decompressed body is larger than \(limit) bytes"
    case .windowTooLarge: "the zstd window is larger than \(1 << ZstdDecoder.maximumWindowLog) bytes"
    case .sizeMismatch(let expected): "the segment does not decompress to \(expected) bytes"
    case .outOfMemory: "no memory for the compression library"
    }
  }
}
