import Credentials
import Testing

@Suite("SHA-256")
struct SHA256DigestTests {
  @Test(
    "the examples of FIPS 180-4 come out",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func examples(message: String, expected: String) {
    #expect(SHA256Digest(hashing: message.utf8Span.span).hexadecimal == expected)
  }

  @Test("both cases of hexadecimal are read, lower case is written")
  func hexadecimal() throws {
    let text = "BA7816BF8F01CFEA414140DE5DAE2223b00361a396177a9cb410ff61f20015ad"
    #expect(try #require(SHA256Digest(hexadecimal: text)).hexadecimal == text.lowercased())
  }

  @Test(
    "anything but 64 hexadecimal digits is refused",
    arguments: [
      "", String(repeating: "a", count: 63), String(repeating: "a", count: 65), String(repeating: "g", count: 64),
    ])
  func malformed(text: String) {
    #expect(SHA256Digest(hexadecimal: text) == nil)
  }

  @Test("digests differ when any byte differs", arguments: 0..<32)
  func comparison(index: Int) throws {
    let zeros = try #require(SHA256Digest(hexadecimal: String(repeating: "0", count: 64)))
    let digits = (0..<32).map { $0 == index ? "01" : "00" }.joined()
    let other = try #require(SHA256Digest(hexadecimal: digits))
    #expect(zeros.equalsInConstantTime(zeros))
    #expect(!zeros.equalsInConstantTime(other))
  }
}
