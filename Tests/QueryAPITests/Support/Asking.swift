import JSON
import Transport

@testable import QueryAPI

/// An answer as a test looks at it.
struct Answer {
  var status: Int
  var body: String
  var headers: HTTPHeaders

  /// What the body says.
  var json: JSONValue? { try? JSONValue(parsing: Array(body.utf8).span) }

  /// The message of an error.
  var message: String? { json?["error"]?["message"]?.text }
}

/// Sends a request to an API over a store.
func ask(
  _ store: FakeStore, _ method: HTTPMethod, _ path: String, query: String? = nil, _ body: String = "",
  headers: HTTPHeaders = ["content-type": "application/json"]
) async -> Answer {
  await ask(store, method, path, query: query, bytes: Array(body.utf8), headers: headers)
}

func ask(
  _ store: FakeStore, _ method: HTTPMethod, _ path: String, query: String? = nil, bytes: [UInt8],
  headers: HTTPHeaders = ["content-type": "application/json"]
) async -> Answer {
  let request = HTTPRequest(method: method, path: path, query: query, headers: headers, body: RequestBody(bytes))
  guard let response = await store.api.respond(to: request) else { return Answer(status: 0, body: "", headers: [:]) }
  var body: [UInt8] = []
  switch response.body {
  case .none: break
  case .bytes(let bytes): body = bytes
  case .stream(let next): while let piece = try? await next() { body += piece }
  }
  return Answer(status: response.status, body: String(decoding: body, as: UTF8.self), headers: response.headers)
}

extension JSONValue {
  /// The text of a string.
  var text: String? { if case .string(let text) = self { text } else { nil } }

  /// The elements of an array.
  var elements: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
}
