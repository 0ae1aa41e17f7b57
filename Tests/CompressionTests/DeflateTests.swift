import Compression
import Testing

@Suite struct DeflateTests {
  @Test("a zlib stream that needs a dictionary is refused", arguments: Way.allCases)
  func dictionary(way: Way) {
    // FDICT is bit 5 of the second byte; the two bytes are a multiple of 31 (RFC 1950, section 2.2).
    let header: [UInt8] = [0x78, 0xBB]
    #expect((Int(header[0]) << 8 | Int(header[1])) % 31 == 0 && header[1] & 0x20 != 0)
    let body = header + [1, 2, 3, 4] + Samples.rawDeflate(Samples.text(100))
    #expect(throws: CompressionError.malformed) { try way.decompress(body, .deflate) }
  }

  @Test("a second zlib stream is not part of the body", arguments: Way.allCases)
  func second(way: Way) {
    let body = Samples.zlib(Samples.text(100))
    #expect(throws: CompressionError.malformed) { try way.decompress(body + body, .deflate) }
  }

  @Test("a wrong Adler-32 is refused", arguments: Way.allCases)
  func checksum(way: Way) {
    var body = Samples.zlib(Samples.text(100))
    body[body.count - 1] ^= 1
    #expect(throws: CompressionError.malformed) { try way.decompress(body, .deflate) }
  }
}
