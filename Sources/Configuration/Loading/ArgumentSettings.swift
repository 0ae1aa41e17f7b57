internal import Arguments

/// Collects the settings of the command line.
struct ArgumentSettings {
  private(set) var settings: [ConfigurationSetting] = []
  private(set) var problems: [ConfigurationProblem] = []

  init(_ arguments: ParsedArguments) {
    for occurrence in arguments.occurrences {
      if occurrence.flag == ConfigurationLoader.setFlag.name {
        readSet(occurrence.value ?? "")
      } else if let option = FulguriteConfiguration.options.first(where: { $0.flag?.name == occurrence.flag }) {
        let source = ConfigurationSource.flag(occurrence.flag)
        let value = ConfigurationValue.text(occurrence.value ?? "true")
        settings.append(ConfigurationSetting(path: option.path, value: value, source: source))
      }
    }
  }

  private mutating func readSet(_ text: String) {
    let source = ConfigurationSource.flag(ConfigurationLoader.setFlag.name)
    // The text is not repeated: it may be a token without its option.
    guard let equals = text.firstIndex(of: "=") else {
      let message = "expected OPTION=VALUE, such as limits.streams=100"
      return problems.append(ConfigurationProblem(source: source, option: nil, message: message))
    }
    let path = String(text[..<equals])
    switch FulguriteConfiguration.lookUp(path) {
    case .option:
      let value = ConfigurationValue.text(String(text[text.index(after: equals)...]))
      settings.append(ConfigurationSetting(path: path, value: value, source: source))
    case .section:
      let message = "\(quote(path)) is no option, but holds options"
      problems.append(ConfigurationProblem(source: source, option: nil, message: message))
    case .refused(let option, let message):
      problems.append(ConfigurationProblem(source: source, option: option, message: message))
    case .unknown(let message): problems.append(ConfigurationProblem(source: source, option: nil, message: message))
    }
  }
}
