import Foundation
import GenAI
import JSON
import Telemetry
import Testing

/// One recorded exchange below `Tests/Fixtures/llm`, with what a reader has to know of it.
struct LLMCase: Sendable, CustomTestStringConvertible {
  let name: String
  let api: ProviderAPI
  let path: String
  let requestBody: [UInt8]
  let status: Int
  let contentType: String?
  let contentEncoding: String?
  /// Without transfer coding, with content coding.
  let body: [UInt8]
  let isCut: Bool
  let expected: JSONValue

  var testDescription: String { name }
  var end: ExchangeEnd { isCut ? .truncated : .complete }

  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/llm")

  /// Every case of an API whose calls become spans.
  static let all: [LLMCase] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().compactMap { LLMCase(named: $0) }
  }()

  static func named(_ name: String) -> LLMCase {
    guard let found = all.first(where: { $0.name == name }) else { preconditionFailure("no case \(name)") }
    return found
  }

  private init?(named name: String) {
    let folder = Self.folder.appending(path: name)
    guard let data = try? Data(contentsOf: folder.appending(path: "expected.json")) else { return nil }
    guard let expected = try? JSONValue(parsing: [UInt8](data).span) else { return nil }
    guard let api = expected["api"]?.text.flatMap(ProviderAPI.init(rawValue:)) else { return nil }
    self.name = name
    self.api = api
    self.expected = expected
    let request = HTTPText(folder.appending(path: "request.http"))
    path = String(request.firstLine.split(separator: " ")[1])
    requestBody = request.body
    let response = HTTPText(folder.appending(path: "response.http"))
    status = Int(response.firstLine.split(separator: " ")[1]) ?? 0
    contentType = response.fields["content-type"]
    contentEncoding = response.fields["content-encoding"]
    let isChunked = response.fields["transfer-encoding"] == "chunked"
    (body, isCut) = isChunked ? response.dechunked : (response.body, false)
  }

  /// Replays the exchange.
  ///
  /// - Parameter pieces: The body of the answer, cut into pieces.
  func read(
    _ pieces: [ArraySlice<UInt8>]? = nil, _ options: RecordingOptions = RecordingOptions(), end: ExchangeEnd? = nil
  ) -> Exchange {
    let reader = ExchangeReader(api: api, path: path, requestBody: requestBody, options: options)
    reader.begin(status: status, contentType: contentType, contentEncoding: contentEncoding)
    for piece in pieces ?? [body[...]] { reader.receive(Array(piece).span) }
    return reader.finish(end ?? self.end)
  }

  /// A context as a proxy would make it.
  var context: CallContext {
    let provider: String =
      switch api {
      case .messages: "anthropic"
      case .generateContent: "gcp.gemini"
      default: "openai"
      }
    var context = CallContext(
      traceID: TraceID(high: 1, low: 2), spanID: SpanID(value: 3), provider: provider,
      serverAddress: "provider.example", serverPort: 443, startTime: 1_000_000_000, endTime: 3_000_000_000)
    context.firstByteTime = 1_500_000_000
    return context
  }

  func compose(
    _ exchange: Exchange? = nil, _ profile: SpanProfile = .genai, _ level: RecordingOptions.Level = .content
  ) throws -> [DecodedSpan] {
    var next: UInt64 = 100
    let bytes = SpanComposer(profile: profile, version: "1.0").compose(exchange ?? read(), context, level: level) {
      next += 1
      return SpanID(value: next)
    }
    return try DecodedRequest(bytes).spans
  }
}

/// A request or answer as it was on the wire.
private struct HTTPText {
  let firstLine: String
  let fields: [String: String]
  let body: [UInt8]

  init(_ url: URL) {
    let bytes = [UInt8]((try? Data(contentsOf: url)) ?? Data())
    var lines: [String] = []
    var position = 0
    while let end = bytes[position...].firstIndex(of: 0x0A) {
      let line = String(decoding: bytes[position..<end], as: UTF8.self).trimmingCharacters(in: .newlines)
      position = end + 1
      if line.isEmpty { break }
      lines.append(line)
    }
    firstLine = lines.first ?? ""
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      fields[line[..<colon].lowercased()] =
        line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    self.fields = fields
    body = Array(bytes[position...])
  }

  /// The body without chunks, and whether it ends before the last one.
  var dechunked: (body: [UInt8], isCut: Bool) {
    var result: [UInt8] = []
    var position = 0
    while let end = body[position...].firstIndex(of: 0x0A) {
      let line = String(decoding: body[position..<end], as: UTF8.self).trimmingCharacters(in: .newlines)
      guard let size = Int(line, radix: 16) else { break }
      if size == 0 { return (result, false) }
      let start = end + 1
      result += body[start..<min(start + size, body.count)]
      guard start + size + 2 <= body.count else { break }
      position = start + size + 2
    }
    return (result, true)
  }
}

extension JSONValue {
  var text: String? { if case .string(let text) = self { text } else { nil } }
  var number: Int64? { if case .integer(let number) = self { number } else { nil } }
  var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
  var isTrue: Bool { self == .bool(true) }
  var members: [JSONMember] { if case .object(let members) = self { members } else { [] } }

  init(text: String) throws { try self.init(parsing: Array(text.utf8).span) }
}
