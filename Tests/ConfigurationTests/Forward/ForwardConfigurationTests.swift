import Configuration
import Testing

@Suite("Targets of forwarding")
struct ForwardConfigurationTests {
  private static let endpoint = ["--set", "forward.targets.jaeger.endpoint=http://localhost:4317"]

  private func target(_ words: [String], environment: [String: String] = [:]) throws -> ForwardTargetConfiguration {
    let settings = words.flatMap { ["--set", "forward.targets.jaeger.\($0)"] }
    return try #require(try load(Self.endpoint + settings, environment: environment).values.forward.targets.first)
  }

  @Test(
    "the protocol is guessed from the port",
    arguments: [
      ("http://localhost:4317", .grpc), ("http://localhost:4318", .http), ("https://otlp.example.com", .http),
    ] as [(String, ForwardTargetConfiguration.Carrier)])
  func carrier(endpoint: String, expected: ForwardTargetConfiguration.Carrier) throws {
    #expect(try target(["endpoint=\(endpoint)"]).carrier == expected)
    #expect(try target(["endpoint=\(endpoint)", "protocol=http"]).carrier == .http)
  }

  @Test("headers come from the environment as OpenTelemetry writes them, and are not shown")
  func environment() throws {
    let found = try target(
      ["headers_env=JAEGER_HEADERS", "headers=X-Scope-OrgID=team 1"],
      environment: ["JAEGER_HEADERS": "authorization=Bearer%20s3cret, x-b=%2C"])
    #expect(found.secretHeaders.map { [$0.name, $0.value] } == [["authorization", "Bearer s3cret"], ["x-b", ","]])
    #expect(found.headers.map { [$0.name, $0.value] } == [["x-scope-orgid", "team 1"]])
    #expect(!"\(found)".contains("s3cret"))
  }

  @Test("headers come from a file that nobody else may read")
  func file() throws {
    let folder = try Folder()
    let file = try folder.write("# ours\nAuthorization: Bearer a=b\n\nx-c = d\n", as: "headers", mode: 0o600)
    #expect(
      try target(["headers_file=\(file)"]).secretHeaders.map { [$0.name, $0.value] } == [
        ["authorization", "Bearer a=b"], ["x-c", "d"],
      ])
    let open = try folder.write("x: y", as: "open", mode: 0o644)
    #expect(try problem(["headers_file=\(open)"]).contains("is open to other users"))
  }

  @Test(
    "what cannot be is refused, without what may be a secret",
    arguments: [
      (["headers=authorization=Bearer s3cret"], "but none that holds keys or cookies"),
      (["headers=content-type=x"], "headers such as"),
      (["headers_env=MISSING"], "MISSING is not set or empty"),
      (["headers_env=JUNK"], "JUNK holds no headers"),
      (["authorization=s3cret"], "keys are not settings"),
      (["cert_file=/etc/hostname"], "a certificate and its key go together"),
      (["ca_file=/etc/hostname"], "no TLS: write https://"),
      (["retry_initial=10s", "retry_max=1s"], "retry_initial"),
      (["endpoint=ftp://x"], "http:// or https://"),
      (["protocol=udp"], "grpc, http"),
      (["endpoint="], "is needed: the address of the target"),
    ])
  func refused(words: [String], expected: String) throws {
    let text = try problem(words)
    #expect(text.contains(expected) && !text.contains("s3cret"), "\(text)")
  }

  private func problem(_ words: [String]) throws -> String {
    let settings = words.flatMap { ["--set", "forward.targets.jaeger.\($0)"] }
    return try problems(Self.endpoint + settings, environment: ["JUNK": "s3cret"]).joined(separator: "\n")
  }
}
