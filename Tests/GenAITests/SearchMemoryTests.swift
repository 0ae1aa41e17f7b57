import Foundation
import GenAI
import Testing

/// What a search for patterns takes at its peak, measured in a process of its own.
@Suite struct SearchMemoryTests {
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
  let before = try peakBytes()
  let reader = ExchangeReader(api: .chatCompletions, path: "/", requestBody: body, options: options)
  let exchange = reader.finish(.complete)
  #expect(try peakBytes() - before < 10 * count)
  guard case .toolCall(let call) = exchange.request.messages.first?.parts.first else {
    Issue.record("the call is missing")
    return
  }
  #expect(call.arguments.utf8.count == count + "[redacted]".utf8.count && call.arguments.hasSuffix("[redacted]"))
}

/// The most memory that this program has had; `getrusage` counts that of the program which started it as well.
private func peakBytes() throws -> Int {
  let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
  let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
  let kibibytes = try #require(line.split(separator: " ").dropFirst().compactMap { Int($0) }.first)
  return kibibytes * 1024
}
