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
    let documented = FulguriteConfiguration.documentedOptions.map(\.environmentVariable)
    let suggestion = Spelling.suggestion(for: variable, in: documented + [ConfigurationLoader.fileVariable])
    return .unknown(message: "unknown option\(suggestion)")
  }

  /// Reads `FULGURITE_LLM_UPSTREAMS_` + the name + `_` + an option; where several options fit, the longest.
  ///
  /// - Returns: `nil` unless an option stands at the end and a name before it.
  private static func path(
    of variable: String, in section: NamedSection, besides others: [ConfigurationSetting]
  ) -> String? {
    let prefix = ConfigurationOption.environmentVariable(of: section.path) + "_"
    guard variable.hasPrefix(prefix) else { return nil }
    let rest = variable.dropFirst(prefix.count)
    let words = section.documentedOptions.compactMap { section.option(in: $0.path).map(String.init) }
    let fitting = (words + section.refusals.keys).filter { rest.hasSuffix("_" + $0.uppercased()) }
    guard let word = fitting.max(by: { $0.count < $1.count }) else { return nil }
    let spelled = String(rest.dropLast(word.count + 1))
    let declared = others.lazy.compactMap { section.name(in: $0.path) }.first { spell($0) == spelled }
    let name = declared.map(String.init) ?? spelled.lowercased()
    guard NamedSection.isName(name), spell(name) == spelled else { return nil }
    return "\(section.path).\(name).\(word)"
  }

  private static func spell(_ name: some StringProtocol) -> String {
    name.uppercased().replacing("-", with: "_")
  }
}
