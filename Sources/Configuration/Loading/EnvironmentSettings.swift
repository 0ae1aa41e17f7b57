internal import Spelling

/// Collects the settings of the environment.
struct EnvironmentSettings {
  private(set) var settings: [ConfigurationSetting] = []
  private(set) var problems: [ConfigurationProblem] = []

  /// - Parameter others: The settings of the other sources. A variable cannot spell every name; when it fits a name
  ///   that another source spells it is that name, else it is lower case with underscores.
  init(_ environment: [String: String], besides others: [ConfigurationSetting]) {
    // Sorted, so that messages come in one order.
    for (variable, text) in environment.sorted(by: { $0.key < $1.key }) {
      guard variable.hasPrefix(ConfigurationOption.environmentPrefix), variable != ConfigurationLoader.fileVariable
      else { continue }
      let source = ConfigurationSource.environment(variable)
      switch Self.lookUp(variable, besides: others) {
      case .option(let option):
        settings.append(ConfigurationSetting(path: option.path, value: .text(text), source: source))
      case .refused(let option, let message):
        problems.append(ConfigurationProblem(source: source, option: option, message: message))
      case .unknown(let message): problems.append(ConfigurationProblem(source: source, option: nil, message: message))
      case .section: continue
      }
    }
  }

  private static func lookUp(_ variable: String, besides others: [ConfigurationSetting]) -> OptionLookup {
    let options = FulguriteConfiguration.options
    if let option = options.first(where: { $0.environmentVariable == variable }) { return .option(option) }
    for section in FulguriteConfiguration.namedSections {
      if let path = path(of: variable, in: section, besides: others) { return FulguriteConfiguration.lookUp(path) }
    }
    return .unknown(message: "unknown option\(suggestion(for: variable))")
  }

  /// Reads `FULGURITE_LLM_UPSTREAMS_` + the name + `_` + an option; where several options fit, the longest.
  ///
  /// - Returns: `nil` unless an option stands at the end and a name before it.
  private static func path(
    of variable: String, in section: NamedSection, besides others: [ConfigurationSetting]
  ) -> String? {
    guard let rest = rest(of: variable, in: section) else { return nil }
    let fitting = (section.words + section.refusals.keys).filter { rest.hasSuffix("_" + $0.uppercased()) }
    guard let word = fitting.max(by: { $0.count < $1.count }) else { return nil }
    let spelled = String(rest.dropLast(word.count + 1))
    let declared = others.lazy.compactMap { section.name(in: $0.path) }.first { spell($0) == spelled }
    let name = declared.map(String.init) ?? spelled.lowercased()
    guard NamedSection.isName(name), spell(name) == spelled else { return nil }
    return "\(section.path).\(name).\(word)"
  }

  /// What stands behind the words that lead to the section; `nil` for variables elsewhere.
  private static func rest(of variable: String, in section: NamedSection) -> Substring? {
    let prefix = ConfigurationOption.environmentVariable(of: section.path) + "_"
    return variable.hasPrefix(prefix) ? variable.dropFirst(prefix.count) : nil
  }

  private static func spell(_ name: some StringProtocol) -> String {
    name.uppercased().replacing("-", with: "_")
  }
}

extension EnvironmentSettings {
  /// How many words of a misspelled variable are taken for a name at most.
  private static let longestName = 8

  /// The end of a message about an unknown variable.
  private static func suggestion(for variable: String) -> String {
    for section in FulguriteConfiguration.namedSections {
      guard let rest = rest(of: variable, in: section) else { continue }
      let prefix = variable.dropLast(rest.count)
      return nearest(to: String(rest), in: section).map { ", did you mean \(quote(prefix + $0))?" } ?? ""
    }
    let known = FulguriteConfiguration.documentedOptions.map(\.environmentVariable)
    return Spelling.suggestion(for: variable, in: known + [ConfigurationLoader.fileVariable])
  }

  /// The name and option that the end of a variable probably means, with each name that it may hold.
  private static func nearest(to rest: String, in section: NamedSection) -> String? {
    let options = section.words.map { $0.uppercased() }
    if options.contains(rest) { return "\(NamedSection.placeholder)_\(rest)" }
    let ends = rest.indices.filter { rest[$0] == "_" }.prefix(longestName)
    let names = ends.map { rest[..<$0].uppercased() }
    return Spelling.nearest(to: rest, in: names.flatMap { name in options.map { "\(name)_\($0)" } })
  }
}
