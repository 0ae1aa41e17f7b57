import SQLiteStore
import Telemetry
import Testing
import TraceStore

/// Makes facts for examples that are written by hand.
enum AttributionExample {
  typealias Span = AttributionModel.Span

  /// - Parameter name: As a rule the trace and the id.
  static func span(
    _ id: UInt64, in trace: UInt64 = 1, _ name: String? = nil, parent: UInt64? = nil,
    _ change: (inout Span) -> Void = { _ in }
  ) -> Span {
    var span = Span(node: node(id, in: trace), name: name ?? "\(trace)/\(id)")
    span.parent = parent.map { SpanID(value: $0) }
    change(&span)
    return span
  }

  static func node(_ id: UInt64, in trace: UInt64 = 1) -> AttributionModel.Node {
    AttributionModel.Node(trace: TestSpan.traceID(trace), id: SpanID(value: id))
  }

  static func append(_ spans: Span..., request rollout: String? = nil, _ attempt: String? = nil) -> AttributionAction {
    .append(spans, AttributionModel.Words(rollout: rollout, attempt: attempt))
  }

  static func bind(_ trace: UInt64, span: UInt64? = nil, _ rollout: String, _ attempt: String? = nil)
    -> AttributionAction
  {
    .bind(binding(trace, span, rollout, attempt))
  }

  static func unbind(_ trace: UInt64, span: UInt64? = nil, _ rollout: String, _ attempt: String? = nil)
    -> AttributionAction
  {
    .unbind(binding(trace, span, rollout, attempt))
  }

  private static func binding(_ trace: UInt64, _ span: UInt64?, _ rollout: String, _ attempt: String?) -> NewBinding {
    NewBinding(
      traceID: TestSpan.traceID(trace), spanID: span.map { SpanID(value: $0) }, rolloutID: rollout, attemptID: attempt)
  }

  static func register(_ session: String, _ rollout: String, _ attempt: String? = nil, from: UInt64, to: UInt64? = nil)
    -> AttributionAction
  {
    .register(NewSession(session: session, rolloutID: rollout, attemptID: attempt, from: from, to: to))
  }

  static func unregister(_ session: String, from: UInt64) -> AttributionAction {
    .unregister(NewSession(session: session, rolloutID: "", from: from))
  }
}

/// Checks what facts come to in the model, and in stores to which they come in several orders.
///
/// - Parameter expected: The tags of some spans, by their names.
func expectTags(
  _ facts: AttributionAction..., autoRollout: AutoRollout = .off, are expected: [String: String],
  at location: SourceLocation = #_sourceLocation
) async throws {
  let single = facts.flatMap(\.parts)
  let orders: [(groups: [[AttributionAction]], step: Int)] = [
    (facts.map { [$0] }, 2_000), (facts.reversed().map { [$0] }, 2_000), (single.map { [$0] }, 2),
    (single.reversed().map { [$0] }, 1), ([facts], 2_000), ([single], 1),
  ]
  for (groups, step) in orders {
    try await expectTags(inOrder: groups, autoRollout: autoRollout, retagStep: step, are: expected, at: location)
  }
}

/// Checks what facts come to that come in this order, those of one group at the same time.
func expectTags(
  inOrder groups: [[AttributionAction]], autoRollout: AutoRollout = .off, retagStep: Int = 2_000,
  are expected: [String: String], at location: SourceLocation = #_sourceLocation
) async throws {
  var schedule = AttributionSchedule(
    autoRollout: autoRollout, retagStep: retagStep, groups: groups.map { AttributionSchedule.Group(actions: $0) })
  // Small steps look for each span.
  schedule.retagPatience = retagStep < 2_000 ? 16 : 1
  let tags = schedule.model.tags().mapValues(\.description)
  for (name, tag) in expected { #expect(tags[name] == tag, "the model: \(name)", sourceLocation: location) }
  let problems = try await schedule.run { store, model in try await store.differences(from: model) }
  #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))\n\(schedule)", sourceLocation: location)
}

extension AttributionAction {
  /// The same with a batch for each span.
  fileprivate var parts: [AttributionAction] {
    guard case .append(let spans, let request) = self else { return [self] }
    return spans.map { .append([$0], request) }
  }
}
