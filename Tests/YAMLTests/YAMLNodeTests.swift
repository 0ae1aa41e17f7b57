import Testing
import YAML

@Suite("YAML documents")
struct YAMLNodeTests {
  @Test("mappings keep their order, values their place")
  func mapping() throws {
    let root = try #require(try YAMLNode.parse("b: 1\na:\n  c: \"two\"\n"))
    guard case .mapping(let entries) = root.content else { throw Unexpected() }
    #expect(entries.map(\.key) == ["b", "a"])
    #expect(entries[0].value == YAMLNode(.scalar("1"), at: YAMLPosition(line: 1, column: 4)))
    #expect(entries[1].position == YAMLPosition(line: 2, column: 1))
    guard case .mapping(let inner) = entries[1].value.content else { throw Unexpected() }
    #expect(inner[0].value == YAMLNode(.scalar("two"), at: YAMLPosition(line: 3, column: 6)))
  }

  @Test("block and flow sequences are the same", arguments: ["- a\n- b\n", "[a, b]"])
  func sequence(text: String) throws {
    let root = try #require(try YAMLNode.parse(text))
    guard case .sequence(let elements) = root.content else { throw Unexpected() }
    #expect(elements.map(\.content) == [.scalar("a"), .scalar("b")])
  }

  @Test("a stream without a document is nil", arguments: ["", "\n\n", "# only a comment\n"])
  func nothing(text: String) throws {
    #expect(try YAMLNode.parse(text) == nil)
  }

  @Test("bytes without a base address are an empty stream")
  func emptySpan() throws {
    #expect(try YAMLNode.parse([UInt8]().span) == nil)
  }

  @Test("plain null is null", arguments: ["a:", "a: ~", "a: null", "a: NULL"])
  func null(text: String) throws {
    #expect(try value(in: text) == .null)
  }

  @Test("quoted null is text", arguments: [("a: \"\"", ""), ("a: '~'", "~"), ("a: \"null\"", "null")])
  func quotedNull(text: String, value expected: String) throws {
    #expect(try value(in: text) == .scalar(expected))
  }

  @Test("escapes, NUL included, and characters beyond ASCII arrive")
  func escapes() throws {
    #expect(try value(in: #"a: "x\n\0é\u2028""#) == .scalar("x\n\0é\u{2028}"))
  }

  @Test("UTF-16 with a byte order mark is read")
  func utf16() throws {
    let bytes: [UInt8] = [0xFF, 0xFE] + "é".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    #expect(try YAMLNode.parse(bytes.span)?.content == .scalar("é"))
  }
}

@Suite("YAML that is refused")
struct YAMLErrorTests {
  @Test(
    "each refusal says where and why",
    arguments: [
      ("a: 1\nb: [1, 2\n", "line 3, column 1: did not find expected ',' or ']' while parsing a flow sequence"),
      ("a: 'x", "line 1, column 6: found unexpected end of stream while scanning a quoted scalar"),
      ("a: 1\n b: 2\n", "line 2, column 3: mapping values are not allowed in this context"),
      ("a: 1\nb: 2\na: 3\n", "line 3, column 1: the key \"a\" is already on line 1"),
      ("a: &x 1\n", "line 1, column 4: anchors are not supported"),
      ("a: *x\n", "line 1, column 4: aliases are not supported"),
      ("a: !!str 1\n", "line 1, column 4: tags are not supported"),
      ("a: !x [1]\n", "line 1, column 4: tags are not supported"),
      ("a: &x {b: 1}\n", "line 1, column 4: anchors are not supported"),
      ("[a]: 1\n", "line 1, column 1: a key must be a word"),
      ("? {a: 1}\n: 1\n", "line 1, column 3: a key must be a word"),
      ("~: 1\n", "line 1, column 1: a key must be a word"),
      ("a: 1\n---\nb: 2\n", "line 2, column 1: a second document starts here, only one is read"),
      ("ä: 1\nb\u{7}: 2\n", "line 2, column 2: control characters are not allowed"),
    ])
  func message(text: String, expected: String) {
    #expect(failure(Array(text.utf8)) == expected)
  }

  @Test("bytes that are not UTF-8 are refused where they stand")
  func invalidUTF8() {
    #expect(failure(Array("a: 1\nb: ".utf8) + [0xFF]) == "line 2, column 4: invalid leading UTF-8 octet")
  }

  @Test("64 levels are read, 65 refused")
  func depth() throws {
    let nested = { (levels: Int) in String(repeating: "[", count: levels) + String(repeating: "]", count: levels) }
    #expect(try YAMLNode.parse(nested(64)) != nil)
    #expect(failure(Array(nested(65).utf8)) == "line 1, column 65: values nest deeper than 64 levels")
  }

  @Test("nesting in keys counts as nesting")
  func depthOfKeys() {
    let text = String(repeating: "? ", count: 200) + "a"
    #expect(failure(Array(text.utf8)) == "line 1, column 129: values nest deeper than 64 levels")
  }

  @Test("1 MiB is read, a byte more refused")
  func size() throws {
    let largest = "#" + String(repeating: "x", count: YAMLLimits.maximumBytes - 1)
    #expect(try YAMLNode.parse(largest) == nil)
    #expect(
      failure(Array((largest + "x").utf8))
        == "line 1, column 1: the document has 1048577 bytes, at most 1048576 are read")
  }

  @Test("every prefix of a document is read, or refused at a place in it")
  func prefixes() {
    let bytes = Array("a: [1, {b: \"x\\u00e9\"}]\nc:\n  - |\n    text\n  - 'é'\n".utf8)
    var refused = 0
    for count in bytes.indices {
      do throws(YAMLError) {
        let prefix = Array(bytes[..<count])
        _ = try YAMLNode.parse(prefix.span)
      } catch {
        refused += 1
        #expect((1...6).contains(error.position.line) && (1...30).contains(error.position.column))
      }
    }
    #expect(refused > 10)
  }
}

private struct Unexpected: Error {}

private func value(in text: String) throws -> YAMLNode.Content {
  guard case .mapping(let entries) = try YAMLNode.parse(text)?.content else { throw Unexpected() }
  return try #require(entries.first).value.content
}

private func failure(_ bytes: [UInt8]) -> String? {
  do throws(YAMLError) {
    _ = try YAMLNode.parse(bytes.span)
    return nil
  } catch {
    return error.description
  }
}
