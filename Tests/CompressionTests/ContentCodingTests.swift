import Compression
import Testing

@Suite struct ContentCodingTests {
  @Test(
    "a Content-Encoding value names a coding, whatever its case",
    arguments: [
      ("", .identity), ("identity", .identity), ("Identity", .identity), (" ", .identity),
      ("gzip", .gzip), ("GZIP", .gzip), ("x-gzip", .gzip), ("X-GZip", .gzip), (" \tgzip\t ", .gzip),
      ("deflate", .deflate), ("Deflate", .deflate), ("zstd", .zstd), ("ZSTD", .zstd),
    ] as [(String, ContentCoding)])
  func known(value: String, coding: ContentCoding) {
    #expect(ContentCoding(fieldValue: value) == coding)
  }

  @Test(
    "an unknown coding and a list of codings are not guessed at",
    arguments: ["br", "snappy", "lz4", "gzip, gzip", "gzip,", "gzip;q=1", "g zip", "\ngzip", "zlib", "*"])
  func unknown(value: String) {
    #expect(ContentCoding(fieldValue: value) == nil)
  }

  @Test("the field value of a coding reads back as that coding", arguments: ContentCoding.allCases)
  func roundTrip(coding: ContentCoding) {
    #expect(ContentCoding(fieldValue: coding.fieldValue) == coding)
  }
}
