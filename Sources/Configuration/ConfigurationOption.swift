package import Arguments

/// One option: the only place that knows its name, its type, what it means and where its value lies.
///
/// The file, the environment, `--set`, `config/fulgurite.yaml` and the documentation are all made from the table
/// ``FulguriteConfiguration/options`` and from the tables of ``FulguriteConfiguration/namedSections``.
package struct ConfigurationOption: Sendable {
  /// The words that lead to the option, joined by dots: `limits.request_bytes`.
  package let path: String
  /// What kind of value it takes, in words.
  package let type: String
  /// What a plain number counts; `nil` for types without units.
  package let unit: String?
  /// What is allowed, as error messages say it.
  package let expectation: String
  /// What the option means.
  package let documentation: String
  /// The flag that stands for it, besides `--set`.
  package let flag: Flag?
  /// Whether its value is never shown.
  package let isSecret: Bool
  /// Whether error messages keep to themselves what was found instead of a value.
  private let hidesMistakes: Bool

  /// Sets the value; says `false` when it is not what is expected.
  private let write: @Sendable (inout FulguriteConfiguration, ConfigurationValue) -> Bool
  private let read: @Sendable (FulguriteConfiguration) -> ConfigurationValue

  init<Value>(
    _ path: String, _ property: any WritableKeyPath<FulguriteConfiguration, Value> & Sendable,
    _ format: ConfigurationFormat<Value>, _ documentation: String, flag: Flag? = nil
  ) {
    self.path = path
    type = format.type
    unit = format.unit
    expectation = format.expectation
    self.documentation = documentation
    self.flag = flag
    isSecret = format.isSecret
    hidesMistakes = format.isSecret || format.hidesMistakes
    write = { configuration, text in
      guard let value = format.parse(text) else { return false }
      configuration[keyPath: property] = value
      return true
    }
    read = { format.render($0[keyPath: property]) }
  }
}

extension ConfigurationOption {
  /// `FULGURITE_LIMITS_REQUEST_BYTES`.
  package var environmentVariable: String { Self.environmentVariable(of: path) }

  /// The environment variable for a path.
  static func environmentVariable(of path: String) -> String {
    environmentPrefix + path.uppercased().replacing(".", with: "_").replacing("-", with: "_")
  }

  /// What every environment variable of the program starts with.
  package static let environmentPrefix = "FULGURITE_"

  /// The default, as the file would spell it.
  package var defaultValue: ConfigurationValue { value(in: FulguriteConfiguration()) }

  /// The default, with what a plain number would count: `64MiB (unit: bytes)`.
  var defaultDescription: String { defaultValue.yaml + (unit.map { " (unit: \($0))" } ?? "") }

  /// The value in a configuration, as the file would spell it.
  ///
  /// Not for showing when the option is secret.
  package func value(in configuration: FulguriteConfiguration) -> ConfigurationValue { read(configuration) }

  /// The value in a configuration, for people to see: secrets are only counted.
  package func shownValue(in configuration: FulguriteConfiguration) -> String {
    let value = value(in: configuration)
    guard isSecret else { return value.yaml }
    return switch value {
    case .text: "(1 value, not shown)"
    case .list(let elements): elements.isEmpty ? value.yaml : "(\(elements.count) values, not shown)"
    }
  }

  /// Sets the value.
  ///
  /// - Throws: What is wrong, as the end of an error message, without what may be a secret.
  func set(_ value: ConfigurationValue, in configuration: inout FulguriteConfiguration) throws(ConfigurationMismatch) {
    guard write(&configuration, value) else {
      throw ConfigurationMismatch(
        description: "expected \(expectation), found \(hidesMistakes ? "something else (not shown)" : value.shown)")
    }
  }
}

/// Why a value does not fit its option.
struct ConfigurationMismatch: Error {
  let description: String
}
