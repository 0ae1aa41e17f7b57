import JSON
import Testing

@Suite struct `Reading JSON` {
  private static let accepted: [(String, JSONValue)] = [
    ("null", .null),
    (" true\n", .bool(true)),
    ("0", .integer(0)),
    ("-0", .integer(0)),
    ("-0.0", .double(-0.0)),
    ("9223372036854775807", .integer(.max)),
    ("-9223372036854775808", .integer(.min)),
    ("9223372036854775808", .double(9223372036854775808)),
    ("1.0", .double(1)),
    ("1e2", .double(100)),
    ("1E+2", .double(100)),
    ("2.5e-3", .double(0.0025)),
    ("123456789012345678901234567890.5e-10", .double(12345678901234567890.12345678905)),
    ("\"\"", .string("")),
    ("\"plain text of more than eight bytes\"", .string("plain text of more than eight bytes")),
    (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")),
    (#""\u0041\u00e9\u4E16""#, .string("Aé世")),
    (#""\ud83d\ude00""#, .string("😀")),
    ("\"拒绝 😀 é\"", .string("拒绝 😀 é")),
    ("\"\u{7F}\u{2028}\"", .string("\u{7F}\u{2028}")),
    ("[]", .array([])),
    (" [ 1 , [ ] , { } ] ", .array([.integer(1), .array([]), .object([])])),
    (
      "{\"a\":1,\"a\":2,\"\":{}}",
      .object([
        JSONMember("a", .integer(1)), JSONMember("a", .integer(2)), JSONMember("", .object([])),
      ])
    ),
  ]

  @Test(arguments: accepted)
  func `a document becomes its value`(text: String, value: JSONValue) throws {
    #expect(try parse(text) == value)
  }

  @Test(arguments: [
    (#""\ud800""#, "\u{FFFD}"),
    (#""x\udc00y""#, "x\u{FFFD}y"),
    (#""\ud800\u0041""#, "\u{FFFD}A"),
    (#""\ud800\ud800\udc00""#, "\u{FFFD}\u{10000}"),
    (#""\ud83d\n""#, "\u{FFFD}\n"),
  ])
  func `a surrogate without its partner becomes U+FFFD`(text: String, value: String) throws {
    #expect(try parse(text) == .string(value))
  }

  @Test func `ill-formed UTF-8 becomes U+FFFD`() throws {
    let bytes: [UInt8] = [0x22, 0x61, 0xFF, 0xE4, 0xB8, 0x5C, 0x6E, 0xC0, 0x80, 0x22]
    #expect(try JSONValue(parsing: bytes.span) == .string("a\u{FFFD}\u{FFFD}\n\u{FFFD}\u{FFFD}"))
  }

  @Test(
    arguments: [
      ("", .unexpectedEnd, 0),
      ("  ", .unexpectedEnd, 2),
      ("nul", .unexpectedEnd, 3),
      ("nulL", .unexpectedByte, 3),
      ("NaN", .unexpectedByte, 0),
      ("Infinity", .unexpectedByte, 0),
      ("'a'", .unexpectedByte, 0),
      ("// comment\n1", .unexpectedByte, 0),
      ("\u{FEFF}1", .unexpectedByte, 0),
      ("+1", .unexpectedByte, 0),
      ("01", .malformedNumber, 1),
      ("-", .malformedNumber, 1),
      ("1.", .malformedNumber, 2),
      (".5", .unexpectedByte, 0),
      ("1e", .malformedNumber, 2),
      ("1e+", .malformedNumber, 3),
      ("1 2", .trailingBytes, 2),
      ("{}{}", .trailingBytes, 2),
      ("1x", .trailingBytes, 1),
      ("[1,]", .unexpectedByte, 3),
      ("[,1]", .unexpectedByte, 1),
      ("[1 2]", .unexpectedByte, 3),
      ("[1}", .unexpectedByte, 2),
      ("[", .unexpectedEnd, 1),
      ("{\"a\":1,}", .unexpectedByte, 7),
      ("{\"a\" 1}", .unexpectedByte, 5),
      ("{a:1}", .unexpectedByte, 1),
      ("{1:1}", .unexpectedByte, 1),
      ("{\"a\":}", .unexpectedByte, 5),
      ("\"abc", .unexpectedEnd, 4),
      ("\"a\nb\"", .controlCharacter, 2),
      ("\"a\u{0}b\"", .controlCharacter, 2),
      (#""\x""#, .malformedEscape, 1),
      (#""\u12g4""#, .malformedEscape, 1),
      (#""\"#, .unexpectedEnd, 2),
      ("1e999", .invalidValue, 0),
    ] as [(String, JSONError.Reason, Int)])
  func `other text is refused at its first wrong byte`(text: String, reason: JSONError.Reason, offset: Int) {
    #expect(throws: JSONError(reason, at: offset)) { try parse(text) }
    if reason != .invalidValue { #expect(throws: JSONError(reason, at: offset)) { try skip(text) } }
  }

  @Test(arguments: accepted)
  func `a value can be skipped`(text: String, value: JSONValue) throws {
    try skip(text)
  }

  @Test(arguments: ["[", "{\"a\":"])
  func `nesting is limited`(open: String) throws {
    let close = open == "[" ? "]" : "}"
    let deepest = String(repeating: open, count: 9) + "1" + String(repeating: close, count: 9)
    var reader = JSONReader(deepest.utf8Span.span, maximumDepth: 9)
    try reader.skipValue()
    try reader.finish()
    let offset = open.utf8.count * 9
    let tooDeep = String(repeating: open, count: 10)
    #expect(throws: JSONError(.tooDeep, at: offset)) { try JSONValue(parsing: tooDeep.utf8Span.span, maximumDepth: 9) }
    #expect(throws: JSONError(.tooDeep, at: offset)) {
      var reader = JSONReader(tooDeep.utf8Span.span, maximumDepth: 9)
      try reader.skipValue()
    }
  }

  @Test func `a value of another type than asked for is an error of its own`() {
    #expect(throws: JSONError(.wrongType, at: 1)) {
      var reader = JSONReader(" 1".utf8Span.span)
      _ = try reader.string()
    }
    #expect(throws: JSONError(.wrongType, at: 0)) {
      var reader = JSONReader("[]".utf8Span.span)
      try reader.beginObject()
    }
  }

  @Test func `members are read one by one`() throws {
    var reader = JSONReader(#"{"a":[1,2],"b\u0063":"x","skipped":{"y":[{}]}}"#.utf8Span.span)
    var keys: [String] = []
    var numbers: [Int64?] = []
    try reader.beginObject()
    while let key = try reader.nextKey() {
      keys.append(reader.decoded(key))
      if reader.text(key, equals: "a") {
        try reader.beginArray()
        while try reader.nextElement() { numbers.append(reader.int64(try reader.number())) }
      } else if reader.text(key, equals: "bc") {
        #expect(reader.decoded(try reader.string()) == "x")
      } else {
        try reader.skipValue()
      }
    }
    try reader.finish()
    #expect(keys == ["a", "bc", "skipped"])
    #expect(numbers == [1, 2])
  }

  private func parse(_ text: String) throws(JSONError) -> JSONValue { try JSONValue(parsing: text.utf8Span.span) }

  private func skip(_ text: String) throws(JSONError) {
    var reader = JSONReader(text.utf8Span.span)
    try reader.skipValue()
    try reader.finish()
  }
}
