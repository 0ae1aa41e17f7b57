import Testing

@testable import Configuration

@Suite("How values are written")
struct ConfigurationFormatTests {
  @Test(
    "durations",
    arguments: [
      ("0", .zero), ("10", .seconds(10)), ("10s", .seconds(10)), ("10 s", .seconds(10)), ("250ms", .milliseconds(250)),
      ("2m", .seconds(120)), ("1h", .seconds(3600)), ("365d", .seconds(31_536_000)), ("366d", nil), ("", nil),
      ("s", nil),
      ("-1s", nil), ("1.5s", nil), ("1us", nil), ("10S", nil), ("10s ", nil), (" 10s", nil), ("1s2", nil),
      ("99999999999999999999", nil), ("9223372036854775807d", nil), ("１０s", nil),
    ] as [(String, Duration?)])
  func durations(text: String, expected: Duration?) {
    #expect(ConfigurationFormat.duration.parse(.text(text)) == expected)
  }

  @Test("timeouts are at least a millisecond", arguments: [("0", false), ("0ms", false), ("1ms", true)])
  func positive(text: String, isAllowed: Bool) {
    #expect((ConfigurationFormat.positiveDuration.parse(.text(text)) != nil) == isAllowed)
  }

  @Test(
    "sizes",
    arguments: [
      ("1000", 1000), ("1000B", 1000), ("1kB", 1000), ("1KB", 1000), ("1KiB", 1024), ("10MB", 10_000_000),
      ("64MiB", 67_108_864),
      ("1GB", 1_000_000_000), ("1GiB", 1 << 30), ("1TB", 1_000_000_000_000), ("1TiB", 1 << 40), ("2TiB", nil),
      ("0", nil),
      ("1M", nil), ("1mib", nil), ("-1", nil), ("1.5GiB", nil), ("", nil), ("9223372036854775807GiB", nil),
    ] as [(String, Int?)])
  func sizes(text: String, expected: Int?) {
    #expect(ConfigurationFormat.bytes(1...1 << 40).parse(.text(text)) == expected)
  }

  @Test(
    "numbers",
    arguments: [("0", nil), ("1", 1), ("10", 10), ("11", nil), ("0x1", nil), ("1_0", nil), ("", nil)]
      as [(String, Int?)])
  func integers(text: String, expected: Int?) {
    #expect(ConfigurationFormat.integer(1...10).parse(.text(text)) == expected)
  }

  @Test(
    "booleans",
    arguments: [("true", true), ("false", false), ("yes", nil), ("1", nil), ("True", nil), ("", nil)]
      as [(String, Bool?)])
  func booleans(text: String, expected: Bool?) {
    #expect(ConfigurationFormat.boolean.parse(.text(text)) == expected)
  }

  @Test("paths hold anything but NUL", arguments: [("", true), ("/a b", true), ("a\0", false)])
  func paths(text: String, isAllowed: Bool) {
    #expect((ConfigurationFormat.path.parse(.text(text)) != nil) == isAllowed)
  }

  @Test(
    "lists",
    arguments: [
      (.text(""), []), (.text(" "), []), (.text("a:1"), ["a:1"]), (.text(" a:1 , b:2 "), ["a:1", "b:2"]),
      (.list([]), []),
      (.list(["a:1"]), ["a:1"]), (.text("a:1,"), nil), (.list([""]), nil), (.list(["a:1", "b"]), nil),
    ] as [(ConfigurationValue, [String]?)])
  func lists(value: ConfigurationValue, expected: [String]?) {
    #expect(ConfigurationFormat.addresses.parse(value)?.map(\.description) == expected)
  }

  @Test("what is no list takes none")
  func noList() {
    #expect(ConfigurationFormat.integer(1...10).parse(.list(["1"])) == nil)
    #expect(ConfigurationFormat.duration.parse(.list([])) == nil)
  }
}
