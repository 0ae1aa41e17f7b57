import Compression
import Testing

@Suite struct SegmentTests {
  @Test("a segment comes back", arguments: [-5, -1, 1, 3, 19], [0, 1, 65_536, 1_000_000])
  func roundTrip(level: Int, size: Int) throws {
    let compressor = try SegmentCompressor()
    let decompressor = try SegmentDecompressor()
    var frame: [UInt8] = [1, 2, 3]
    var output: [UInt8] = [4, 5, 6]
    for original in [Samples.text(size), Samples.noise(size)] {
      try compressor.compress(original.span, level: level, into: &frame)
      try decompressor.decompress(frame.span, expectedSize: size, into: &output)
      #expect(output == original)
    }
  }

  @Test("every damaged byte is noticed, and the pair works on afterwards")
  func damage() throws {
    let original = Samples.text(2000)
    let decompressor = try SegmentDecompressor()
    var frame: [UInt8] = []
    var output: [UInt8] = []
    try SegmentCompressor().compress(original.span, level: 1, into: &frame)
    for index in frame.indices {
      var damaged = frame
      damaged[index] ^= 0x11
      let isNoticed = (try? decompressor.decompress(damaged.span, expectedSize: 2000, into: &output)) == nil
      #expect(isNoticed || output == original, "at \(index)")
      #expect(!isNoticed || output == [])
    }
    try decompressor.decompress(frame.span, expectedSize: 2000, into: &output)
    #expect(output == original)
  }

  @Test("another size than the recorded one is an error", arguments: [-1, 0, 1999, 2001, Int.max])
  func size(expected: Int) throws {
    var frame: [UInt8] = []
    try SegmentCompressor().compress(Samples.text(2000).span, level: 1, into: &frame)
    #expect(throws: CompressionError.sizeMismatch(expected: expected)) {
      var output: [UInt8] = []
      try SegmentDecompressor().decompress(frame.span, expectedSize: expected, into: &output)
    }
  }

  @Test("a size that no frame of that length can have reserves nothing")
  func impossibleSize() throws {
    // Frame_Content_Size_flag 3 with 2^40 bytes, and one empty last block.
    let frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0xC0, 0, 0, 0, 0, 0, 0, 1, 0, 0] + [0x01, 0, 0]
    #expect(throws: CompressionError.sizeMismatch(expected: 1 << 40)) {
      var output: [UInt8] = []
      try SegmentDecompressor().decompress(frame.span, expectedSize: 1 << 40, into: &output)
    }
  }

  @Test("cut segments and trailing bytes are errors")
  func length() throws {
    let decompressor = try SegmentDecompressor()
    var frame: [UInt8] = []
    try SegmentCompressor().compress(Samples.text(2000).span, level: 1, into: &frame)
    for count in 0..<frame.count {
      #expect(throws: CompressionError.self) {
        var output: [UInt8] = []
        try decompressor.decompress(Array(frame[..<count]).span, expectedSize: 2000, into: &output)
      }
    }
    #expect(throws: CompressionError.malformed) {
      var output: [UInt8] = []
      try decompressor.decompress((frame + [0]).span, expectedSize: 2000, into: &output)
    }
  }

  @Test("a compressor for usual segments stays small")
  func memory() throws {
    let compressor = try SegmentCompressor()
    var frame: [UInt8] = []
    try compressor.compress(Samples.text(64 << 10).span, level: 1, into: &frame)
    #expect(compressor.memory < 512 << 10)
  }
}
