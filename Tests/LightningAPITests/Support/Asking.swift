import Foundation
import JSON
import Telemetry
import Transport

@testable import LightningAPI

/// An answer as a test looks at it.
struct Answer: Equatable {
  var status: Int
  var body: String

  init(_ status: Int, _ body: String) {
    self.status = status
    self.body = body
  }

  /// What the body says.
  var json: JSONValue? { try? JSONValue(parsing: Array(body.utf8).span, maximumDepth: 1000) }
}

/// Sends a request to an API over a store.
func ask(
  _ store: FakeStore, _ method: HTTPMethod, _ path: String, query: String? = nil, _ body: String = "",
  headers: HTTPHeaders = ["content-type": "application/json"],
  _ configure: (inout LightningAPI.Options) -> Void = { _ in }
) async -> Answer {
  await ask(store, method, path, query: query, bytes: Array(body.utf8), headers: headers, configure)
}

func ask(
  _ store: FakeStore, _ method: HTTPMethod, _ path: String, query: String? = nil, bytes: [UInt8],
  headers: HTTPHeaders = ["content-type": "application/json"],
  _ configure: (inout LightningAPI.Options) -> Void = { _ in }
) async -> Answer {
  var options = LightningAPI.Options()
  configure(&options)
  let api = LightningAPI(reader: store, rollouts: store, options: options) { _ in }
  let request = HTTPRequest(method: method, path: path, query: query, headers: headers, body: RequestBody(bytes))
  guard let response = await api.respond(to: request) else { return Answer(0, "") }
  return Answer(response.status, await text(response))
}

/// The whole body of an answer.
func text(_ response: HTTPResponse) async -> String {
  var bytes: [UInt8] = []
  switch response.body {
  case .none: break
  case .bytes(let whole): bytes = whole
  case .stream(let next): while let piece = try? await next() { bytes += piece }
  }
  return String(decoding: bytes, as: UTF8.self)
}

/// The lines of a recorded file, each a JSON value; one that only Python reads is left out.
func recorded(_ name: String) throws -> [JSONValue] {
  let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/agl")
  let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
  return text.utf8.split(separator: 0x0A).compactMap { line in try? JSONValue(parsing: Array(line).span) }
}

extension JSONValue {
  /// The text of a string.
  var text: String? { if case .string(let text) = self { text } else { nil } }

  /// The value as JSON.
  var json: String {
    var writer = JSONWriter()
    writer.value(self)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}
