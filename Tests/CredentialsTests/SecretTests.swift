import Credentials
import Testing

@Suite("Secrets that the program presents to others")
struct SecretTests {
  @Test("white space around a secret is left out", arguments: ["sk-1", " sk-1", "sk-1\n", "\tsk-1\r\n"])
  func trimmed(text: String) throws {
    #expect(try #require(Secret(text)).revealed == "sk-1")
  }

  @Test(
    "what no header can carry is no secret",
    arguments: ["", "\n", "a b", "a\nb", "a\r\nx: y", "a\0", "a\u{7F}", "é"])
  func refused(text: String) {
    #expect(Secret(text) == nil)
  }

  @Test("a secret shows itself to those who ask for it only")
  func hidden() throws {
    let secret = try #require(Secret("sk-hidden"))
    var dumped = ""
    dump(["key": secret], to: &dumped)
    for text in ["\(secret)", String(reflecting: secret), "\([secret])", "\(Optional(secret) as Any)", dumped] {
      #expect(!text.contains("sk-hidden"))
    }
  }
}
