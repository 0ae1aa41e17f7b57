import Foundation
import JSON
import LightningAPI
import OTLP
import Protobuf

/// Requests that Agent Lightning's tracers sent, and what its store answered afterwards.
enum RecordedSpans {
  /// One span with its recorded answer.
  struct Sample: Sendable {
    let resourceSpans: [UInt8]
    let scopeSpans: [UInt8]
    let span: [UInt8]
    let expected: JSONValue
  }

  /// The spans of one set with their answers.
  static func samples(_ set: String, requests prefix: String) throws -> [Sample] {
    let answer = try read("expected-\(set).json")
    guard case .array(let items) = try JSONValue(parsing: answer.span)["items"] else { return [] }
    var answers: [String: JSONValue] = [:]
    for item in items {
      if case .string(let id) = item["span_id"] { answers[id] = item }
    }
    var samples: [Sample] = []
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) where name.hasPrefix(prefix) {
      for (resourceSpans, scopeSpans, span) in try spans(of: read(name)) {
        let id = try SpanFields(span.span, at: 0..<span.count).spanID
        guard let expected = answers[span[id].map({ String(format: "%02x", $0) }).joined()] else { continue }
        samples.append(Sample(resourceSpans: resourceSpans, scopeSpans: scopeSpans, span: span, expected: expected))
      }
    }
    return samples
  }

  private static func spans(of request: [UInt8]) throws(ProtobufError) -> [([UInt8], [UInt8], [UInt8])] {
    var result: [([UInt8], [UInt8], [UInt8])] = []
    for resourceSpans in try occurrences(of: 1, in: request) {
      for scopeSpans in try occurrences(of: 2, in: resourceSpans) {
        for span in try occurrences(of: 2, in: scopeSpans) { result.append((resourceSpans, scopeSpans, span)) }
      }
    }
    return result
  }

  private static func occurrences(of field: UInt32, in message: [UInt8]) throws(ProtobufError) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var reader = ProtobufReader(message.span)
    while let range = try reader.nextOccurrence(of: field) { result.append(Array(message[range])) }
    return result
  }

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
    .appending(path: "Fixtures/agl")

  private static func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appending(path: name)))
  }
}
