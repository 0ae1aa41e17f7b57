import Compression
import Testing

@Suite struct ZstdTests {
  let original = Samples.text(5000)
  /// A skippable frame of three bytes, RFC 8878, section 3.1.2.
  let skippable: [UInt8] = [0x53, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 9, 9, 9]

  @Test("frames that follow one another are one body, skippable frames are nothing", arguments: Way.allCases)
  func frames(way: Way) throws {
    let body = Samples.zstd(original) + skippable + Samples.zstd([]) + Samples.zstd(Samples.text(200_000))
    #expect(try way.decompress(body, .zstd) == original + Samples.text(200_000))
    #expect(try way.decompress(skippable, .zstd) == [])
  }

  @Test("every level is read", arguments: [-5, -1, 1, 3, 9, 19] as [Int32])
  func levels(level: Int32) throws {
    #expect(try Decompressor.zstd(Samples.zstd(original, level: level).span, limit: 5000) == original)
  }

  @Test("a wrong checksum is refused", arguments: Way.allCases)
  func checksum(way: Way) {
    var body = Samples.zstd(original)
    body[body.count - 1] ^= 1
    #expect(throws: CompressionError.malformed) { try way.decompress(body, .zstd) }
  }

  /// A frame header without a content size, with a window of 2^log bytes, and one raw block that is not the last.
  private func frame(windowLog: UInt8) -> [UInt8] {
    [0x28, 0xB5, 0x2F, 0xFD, 0x00, (windowLog - 10) << 3] + [0x08, 0, 0, 0x41]
  }

  @Test("a window of 8 MiB is accepted, a larger one is not", arguments: Way.allCases)
  func window(way: Way) throws {
    let lastBlock: [UInt8] = [0x01, 0, 0]
    #expect(try way.decompress(frame(windowLog: 23) + lastBlock, .zstd) == [0x41])
    #expect(throws: CompressionError.windowTooLarge) { try way.decompress(frame(windowLog: 24) + lastBlock, .zstd) }
    #expect(throws: CompressionError.windowTooLarge) { try way.decompress(frame(windowLog: 31) + lastBlock, .zstd) }
  }

  @Test("a declared size of exabytes reserves nothing", arguments: Way.allCases)
  func declaredSize(way: Way) {
    // Frame_Content_Size_flag 3: eight bytes of size; a window of 1 KiB; one empty last block.
    let body: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10] + [0x01, 0, 0]
    #expect(throws: CompressionError.malformed) { try way.decompress(body, .zstd, limit: .max) }
  }

  @Test("the formats before zstd 1.0 are refused", arguments: 0x22...0x27 as ClosedRange<UInt8>)
  func legacy(magic: UInt8) {
    let body = [magic, 0xB5, 0x2F, 0xFD] + [UInt8](repeating: 0, count: 32)
    #expect(throws: CompressionError.malformed) { try Decompressor.zstd(body.span, limit: 1000) }
  }
}
