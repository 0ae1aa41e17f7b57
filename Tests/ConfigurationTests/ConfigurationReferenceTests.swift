import Arguments
import Configuration
import Foundation
import Testing
import YAML

@Suite("The documentation of the options")
struct ConfigurationReferenceTests {
  @Test("paths, environment variables and flags are distinct")
  func distinct() {
    let options = FulguriteConfiguration.documentedOptions
    #expect(Set(options.map(\.path)).count == options.count)
    #expect(Set(options.map(\.environmentVariable)).count == options.count)
    let flags = ConfigurationLoader.flags.map(\.name)
    #expect(Set(flags).count == flags.count)
    #expect(!options.map(\.environmentVariable).contains(ConfigurationLoader.fileVariable))
  }

  @Test("every option is documented with a sentence", arguments: FulguriteConfiguration.documentedOptions.map(\.path))
  func documented(path: String) throws {
    let option = try #require(FulguriteConfiguration.documentedOptions.first { $0.path == path })
    #expect(option.documentation.hasSuffix(".") && !option.expectation.isEmpty && !option.type.isEmpty)
  }

  @Test("every option takes its own default from the file, the environment and --set")
  func defaults() throws {
    // Some options need an upstream, or a target of forwarding.
    let upstream = Self.named.flatMap { ["--set", "\($0)=\($1)"] }
    let expected = try load(upstream).values
    let required = Self.named.map(\.0)
    for option in try optionsWithUpstream() where !required.contains(option.path) {
      let text: String
      switch option.defaultValue {
      case .text(let value): text = value
      case .list(let values): text = values.joined(separator: ",")
      }
      let words = option.path.split(separator: ".")
      let file = words.enumerated().map { depth, word in String(repeating: " ", count: depth) + "\(word):" }
        .joined(separator: "\n")
      let loaded = [
        try load(upstream + ["--set", "\(option.path)=\(text)"]),
        try load(upstream, environment: [option.environmentVariable: text]),
        try load(upstream, file: "\(file) \(option.defaultValue.yaml)\n"),
      ]
      for loaded in loaded {
        #expect(loaded.values == expected, "\(option.path)")
        #expect(loaded.sources.keys.sorted() == (required + [option.path]).sorted())
      }
    }
  }

  @Test("config/fulgurite.yaml and docs/configuration.md are made from the table (REGENERATE=1 writes them)")
  func files() throws {
    for (name, text) in [
      ("config/fulgurite.yaml", ConfigurationReference.yaml()),
      ("docs/configuration.md", ConfigurationReference.markdown()),
    ] {
      let url = packageFolder.appending(path: name)
      if ProcessInfo.processInfo.environment["REGENERATE"] == "1" {
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: true, encoding: .utf8)
      }
      #expect(try String(contentsOf: url, encoding: .utf8) == text)
    }
  }

  @Test("config/fulgurite.yaml is valid as it is, and sets nothing")
  func asDelivered() throws {
    let text = try exampleFile()
    #expect(try YAMLNode.parse(text) != nil)
    #expect(try load(file: text).sources.isEmpty)
  }

  @Test("config/fulgurite.yaml lists exactly the options of the table, with their defaults")
  func uncommented() throws {
    let lines = try exampleFile().split(separator: "\n", omittingEmptySubsequences: false).map { line in
      // Options are "#name:", explanations are "# ".
      line.contains(/^ *#\w/) ? line.replacing("#", with: "", maxReplacements: 1) : line
    }
    let text = lines.joined(separator: "\n").replacing("    NAME:", with: "    openai:")
      .replacing("base_url: \"\"", with: "base_url: https://api.openai.com")
      .replacing("endpoint: \"\"", with: "endpoint: http://localhost:4317")
    let loaded = try load(file: text)
    #expect(try loaded.sources.keys.sorted() == optionsWithUpstream().map(\.path).sorted())
    #expect(loaded.values == (try load(Self.named.flatMap { ["--set", "\($0)=\($1)"] })).values)
  }

  @Test("the comments of the properties name the environment variable of every option")
  func comments() throws {
    let sources = packageFolder.appending(path: "Sources/Configuration")
    let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
    let text = try files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
      .map { try String(contentsOf: $0, encoding: .utf8) }.joined()
    for option in FulguriteConfiguration.documentedOptions { #expect(text.contains("`\(option.environmentVariable)`")) }
  }

  @Test("lines of the example and of the page are not too long")
  func width() {
    for text in [ConfigurationReference.yaml(), ConfigurationReference.markdown()] {
      #expect(text.split(separator: "\n").allSatisfy { $0.count <= 140 })
    }
  }

  @Test(
    "values are quoted where YAML would read something else",
    arguments: [
      "", "null", "Null", "~", "a: b", "a:", "[a", "- a", "#a", "*a", "a\"\\b", "a\n\tb\u{1}\u{7F}\u{85}", "é",
      "/plain/path",
    ])
  func quoting(text: String) throws {
    let node = try #require(try YAMLNode.parse("key: \(ConfigurationValue.text(text).yaml)\n"))
    guard case .mapping(let entries) = node.content else { throw CocoaError(.coderInvalidValue) }
    #expect(entries.map(\.value.content) == [.scalar(text)])
  }

  /// What entries of named sections cannot be without.
  private static let named = [
    ("llm.upstreams.openai.base_url", "https://api.openai.com"),
    ("forward.targets.openai.endpoint", "http://localhost:4317"),
  ]

  /// All options, those of named sections with a name.
  private func optionsWithUpstream() throws -> [ConfigurationOption] {
    try FulguriteConfiguration.documentedOptions.map { option in
      try #require(FulguriteConfiguration.option(at: option.path.replacing("NAME", with: "openai")))
    }
  }

  private func exampleFile() throws -> String {
    try String(contentsOf: packageFolder.appending(path: "config/fulgurite.yaml"), encoding: .utf8)
  }
}

private let packageFolder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()
