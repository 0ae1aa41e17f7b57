import Compression
import Testing

@Suite struct GzipTests {
  let original = Samples.text(5000)

  @Test("members that follow one another are one body", arguments: Way.allCases)
  func members(way: Way) throws {
    let parts = [original, [], Samples.noise(3000), [], Samples.text(200_000)]
    let body = try parts.flatMap { try Samples.gzip($0) }
    #expect(try way.decompress(body, .gzip) == Array(parts.joined()))
    #expect(throws: CompressionError.malformed) { try way.decompress(body.dropLast(1), .gzip) }
  }

  @Test("thousands of empty members give an empty body, in more than one step")
  func emptyMembers() throws {
    let member = try Samples.gzip([])
    let body = [UInt8]((0..<20_000).map { _ in member }.joined())
    var steps = 1
    var stream = DecompressionStream(body, coding: .gzip, limit: 1000)
    while try !stream.step(maximumOutput: 64 << 10) { steps += 1 }
    #expect(stream.finish() == [])
    // A step without output is bounded by what it reads.
    #expect(steps > body.count / (8 << 10))
  }

  @Test("name, comment, extra field and header checksum may stand in the header", arguments: Way.allCases)
  func headerFields(way: Way) throws {
    let plain = try Samples.gzip(original)
    let name = Array("spans.bin\0".utf8)
    let extra: [UInt8] = [6, 0] + Array("AB".utf8) + [2, 0, 1, 2]
    let comment = Array("a comment\0".utf8)
    // RFC 1952, section 2.3: FEXTRA 4, FNAME 8, FCOMMENT 16, in the order extra, name, comment.
    for (flags, fields) in [(8, name), (4, extra), (16, comment), (28, extra + name + comment)] as [(UInt8, [UInt8])] {
      let body = Array(plain[..<3]) + [flags] + Array(plain[4..<10]) + fields + Array(plain[10...])
      #expect(try way.decompress(body, .gzip) == original)
    }
  }

  @Test("a wrong CRC and a wrong size are refused", arguments: Way.allCases, 1...8)
  func trailer(way: Way, distance: Int) throws {
    var body = try Samples.gzip(original)
    body[body.count - distance] ^= 1
    #expect(throws: CompressionError.malformed) { try way.decompress(body, .gzip) }
  }

  @Test(
    "the size that the trailer declares does not matter before it is checked", arguments: Way.allCases,
    [0, 1, 5001, 0x7FFF_FFFF, 0xFFFF_FFFF] as [UInt32])
  func declaredSize(way: Way, size: UInt32) throws {
    var body = try Samples.gzip(original)
    for offset in 0..<4 { body[body.count - 4 + offset] = UInt8(truncatingIfNeeded: size >> UInt32(8 * offset)) }
    #expect(throws: CompressionError.malformed) { try way.decompress(body, .gzip, limit: .max) }
  }

  @Test("a reserved flag or another method is refused", arguments: Way.allCases)
  func header(way: Way) throws {
    for (index, value) in [(0, 0x1E), (1, 0x8A), (2, 7), (3, 0x20), (3, 0x80)] as [(Int, UInt8)] {
      var body = try Samples.gzip(original)
      body[index] = value
      #expect(throws: CompressionError.malformed) { try way.decompress(body, .gzip) }
    }
  }

  @Test("the compressor's output is gzip at every level", arguments: 1...12)
  func compressor(level: Int) throws {
    let compressor = try GzipCompressor(level: level)
    for bytes in [original, [], Samples.noise(10_000), original] {
      let body = compressor.compress(bytes.span)
      #expect(try Decompressor.gzip(body.span, limit: bytes.count) == bytes)
    }
    #expect(compressor.compress(original.span).count < original.count / 2)
  }
}
