import JSON
import SeededRandom
import Testing

@Suite struct `Decimal numbers in text` {
  @Test(
    arguments: [
      ("0", 0), ("-0", 0), ("007", 7), ("1e3", 1000), ("1.5e1", 15), ("2.0", 2), ("1000e-3", 1), ("0.0e99999999", 0),
      ("0e-99999999999999999999", 0), ("9223372036854775807", .max), ("-9223372036854775808", .min),
      ("-9.223372036854775808e18", .min), ("100000000000000000000000000e-20", 1_000_000),
    ] as [(String, Int64)])
  func `integral numbers are integers however they are written`(text: String, value: Int64) {
    #expect(int64(text) == value)
  }

  @Test(arguments: ["1.5", "1e-1", "9223372036854775808", "-9223372036854775809", "1e19", "1e99999999999999999999"])
  func `fractions and what is out of range are not`(text: String) {
    #expect(int64(text) == nil)
  }

  @Test(
    arguments: [
      ("18446744073709551615", .max), ("1.8446744073709551615e19", .max), ("-0", 0), ("18446744073709551616", nil),
      ("-1", nil), ("9223372036854776000", 9_223_372_036_854_776_000),
    ] as [(String, UInt64?)])
  func `unsigned integers have their own range`(text: String, value: UInt64?) {
    #expect(DecimalText(text.utf8Span.span, at: 0..<text.utf8.count)?.uint64 == value)
  }

  @Test(arguments: ["", "-", "abc", "1.", ".5", "1e", "+1", " 1", "1 ", "0x10", "1_000", "١"])
  func `other text is no number`(text: String) {
    let text = Array(text.utf8)
    let isNumber = DecimalText(text.span, at: 0..<text.count) != nil
    #expect(!isNumber)
  }

  @Test func `doubles are the nearest ones`() {
    var random = SplitMix64(seed: 3)
    for _ in 0..<20_000 {
      let digits = Int.random(in: 1...20, using: &random)
      let text = String((0..<digits).map { _ in "0123456789".randomElement(using: &random)! })
      let number = "-\(text).5e\(Int.random(in: -40...40, using: &random))"
      let value = DecimalText(number.utf8Span.span, at: 0..<number.utf8.count)?.double
      #expect(value == Double(number), "\(number)")
    }
  }

  private func int64(_ text: String) -> Int64? { DecimalText(text.utf8Span.span, at: 0..<text.utf8.count)?.int64 }
}
