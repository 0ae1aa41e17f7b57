/// Where spans go that say nothing of a rollout.
package struct AttributionConfiguration: Sendable, Equatable {
  /// For whom rollouts are made.
  package enum AutoRollout: String, CaseIterable, Sendable {
    case off
    /// One for each trace.
    case trace
    /// One for each session.
    case session
  }

  /// For whom rollouts are made when nothing else assigns a span.
  ///
  /// Default `off`, environment `FULGURITE_ATTRIBUTION_AUTO_ROLLOUT`.
  package var autoRollout = AutoRollout.off

  /// The defaults.
  package init() {}
}

extension AttributionConfiguration {
  static let options = [
    ConfigurationOption(
      "attribution.auto_rollout", \.attribution.autoRollout, .word(),
      "For whom rollouts are made when nothing else assigns a span: off (for nobody: the span stays unassigned), trace "
        + "(one for each trace, trace-TRACEID) or session (one for each session that spans name, session-SESSION).")
  ]
}
