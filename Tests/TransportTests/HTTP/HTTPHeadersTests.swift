import Testing

@testable import Transport

@Suite struct HTTPHeadersTests {
  @Test func `names are kept in lower case, however they are written`() {
    var headers: HTTPHeaders = ["Content-Type": "a/b"]
    headers.append("X-One", "1")
    headers.append("x-one", "2")
    #expect(headers.first("content-type") == "a/b")
    #expect(headers.all("x-one") == ["1", "2"])
    #expect(headers.first("x-two") == nil)
    #expect(headers.fields.map(\.name) == ["content-type", "x-one", "x-one"])
  }

  @Test func `set replaces all fields of a name`() {
    var headers: HTTPHeaders = ["a": "1", "b": "2", "A": "3"]
    headers.set("a", "4")
    #expect(headers.all("a") == ["4"])
    #expect(headers.count == 2)
  }

  @Test(arguments: [
    ("close", true), ("keep-alive, Close", true), (" close ,x", true), ("closed", false), ("", false), (",,", false),
  ])
  func `members of lists are found`(value: String, expected: Bool) {
    let headers: HTTPHeaders = ["Connection": value]
    #expect(headers.list("connection", contains: "close") == expected)
  }
}
