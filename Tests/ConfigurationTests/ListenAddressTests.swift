import Configuration
import Testing

@Suite("Addresses to listen on")
struct ListenAddressTests {
  @Test(
    "names, IPv4 and bracketed IPv6 addresses are read",
    arguments: [
      ("localhost:4318", "localhost", 4318), ("127.0.0.1:0", "127.0.0.1", 0), ("[::1]:65535", "::1", 65535),
      ("[fe80::1%eth0]:1", "fe80::1%eth0", 1), ("my-host_1.example.org:80", "my-host_1.example.org", 80),
    ] as [(String, String, UInt16)])
  func read(text: String, host: String, port: UInt16) throws {
    let address = try #require(ListenAddress(text))
    #expect(address.host == host && address.port == port && address.description == text)
  }

  @Test("localhost is localhost in every case")
  func spelling() {
    #expect(ListenAddress("LocalHost:4318") == .localhost(4318))
  }

  @Test(
    "what a resolver would have to guess is refused",
    arguments: [
      "", ":", "localhost", ":4318", "localhost:", "localhost:65536", "localhost:-1", "localhost:+1", "localhost:1 ",
      "::1:4318",
      "[::1]", "[::1]4318", "[127.0.0.1]:1", "[::g]:1", "[::1%]:1", "127.1:1", "1.2.3.400:1", "1.2.3.4.5:1", "a b:1",
      "a..b:1",
      "-:99999999999999999999", "http://localhost:1", "localhost:１", "hö:1", "a\0:1", "[::1\0]:1",
    ])
  func refused(text: String) {
    #expect(ListenAddress(text) == nil)
  }

  @Test(
    "loopback is what no other machine reaches",
    arguments: [
      ("localhost:1", true), ("LocalHost:1", true), ("127.0.0.1:1", true), ("127.255.0.3:1", true), ("[::1]:1", true),
      ("[0:0:0:0:0:0:0:1]:1", true), ("[::ffff:127.0.0.1]:1", true), ("0.0.0.0:1", false), ("[::]:1", false),
      ("[::ffff:10.0.0.1]:1", false), ("10.0.0.1:1", false), ("128.0.0.1:1", false), ("example.org:1", false),
      ("localhost.example.org:1", false), ("[::127.0.0.1]:1", false), ("[1::1]:1", false),
    ])
  func loopback(text: String, expected: Bool) throws {
    #expect(try #require(ListenAddress(text)).isLoopback == expected)
  }
}
