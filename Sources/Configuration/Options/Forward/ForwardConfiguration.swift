/// Sending spans on to other receivers of OTLP.
package struct ForwardConfiguration: Sendable, Equatable {
  /// Where spans are sent on to, in the order in which the sources name them first.
  package var targets: [ForwardTargetConfiguration] = []
  /// How long retention waits for a target that does not take its spans.
  ///
  /// Default 7 d, environment `FULGURITE_FORWARD_MAX_LAG`.
  package var maximumLag = Duration.seconds(7 * 86_400)

  /// The defaults.
  package init() {}
}

extension ForwardConfiguration {
  static let options = [
    ConfigurationOption(
      "forward.max_lag", \.forward.maximumLag, .positiveDuration,
      "How long retention keeps spans that a target has not been sent yet; what is older is deleted all the same.")
  ]

  /// The target of this name; `nil` when there is none.
  package func target(named name: String) -> ForwardTargetConfiguration? { targets.first { $0.name == name } }

  /// The target of this name, which is made by setting something of it.
  subscript(target name: String) -> ForwardTargetConfiguration {
    get { target(named: name) ?? ForwardTargetConfiguration(name: name) }
    set {
      if let index = targets.firstIndex(where: { $0.name == name }) {
        targets[index] = newValue
      } else {
        targets.append(newValue)
      }
    }
  }
}
