import Compression
import Telemetry
import Threads

/// Compressors that the loops share; a loop takes one, uses it without a pause, and puts it back.
///
/// Unchecked Sendable: a compressor is in the list or in the hands of one caller.
final class CompressorPool: @unchecked Sendable {
  private struct Item: @unchecked Sendable { let compressor: SegmentCompressor }

  /// Smaller segments are left to the writer, which compresses several of them together.
  private static let smallestSegment = 16 << 10

  private let idle = Locked<[Item]>([])

  /// Compresses a segment of a batch, when it is large enough.
  func compress(_ segment: inout SegmentDraft, level: Int) {
    guard segment.bytes.count >= Self.smallestSegment else { return }
    guard let item = idle.withLock({ $0.popLast() }) ?? Self.make() else { return }
    var frame: [UInt8] = []
    let bytes = segment.bytes
    // A segment that is not compressed here is compressed by the writer.
    try? item.compressor.compress(bytes.span, level: level, into: &frame)
    // The capacity was made for the worst case.
    segment.compressed = Array(frame[...])
    idle.withLock { $0.append(item) }
  }

  private static func make() -> Item? { (try? SegmentCompressor()).map(Item.init) }
}
