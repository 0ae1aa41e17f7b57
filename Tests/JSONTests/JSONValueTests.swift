import Foundation
import JSON
import SeededRandom
import Testing

@Suite struct `JSON documents as trees` {
  @Test func `random documents survive writing and reading`() throws {
    var random = SplitMix64(seed: 4)
    for _ in 0..<2_000 {
      let value = document(depth: 0, &random)
      var writer = JSONWriter()
      writer.value(value)
      #expect(try JSONValue(parsing: writer.bytes.span) == value)
      #expect(throws: Never.self) {
        try JSONSerialization.jsonObject(with: Data(writer.bytes), options: .fragmentsAllowed)
      }
    }
  }

  @Test func `mutated documents are read or refused as Foundation does`() throws {
    var random = SplitMix64(seed: 5)
    var acceptedCount = 0
    for _ in 0..<5_000 {
      var writer = JSONWriter()
      writer.value(document(depth: 2, &random))
      var text = writer.bytes
      for _ in 0..<Int.random(in: 1...2, using: &random) {
        let index = Int.random(in: 0..<text.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: text[index] = Array("[]{},:\"\\0129.-e tn".utf8).randomElement(using: &random)!
        case 1: text.remove(at: index)
        default: text.insert(text[Int.random(in: 0..<text.count, using: &random)], at: index)
        }
        if text.isEmpty { break }
      }
      let isAccepted = (try? JSONValue(parsing: text.span)) != nil
      // Foundation refuses ill-formed UTF-8, which is read as U+FFFD here.
      let repaired = Data(String(decoding: text, as: UTF8.self).utf8)
      let isValid = (try? JSONSerialization.jsonObject(with: repaired, options: .fragmentsAllowed)) != nil
      if isAccepted { acceptedCount += 1 }
      // Foundation lets a comma end an object or array.
      let string = String(decoding: text, as: UTF8.self)
      let mayEndWithComma = string.contains(/,\s*[\]}]/)
      #expect(isAccepted == isValid || isValid && mayEndWithComma, "\(string)")
    }
    #expect(acceptedCount > 500)
  }

  @Test func `of members with one name the last counts`() throws {
    let value = try JSONValue(parsing: #"{"a":1,"b":2,"a":3}"#.utf8Span.span)
    #expect(value["a"] == .integer(3))
    #expect(value["c"] == nil)
    #expect(JSONValue.null["a"] == nil)
  }

  private func document(depth: Int, _ random: inout SplitMix64) -> JSONValue {
    switch Int.random(in: 0..<(depth < 4 ? 9 : 5), using: &random) {
    case 0: return .null
    case 1: return .bool(.random(using: &random))
    case 2: return .integer(.random(in: .min ... .max, using: &random))
    case 3: return .double(.random(in: -1e20...1e20, using: &random))
    case 4: return .string(String(decoding: random.text(maximumCount: 40), as: UTF8.self))
    case 5, 6:
      return .array((0..<Int.random(in: 0..<4, using: &random)).map { _ in document(depth: depth + 1, &random) })
    default:
      return .object(
        (0..<Int.random(in: 0..<4, using: &random)).map {
          JSONMember("k\($0)", document(depth: depth + 1, &random))
        })
    }
  }
}
