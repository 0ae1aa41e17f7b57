import Compression
import Testing

/// What every way of decompressing has to do alike: at once, or in pieces of one of these sizes.
enum Way: CaseIterable, CustomTestStringConvertible {
  case atOnce, pieces, smallPieces, tinyPieces

  var testDescription: String { "\(self)" }

  func decompress(_ bytes: [UInt8], _ coding: ContentCoding, limit: Int = 1 << 26) throws(CompressionError) -> [UInt8] {
    switch self {
    case .atOnce: try Decompressor.decompress(bytes.span, coding: coding, limit: limit)
    case .pieces: try inPieces(of: DecompressionStream.pieceSize, bytes, coding, limit: limit)
    case .smallPieces: try inPieces(of: 1000, bytes, coding, limit: limit)
    case .tinyPieces: try inPieces(of: 1, bytes, coding, limit: limit)
    }
  }

  private func inPieces(
    of size: Int, _ bytes: [UInt8], _ coding: ContentCoding, limit: Int
  ) throws(CompressionError) -> [UInt8] {
    var stream = DecompressionStream(bytes, coding: coding, limit: limit)
    while try !stream.step(maximumOutput: size) {}
    return stream.finish()
  }
}

@Suite struct DecompressionTests {
  static let sizes = [0, 1, 100, 20_000, 90_000]
  static let compressed: [(ContentCoding, @Sendable ([UInt8]) throws -> [UInt8])] = [
    (.identity, { $0 }), (.gzip, { try Samples.gzip($0) }), (.deflate, Samples.zlib),
    (.deflate, Samples.rawDeflate), (.zstd, { Samples.zstd($0) }),
  ]

  @Test("what was compressed comes back", arguments: Way.allCases, sizes)
  func roundTrip(way: Way, size: Int) throws {
    for original in [Samples.text(size), Samples.noise(size), [UInt8](repeating: 0, count: size)] {
      for (coding, compress) in Self.compressed {
        #expect(try way.decompress(try compress(original), coding) == original, "\(coding)")
      }
    }
  }

  @Test("an output of exactly the limit is accepted, one byte more is not", arguments: Way.allCases, sizes)
  func limit(way: Way, size: Int) throws {
    let original = Samples.text(size)
    for (coding, compress) in Self.compressed {
      let body = try compress(original)
      #expect(try way.decompress(body, coding, limit: size) == original, "\(coding)")
      guard size > 0 else { continue }
      #expect(throws: CompressionError.tooLarge(limit: size - 1), "\(coding)") {
        try way.decompress(body, coding, limit: size - 1)
      }
      #expect(throws: CompressionError.tooLarge(limit: 0), "\(coding)") { try way.decompress(body, coding, limit: 0) }
    }
  }

  @Test("a body that is cut anywhere is refused", arguments: Way.allCases)
  func truncated(way: Way) throws {
    for (coding, compress) in Self.compressed where coding != .identity {
      let body = try compress(Samples.text(500))
      for count in 1..<body.count {
        #expect(throws: CompressionError.malformed, "\(coding) cut to \(count)") {
          try way.decompress(Array(body[..<count]), coding)
        }
      }
    }
  }

  @Test("an empty body is not a compressed body", arguments: Way.allCases, [ContentCoding.gzip, .deflate, .zstd])
  func empty(way: Way, coding: ContentCoding) {
    #expect(throws: CompressionError.empty) { try way.decompress([], coding) }
  }

  @Test("bytes after the end are refused", arguments: Way.allCases, [1, 3, 4, 40])
  func trailing(way: Way, count: Int) throws {
    for (coding, compress) in Self.compressed where coding != .identity {
      for filler in [UInt8(0), 0x78, 0xFF] {
        let body = try compress(Samples.text(500)) + [UInt8](repeating: filler, count: count)
        #expect(throws: CompressionError.malformed, "\(coding)") { try way.decompress(body, coding) }
      }
    }
  }

  @Test("a changed byte is an error or changes nothing that counts", arguments: Way.allCases)
  func corrupt(way: Way) throws {
    let original = Samples.text(500)
    // Raw deflate is left out: it has no checksum.
    for (coding, compress) in [Self.compressed[1], Self.compressed[2], Self.compressed[4]] {
      let body = try compress(original)
      for index in body.indices {
        var damaged = body
        damaged[index] ^= 0x20
        // Bits of a gzip header (time, system) carry no data; everything else has to be noticed.
        if let output = try? way.decompress(damaged, coding) { #expect(output == original, "\(coding) at \(index)") }
      }
    }
  }

  @Test("a bomb stops at the limit", arguments: Way.allCases)
  func bomb(way: Way) throws {
    let zeros = [UInt8](repeating: 0, count: 32 << 20)
    for (coding, compress) in Self.compressed where coding != .identity {
      let body = try compress(zeros)
      #expect(body.count < 64 << 10)
      #expect(throws: CompressionError.tooLarge(limit: 100_000)) { try way.decompress(body, coding, limit: 100_000) }
    }
  }
}
