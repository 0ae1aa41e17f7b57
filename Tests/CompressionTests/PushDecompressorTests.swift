import Compression
import SeededRandom
import Testing

@Suite struct PushDecompressorTests {
  static let bodies: [(coding: ResponseCoding, body: [UInt8])] = [
    (.identity, original), (.gzip, try! Samples.gzip(original)),
    (.gzip, try! Samples.gzip(Array(original[..<1000])) + (try! Samples.gzip(Array(original[1000...])))),
    (.deflate, Samples.zlib(original)), (.deflate, Samples.rawDeflate(original)), (.zstd, Samples.zstd(original)),
    (.zstd, Samples.zstd(Array(original[..<1000])) + Samples.zstd(Array(original[1000...]))),
    // A skippable frame in front.
    (.zstd, [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3] + Samples.zstd(original)),
  ]
  static let original = Samples.text(100_000)

  @Test("the pieces in which a body comes do not matter", arguments: bodies.indices)
  func pieces(index: Int) throws {
    let (coding, body) = Self.bodies[index]
    for size in [1, 7, 1000, body.count] {
      var decompressor = PushDecompressor(coding, limit: .max)
      var output: [UInt8] = []
      for start in stride(from: 0, to: body.count, by: size) {
        let piece = Array(body[start..<min(start + size, body.count)])
        try decompressor.push(piece.span) { part in
          for index in part.indices { output.append(part[index]) }
        }
      }
      let (count, isComplete) = (decompressor.outputCount, decompressor.isComplete)
      #expect(output == Self.original)
      #expect(count == output.count && isComplete)
    }
  }

  @Test("brotli, in pieces of any size")
  func brotli() throws {
    // What node's zlib.brotliCompressSync made of it.
    let text = Array(String(repeating: "the rollout of the attempt of the span. ", count: 500).utf8)
    let body: [UInt8] = [
      0x1B, 0x1F, 0x4E, 0xF8, 0x05, 0x9C, 0x63, 0xA9, 0xDA, 0x8B, 0xE7, 0x41, 0x18, 0x1C, 0x9F, 0x82, 0x34, 0x74, 0x58,
      0xDE, 0x50, 0x52, 0x53, 0xD1, 0xB5, 0x8E, 0x84, 0xAF, 0x98, 0x2F, 0x93, 0x3A, 0x5F, 0xB6, 0x08, 0x00,
    ]
    for size in [1, 5, body.count] {
      var decompressor = PushDecompressor(.brotli, limit: 20_000)
      var output: [UInt8] = []
      for start in stride(from: 0, to: body.count, by: size) {
        try decompressor.push(Array(body[start..<min(start + size, body.count)]).span) { part in
          for index in part.indices { output.append(part[index]) }
        }
      }
      let isComplete = decompressor.isComplete
      #expect(output == text && isComplete)
      #expect(throws: CompressionError.malformed) { try decompressor.push([0].span) { _ in } }
    }
  }

  @Test("what came before the limit and before an error is given out", arguments: bodies.indices)
  func limit(index: Int) {
    let (coding, body) = Self.bodies[index]
    var decompressor = PushDecompressor(coding, limit: 50_000)
    var count = 0
    var failure: CompressionError?
    do throws(CompressionError) {
      try decompressor.push(body.span) { count += $0.count }
    } catch {
      failure = error
    }
    #expect(failure == .tooLarge(limit: 50_000))
    #expect(count == 50_000)
  }

  @Test("random bytes and damaged bodies never trap", arguments: ResponseCoding.allCases)
  func noise(coding: ResponseCoding) {
    var random = SplitMix64(seed: 5)
    let bodies = Self.bodies.filter { $0.coding == coding }.map(\.body)
    for _ in 0..<100 {
      var body = bodies.randomElement(using: &random) ?? Samples.noise(2000)
      for _ in 0..<Int.random(in: 1...20, using: &random) {
        body[Int.random(in: body.indices, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
      }
      var decompressor = PushDecompressor(coding, limit: 1 << 20)
      for start in stride(from: 0, to: body.count, by: 333) {
        try? decompressor.push(Array(body[start..<min(start + 333, body.count)]).span) { _ in }
      }
      let count = decompressor.outputCount
      #expect(count <= 1 << 20)
    }
  }

  @Test("a body that is cut is not complete", arguments: bodies.indices.dropFirst())
  func cut(index: Int) throws {
    let (coding, body) = Self.bodies[index]
    var decompressor = PushDecompressor(coding, limit: .max)
    try decompressor.push(Array(body.dropLast(5)).span) { _ in }
    let isComplete = decompressor.isComplete
    #expect(!isComplete)
  }

  @Test(
    "codings by name",
    arguments: [
      ("", .identity), ("GZip", .gzip), (" br\t", .brotli), ("zstd", .zstd), ("deflate", .deflate), ("gzip, br", nil),
      ("compress", nil),
    ] as [(String, ResponseCoding?)])
  func names(name: String, coding: ResponseCoding?) { #expect(ResponseCoding(fieldValue: name) == coding) }
}
