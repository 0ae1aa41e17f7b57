internal import YAML

/// Collects the settings of a configuration file.
struct FileSettings {
  private let file: String
  private(set) var settings: [ConfigurationSetting] = []
  private(set) var problems: [ConfigurationProblem] = []

  /// - Parameter file: The path, for messages.
  init(_ bytes: [UInt8], file: String) {
    self.file = file
    do throws(YAMLError) {
      guard let root = try YAMLNode.parse(bytes.span) else { return }
      read(root, section: "")
    } catch {
      let source = ConfigurationSource.file(file, line: error.position.line)
      problems.append(.init(source: source, option: nil, message: "column \(error.position.column): \(error.message)"))
    }
  }

  private mutating func read(_ node: YAMLNode, section: String) {
    switch node.content {
    // A section whose options are all commented out.
    case .null: return
    case .mapping(let entries):
      for entry in entries { read(entry, section: section) }
    case .scalar, .sequence:
      report(node.position.line, section.isEmpty ? nil : section, "expected options, one \"name: value\" a line")
    }
  }

  private mutating func read(_ entry: YAMLEntry, section: String) {
    let path = section.isEmpty ? entry.key : "\(section).\(entry.key)"
    switch FulguriteConfiguration.lookUp(path) {
    case .option where entry.key.contains("."), .section where entry.key.contains("."):
      // Two spellings of one option would let two values of it stand in one file.
      let message = "in a file each word before a dot is a section of its own, with the rest below it"
      report(entry.position.line, path, message)
    case .option(let option): readValue(entry, of: option)
    case .section: read(entry.value, section: path)
    case .refused(let option, let message): report(entry.position.line, option, message)
    case .unknown(let message): report(entry.position.line, nil, message)
    }
  }

  private mutating func readValue(_ entry: YAMLEntry, of option: ConfigurationOption) {
    guard let value = ConfigurationValue(entry.value) else {
      let message = "expected \(option.expectation), found \(entry.value.kind)"
      return report(entry.position.line, option.path, message)
    }
    let source = ConfigurationSource.file(file, line: entry.position.line)
    settings.append(ConfigurationSetting(path: option.path, value: value, source: source))
  }

  private mutating func report(_ line: Int, _ option: String?, _ message: String) {
    problems.append(ConfigurationProblem(source: .file(file, line: line), option: option, message: message))
  }
}

extension ConfigurationValue {
  /// - Returns: `nil` for what no option takes: nothing, a mapping, a list of anything but texts.
  fileprivate init?(_ node: YAMLNode) {
    switch node.content {
    case .null, .mapping: return nil
    case .scalar(let text): self = .text(text)
    case .sequence(let nodes):
      var elements: [String] = []
      for node in nodes {
        guard case .scalar(let text) = node.content else { return nil }
        elements.append(text)
      }
      self = .list(elements)
    }
  }
}

extension YAMLNode {
  fileprivate var kind: String {
    switch content {
    case .null: "nothing"
    case .scalar: "a text"
    case .sequence: "a list of other things"
    case .mapping: "options"
    }
  }
}
