extension Decompressor {
  /// Inflates all streams of `bytes` with libdeflate.
  ///
  /// A stream that does not fit is inflated again into four times the room, so all attempts together cost at most a
  /// third more than the last one.
  static func inflate(
    _ bytes: Span<UInt8>, format: DeflateFormat, limit: Int
  ) throws(CompressionError) -> [UInt8] {
    guard !bytes.isEmpty else { throw .empty }
    let inflater = try WholeInflater()
    var output: [UInt8] = []
    var capacity = min(limit, initialCapacity(for: bytes, format: format))
    var position = 0
    repeat {
      var outcome = WholeInflater.Outcome.malformed
      output.reserveCapacity(capacity)
      output.append(addingCapacity: capacity - output.count) { room in
        outcome = inflater.inflate(bytes, from: position, format: format, into: &room)
      }
      switch outcome {
      case .complete(let consumed):
        position += consumed
        guard position == bytes.count || format.isConcatenable else { throw .malformed }
      case .outputFull:
        guard capacity < limit else { throw .tooLarge(limit: limit) }
        capacity = capacity < limit / 4 ? capacity * 4 : limit
      case .malformed:
        throw .malformed
      }
    } while position < bytes.count
    return output
  }

  /// Where the output buffer starts: what the last gzip member declares, if that is plausible.
  ///
  /// Telemetry shrinks to between a fifth and a twentieth, so eight times the input is believed; beyond it only up to
  /// 1 MiB.
  private static func initialCapacity(for bytes: Span<UInt8>, format: DeflateFormat) -> Int {
    let smallest = 512
    let plausible = max(bytes.count, 1 << 9) * 8
    guard format == .gzip, let declared = declaredGzipSize(bytes) else { return plausible }
    return min(max(declared, smallest), max(plausible, 1 << 20))
  }

  /// ISIZE, the last four bytes of a gzip file: the size of the last member modulo 2^32.
  ///
  /// Anyone can write anything there: a hint, never a promise.
  static func declaredGzipSize(_ bytes: Span<UInt8>) -> Int? {
    // The shortest member: 10 bytes of header, 2 of data, 8 of trailer.
    guard bytes.count >= 20 else { return nil }
    return (1...4).reduce(0) { size, offset in size << 8 | Int(bytes[bytes.count - offset]) }
  }
}
