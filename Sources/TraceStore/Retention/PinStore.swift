/// Keeps rollouts that somebody wants to keep.
package protocol PinStore: Sendable {
  /// Has retention leave a rollout alone, or no longer.
  ///
  /// - Throws: `notFound` for a rollout that nobody has enqueued, started or named in a span.
  func pin(rollout id: String, _ isPinned: Bool) async throws(RolloutFault)
}
