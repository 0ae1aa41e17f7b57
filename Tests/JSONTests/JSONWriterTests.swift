import Foundation
import JSON
import SeededRandom
import Testing

@Suite struct `Writing JSON` {
  @Test func `commas stand between members and elements only`() {
    let text = write {
      $0.beginObject()
      $0.key("a")
      $0.beginArray()
      $0.integer(1)
      $0.beginObject()
      $0.endObject()
      $0.string("x")
      $0.null()
      $0.endArray()
      $0.key("b")
      $0.bool(true)
      $0.tokens("\"c\":{\"d\":")
      $0.bool(false)
      $0.endObject()
      $0.endObject()
    }
    #expect(text == #"{"a":[1,{},"x",null],"b":true,"c":{"d":false}}"#)
  }

  @Test(arguments: [
    ("", "\"\""),
    ("plain ascii, longer than a word", "\"plain ascii, longer than a word\""),
    ("a\"b\\c/d", #""a\"b\\c/d""#),
    ("\u{0}\u{1}\u{8}\t\n\u{B}\u{C}\r\u{1F} ", #""\u0000\u0001\b\t\n\u000b\f\r\u001f ""#),
    ("\u{7F}é世😀\u{2028}", "\"\u{7F}é世😀\u{2028}\""),
    (String(repeating: "\u{1}", count: 500), "\"" + String(repeating: "\\u0001", count: 500) + "\""),
  ])
  func `only what must be escaped is escaped`(text: String, json: String) {
    #expect(write { $0.string(text) } == json)
  }

  @Test(
    arguments: [
      (0, "0"), (7, "7"), (10, "10"), (-1, "-1"), (99_999, "99999"), (.max, "9223372036854775807"),
      (.min, "-9223372036854775808"),
    ] as [(Int64, String)])
  func `integers have all their digits`(value: Int64, text: String) {
    #expect(write { $0.integer(value) } == text)
    #expect(write { $0.integerString(value) } == "\"\(text)\"")
    #expect(write { $0.unsigned(UInt64(bitPattern: value)) } == String(UInt64(bitPattern: value)))
  }

  @Test(
    arguments: [
      (0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (-2.5, "-2.5"), (1e-4, "0.0001"), (1e-5, "1e-05"), (1e16, "1e+16"),
      (9_999_999_999_999_998, "9999999999999998.0"), (9_244_516_126_416_990, "9244516126416990.0"), (1e22, "1e+22"),
      (.leastNonzeroMagnitude, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"), (0.1, "0.1"),
      (1795168326.361771, "1795168326.361771"), (.nan, "\"NaN\""), (.infinity, "\"Infinity\""),
      (-.infinity, "\"-Infinity\""),
    ] as [(Double, String)])
  func `doubles look as Python writes them`(value: Double, text: String) {
    #expect(write { $0.double(value) } == text)
  }

  @Test func `doubles of every magnitude read back as themselves`() throws {
    var random = SplitMix64(seed: 1)
    for _ in 0..<20_000 {
      let value = Double(bitPattern: random.next())
      guard value.isFinite else { continue }
      #expect(try JSONValue(parsing: bytes { $0.double(value) }.span) == .double(value))
    }
  }

  @Test(arguments: 0..<40)
  func `binary data is written in hexadecimal and base64`(count: Int) {
    let data = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 197 &+ 250) }
    let hexadecimal = data.map { String(format: "%02x", $0) }.joined()
    #expect(write { $0.hexadecimal(data.span, at: 0..<count) } == "\"\(hexadecimal)\"")
    #expect(write { $0.base64(data.span, at: 0..<count) } == "\"\(Data(data).base64EncodedString())\"")
  }

  @Test func `random bytes become the text that Swift decodes`() throws {
    var random = SplitMix64(seed: 2)
    for _ in 0..<5_000 {
      let bytes = random.text(maximumCount: 60)
      let json = self.bytes { $0.string(bytes.span, at: 0..<bytes.count) }
      #expect(try JSONValue(parsing: json.span) == .string(String(decoding: bytes, as: UTF8.self)), "\(bytes)")
    }
  }

  private func bytes(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter()
    body(&writer)
    return writer.bytes
  }

  private func write(_ body: (inout JSONWriter) -> Void) -> String { String(decoding: bytes(body), as: UTF8.self) }
}
