import Testing

@testable import Spelling

@Suite("Suggestions for misspelled names")
struct SpellingTests {
  @Test(
    "the distance counts insertions, deletions, replacements and swaps",
    arguments: [
      ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("level", "levle", 1), ("kitten", "sitting", 3), ("a", "a", 0),
    ])
  func distance(first: String, second: String, expected: Int) {
    #expect(Spelling.distance(Array(first), Array(second)) == expected)
  }

  @Test(
    "the nearest name is suggested when it is near",
    arguments: [
      ("serv", "serve"), ("qeury", "query"), ("EXPORT", "export"), ("completely-different", nil), ("x", nil), ("", nil),
    ])
  func nearest(word: String, expected: String?) {
    #expect(Spelling.nearest(to: word, in: ["serve", "query", "export"]) == expected)
  }

  @Test("a suggestion is the end of a sentence")
  func suggestion() {
    #expect(Spelling.suggestion(for: "serv", in: ["serve"]) == ", did you mean \"serve\"?")
    #expect(Spelling.suggestion(for: "zzzzz", in: ["serve"]) == "")
  }

  @Test("an endless word costs nothing")
  func endless() {
    #expect(Spelling.nearest(to: String(repeating: "a", count: 1_000_000), in: ["serve"]) == nil)
  }
}
