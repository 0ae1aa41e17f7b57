import Foundation
import Glibc
import Logging
import Testing

@Suite("Log lines")
struct LoggerTests {
  private let recorder = Recorder()

  @Test("a text line has time, level, message and fields")
  func text() {
    recorder.logger().info("listening", ["address": "127.0.0.1:4318", "loops": 2])
    #expect(recorder.lines == ["2026-11-21T14:03:11.123Z info    listening address=127.0.0.1:4318 loops=2\n"])
  }

  @Test("a JSON line has the same as members")
  func json() {
    recorder.logger(format: .json).warning(
      "commit failed", ["cause": "disk full", "took": .duration(.milliseconds(1500))])
    let expected =
      #"{"time":"2026-11-21T14:03:11.123Z","level":"warning","message":"commit failed","cause":"disk full","took":1.5}"#
    #expect(recorder.lines == [expected + "\n"])
  }

  @Test(
    "values of every type",
    arguments: [
      (LogValue.text("plain"), "plain", "\"plain\""),
      (.integer(-1), "-1", "-1"),
      (.unsigned(.max), "18446744073709551615", "18446744073709551615"),
      (.number(0.5), "0.5", "0.5"),
      (.number(.infinity), "inf", "\"inf\""),
      (.number(.nan), "nan", "\"nan\""),
      (.boolean(true), "true", "true"),
      (.duration(.microseconds(250)), "0.00025", "0.00025"),
      (.count(UInt64.max), "9223372036854775807", "9223372036854775807"),
      (.described(LogLevel.info.name), "info", "\"info\""),
      (1, "1", "1"), (1.5, "1.5", "1.5"), (false, "false", "false"), ("a\(1)", "a1", "\"a1\""),
    ] as [(LogValue, String, String)])
  func values(value: LogValue, text: String, json: String) throws {
    recorder.logger().info("x", ["value": value])
    recorder.logger(format: .json).info("x", ["value": value])
    #expect(recorder.lines[0].hasSuffix(" value=\(text)\n"))
    #expect(recorder.lines[1].hasSuffix(",\"value\":\(json)}\n"))
  }

  @Test(
    "values are quoted when they would not end where they seem to",
    arguments: [
      ("", #""""#), ("two words", #""two words""#), ("a=b", #""a=b""#), ("say \"hi\"", #""say \"hi\"""#),
      (#"C:\x"#, #""C:\\x""#), ("tab\there", #""tab\there""#), ("née", "née"), ("a,b:c", "a,b:c"),
    ])
  func quotes(value: String, written: String) {
    recorder.logger().info("x", ["value": .text(value)])
    #expect(recorder.lines[0].hasSuffix("x value=\(written)\n"))
  }

  @Test(
    "input cannot start a line, move the cursor or turn text around",
    arguments: [
      ("a\nb", #"a\nb"#), ("a\r\nb", #"a\r\nb"#), ("\u{1B}[2J", #"\u001b[2J"#), ("\u{0}", #"\u0000"#),
      ("\u{9B}1m", #"\u009b1m"#),
      ("\u{2028}", #"\u2028"#), ("\u{202E}txt", #"\u202etxt"#), ("\u{FEFF}", #"\ufeff"#),
      ("\u{E0001}", #"\udb40\udc01"#),
      ("\u{7F}", #"\u007f"#),
    ])
  func injection(value: String, escaped: String) {
    for format in LogFormat.allCases {
      recorder.logger(format: format).info(value, ["value": .text(value)])
    }
    for line in recorder.lines {
      #expect(line.components(separatedBy: escaped).count == 3)
      #expect(line.dropLast().unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
      #expect(line.last == "\n")
    }
  }

  @Test("every JSON line is JSON, with the value unharmed")
  func roundTrip() throws {
    let value = String(String.UnicodeScalarView((0...0x2FF).compactMap { Unicode.Scalar($0) })) + "\u{2028}🙂\u{E0001}"
    recorder.logger(format: .json).info("x", ["value": .text(value)])
    let line =
      try JSONSerialization.jsonObject(with: Data(try #require(recorder.lines.first).utf8)) as? [String: String]
    #expect(line?["value"] == value)
  }

  @Test("endless values are cut", arguments: LogFormat.allCases)
  func endless(format: LogFormat) {
    recorder.logger(format: format).info("x", ["value": .text(String(repeating: "é", count: 1_000_000))])
    #expect(recorder.lines[0].utf8.count < 2200)
    #expect(recorder.lines[0].contains("é…"))
  }

  @Test("lines below the level are not written and their fields not computed", arguments: LogLevel.allCases)
  func levels(level: LogLevel) {
    let logger = recorder.logger(level: level)
    var computed = 0
    func fields() -> LogFields {
      computed += 1
      return [:]
    }
    logger.debug("x", fields())
    logger.info("x", fields())
    logger.warning("x", fields())
    logger.error("x", fields())
    #expect(recorder.lines.count == LogLevel.allCases.count - level.rawValue)
    #expect(computed == recorder.lines.count)
  }

  @Test("fields of the context come first")
  func context() {
    recorder.logger().with(["component": "store"]).with(["engine": "sqlite"]).info("opened", ["size": 1])
    #expect(recorder.lines[0].hasSuffix("opened component=store engine=sqlite size=1\n"))
  }
}

@Suite("Log sinks")
struct LogSinkTests {
  @Test("a line is written to its descriptor as it is")
  func descriptor() throws {
    let pipe = Pipe()
    let logger = Logger(sink: .descriptor(pipe.fileHandleForWriting.fileDescriptor))
    logger.info("ready", ["value": 1])
    try pipe.fileHandleForWriting.close()
    let text = String(decoding: try #require(try pipe.fileHandleForReading.readToEnd()), as: UTF8.self)
    #expect(text.hasSuffix("Z info    ready value=1\n"))
  }

  @Test("a descriptor that takes nothing loses the line, not the program")
  func closedReader() throws {
    let full = unsafe open("/dev/full", O_WRONLY)
    try #require(full >= 0)
    defer { close(full) }
    Logger(sink: .descriptor(full)).info("lost")
    #expect(fcntl(full, F_GETFD) >= 0)
  }

  @Test("the clock of the system says what the time is")
  func clock() throws {
    let pipe = Pipe()
    let before = Date()
    Logger(sink: .descriptor(pipe.fileHandleForWriting.fileDescriptor)).info("ready")
    try pipe.fileHandleForWriting.close()
    let text = String(decoding: try #require(try pipe.fileHandleForReading.readToEnd()), as: UTF8.self)
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    let time = try style.parse(String(text.prefix(24)))
    #expect(abs(time.timeIntervalSince(before)) < 60)
  }
}
