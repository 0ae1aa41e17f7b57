import JSON
import Testing

@Suite("JSONDocument")
struct JSONDocumentTests {
  private static func document(_ text: String) throws -> JSONDocument { try JSONDocument(parsing: Array(text.utf8)) }

  private static func text(_ document: JSONDocument, _ place: Int) -> String {
    String(decoding: document.bytes[document.text(place)], as: UTF8.self)
  }

  @Test("an array gives its elements with their text", arguments: ["", " ", "\n\t"])
  func elements(space: String) throws {
    let texts = ["1", "-2.50", "\"a\\n\"", "\"b\"", "null", "true", "false", "[]", "{}", "[[1],{\"x\":[2]}]"]
    let document = try Self.document(space + "[" + texts.joined(separator: space + "," + space) + space + "]" + space)
    let places = Array(document.elements(JSONDocument.root))
    #expect(places.map { Self.text(document, $0) } == texts)
    #expect(
      places.map { document.kind($0) } == [
        .integer, .double, .string, .plainString, .null, .true, .false, .array, .object, .array,
      ])
    #expect(document.string(places[2]) == "a\n" && document.string(places[3]) == "b")
    #expect(document.int64(places[0]) == 1 && document.double(places[1]) == -2.5)
  }

  @Test("an object gives its keys, and the last value of one")
  func members() throws {
    let document = try Self.document(#"{"a":[1,{"b":2}],"\u0062":3,"a":"x","é":null}"#)
    let keys = Array(document.keys(JSONDocument.root))
    #expect(keys.map { document.string($0) } == ["a", "b", "a", "é"])
    #expect(document.member(JSONDocument.root, "a").map { Self.text(document, $0) } == "\"x\"")
    #expect(document.member(JSONDocument.root, "b").map { Self.text(document, $0) } == "3")
    #expect(document.member(JSONDocument.root, "c") == nil)
    #expect(document.end(keys[0] + 1) == keys[1])
  }

  @Test("numbers that are too large say so")
  func largeNumbers() throws {
    let document = try Self.document("[9223372036854775807,9223372036854775808,1e400,-1e400]")
    let places = Array(document.elements(JSONDocument.root))
    #expect(document.int64(places[0]) == .max && document.int64(places[1]) == nil)
    #expect(places.map { document.double($0) } == [0x1p63, 0x1p63, .infinity, -.infinity])
  }

  @Test(
    "a text that is no JSON is an error",
    arguments: [
      "", "[", "{", "[1", "{\"a\"", "{\"a\":", "{\"a\":1", "[1,]", "{,}", "1 2", "[]]", "nul", "\"a", "{1:2}",
    ])
  func malformed(text: String) {
    #expect(throws: JSONError.self) { try Self.document(text) }
  }

  @Test("depth is limited and takes no stack")
  func depth() throws {
    let text = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
    #expect(throws: JSONError(.tooDeep, at: 512)) { try Self.document(text) }
    let document = try JSONDocument(parsing: Array(text.utf8), maximumDepth: 100_000)
    #expect(document.end(JSONDocument.root) == 100_000)
  }
}
