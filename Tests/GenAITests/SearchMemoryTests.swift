import Foundation
import GenAI
import Testing

/// What a search for patterns takes at its peak, measured in a process of its own.
///
/// Sanitizers keep what was freed; they are known by the terabytes that they reserve.
@Suite(.enabled { try status("VmPeak:") < 1 << 40 }) struct SearchMemoryTests {
  @Test("broken JSON is searched in a few times its size")
  func broken() async {
    await #expect(processExitsWith: .success) { try expectModestSearch(of: "xx") }
  }

  @Test("escapes do not make it more")
  func escapes() async {
    // In the body the backslash has an escape of its own.
    await #expect(processExitsWith: .success) { try expectModestSearch(of: #"\\n"#) }
  }
}

/// Reads a request whose tool was called with 4 MiB that are no JSON.
private func expectModestSearch(of piece: String) throws {
  let count = 4 * 1024 * 1024
  var body = Array(#"{"messages":[{"role":"assistant","tool_calls":[{"id":"t","function":{"arguments":""#.utf8)
  body.reserveCapacity(2 * count)
  for _ in 0..<count / 2 { body += piece.utf8 }
  body += Array(#" se\\u0063ret"}}]}]}"#.utf8)
  var options = RecordingOptions()
  options.redaction = try Redaction(pointers: [], patterns: [" secret"])
  let before = try status("VmHWM:")
  let reader = ExchangeReader(api: .chatCompletions, path: "/", requestBody: body, options: options)
  let exchange = reader.finish(.complete)
  #expect(try status("VmHWM:") - before < 10 * count)
  guard case .toolCall(let call) = exchange.request.messages.first?.parts.first else {
    Issue.record("the call is missing")
    return
  }
  #expect(call.arguments.utf8.count == count + "[redacted]".utf8.count && call.arguments.hasSuffix("[redacted]"))
}

/// What the kernel says of this process, in bytes: `VmHWM:` is the most memory that it has had, `VmPeak:` the most
/// addresses.
private func status(_ name: String) throws -> Int {
  // `getrusage` would count the process that started this one as well.
  let lines = try String(contentsOfFile: "/proc/self/status", encoding: .utf8).split(separator: "\n")
  let line = try #require(lines.first { $0.hasPrefix(name) })
  let kibibytes = try #require(line.split { " \t".contains($0) }.dropFirst().first.flatMap { Int($0) })
  return kibibytes * 1024
}
