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

  @Test func `integers of every length have all their digits`() {
    var random = SplitMix64(seed: 3)
    var power: UInt64 = 1
    for _ in 0..<20 {
      for value in [power - 1, power, power + 1, UInt64.random(in: power...max(power, power &* 9), using: &random)] {
        #expect(write { $0.unsigned(value) } == String(value))
        #expect(write { $0.unsignedString(value) } == "\"\(value)\"")
      }
      power = power.multipliedReportingOverflow(by: 10).partialValue
    }
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

  @Test func `times in seconds have the shortest digits`() {
    var random = SplitMix64(seed: 4)
    var values = (0..<20_000).map { _ in Double.random(in: 0x1p30..<0x1p31, using: &random) }
    // With few decimals, whole, equally near to two decimals, and just outside of the range that has a way of its own.
    for decimals in [1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7] {
      values += (0..<2_000).map { _ in
        (Double.random(in: 0x1p30..<0x1p31, using: &random) * decimals).rounded() / decimals
      }
    }
    values += (1..<512).map { 1_795_168_326 + Double($0) / 512 }
    values += [0x1p30.nextDown, 0x1p30, 0x1p30.nextUp, 0x1p31.nextDown, 0x1p31, 0x1p31.nextUp]
    for value in values { #expect(write { $0.double(value) } == value.description) }
  }

  @Test func `two strings at once are what they are one after the other`() {
    var random = SplitMix64(seed: 5)
    for _ in 0..<3_000 {
      let bytes = random.text(maximumCount: 90)
      let middle = Int.random(in: 0...bytes.count, using: &random)
      let (first, second) = (0..<middle, middle..<bytes.count)
      let together = self.bytes {
        $0.beginArray()
        $0.strings("{\"key\":", first, ",\"value\":", second, "}", in: bytes.span)
        $0.strings("", first, ":", second, "", in: bytes.span)
      }
      let apart = self.bytes {
        $0.beginArray()
        $0.tokens("{\"key\":")
        $0.string(bytes.span, at: first)
        $0.tokens("\"value\":")
        $0.string(bytes.span, at: second)
        $0.endObject()
        $0.key(bytes.span, at: first)
        $0.string(bytes.span, at: second)
      }
      #expect(together == apart)
    }
  }

  @Test(arguments: [1, 100, 5_000])
  func `two strings that grow much are written whole`(count: Int) {
    let bytes = [UInt8](repeating: 1, count: count)
    let text = String(repeating: "\\u0001", count: count)
    let json = write {
      $0.beginObject()
      $0.strings("", 0..<count, ":", 0..<count, "}", in: bytes.span)
    }
    #expect(json == "{\"\(text)\":\"\(text)\"}")
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
