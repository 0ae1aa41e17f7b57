import Configuration
import Testing

@Suite("Options")
struct ConfigurationOptionTests {
  @Test("the environment variable follows from the path")
  func environmentVariable() throws {
    #expect(try option("limits.request_bytes").environmentVariable == "FULGURITE_LIMITS_REQUEST_BYTES")
  }

  @Test("values are shown as the file spells them")
  func shown() throws {
    let configuration = try load(["--set", "limits.idle_timeout=90000ms", "--set", "listen.api=[::1]:1,localhost:2"])
      .values
    #expect(try option("limits.idle_timeout").shownValue(in: configuration) == "90s")
    #expect(try option("listen.api").shownValue(in: configuration) == "[\"[::1]:1\", localhost:2]")
    #expect(try option("limits.request_bytes").shownValue(in: configuration) == "64MiB")
    #expect(try option("limits.request_bytes").unit == "bytes")
  }

  @Test("secrets are counted, not shown")
  func secrets() throws {
    let option = try option("auth.api.tokens")
    #expect(option.isSecret)
    let values = ["", hash("a"), "\(hash("a")),\(hash("b"))"].map { text in
      Result { option.shownValue(in: try load(["--set", "auth.api.tokens=\(text)"]).values) }
    }
    #expect(try values.map { try $0.get() } == ["[]", "(1 value, not shown)", "(2 values, not shown)"])
  }

  private func option(_ path: String) throws -> ConfigurationOption {
    try #require(FulguriteConfiguration.options.first { $0.path == path })
  }
}
