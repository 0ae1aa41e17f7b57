import JSON
import Testing
import Transport

@testable import LightningAPI

@Suite("Requests that are at fault")
struct FaultTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let method: String
    let path: String
    let query: String?
    let contentType: String?
    let body: String
    let status: JSONValue
    let answer: JSONValue

    var testDescription: String { "\(method) \(path)?\(query ?? "") \(body.prefix(80))" }
  }

  static func cases(_ file: String) throws -> [Case] {
    try recorded(file).map { line in
      Case(
        method: line["method"]?.text ?? "", path: line["path"]?.text ?? "", query: line["query"]?.text,
        contentType: line["content_type"]?.text, body: line["body"]?.text ?? "", status: line["status"] ?? .null,
        answer: line["answer"] ?? .null)
    }
  }

  @Test(
    "are answered as AGL's server answers them, and so are spans drawn at random",
    arguments: [("faults.jsonl", 321), ("drawn-spans.jsonl", 180)])
  func answers(file: String, count: Int) async throws {
    let cases = try Self.cases(file)
    #expect(cases.count == count)
    for test in cases {
      var headers = HTTPHeaders()
      if let type = test.contentType { headers.append("content-type", type) }
      let answer = await ask(
        FakeStore(), HTTPMethod(rawValue: test.method), test.path, query: test.query, test.body, headers: headers)
      #expect(.integer(Int64(answer.status)) == test.status, "\(test.testDescription)")
      #expect(answer.json?.json == test.answer.json, "\(test.testDescription)")
    }
  }
}
