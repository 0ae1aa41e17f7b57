import SeededRandom
import Telemetry
import TraceStore

/// A small world of facts, in which ids and names meet often.
struct AttributionCase: Sendable {
  typealias Span = AttributionModel.Span
  typealias Words = AttributionModel.Words

  /// How often something occurs in one case, in percent; cases differ, so that each rule has its chance.
  private struct Densities {
    var own: Int
    var requests: Int
    var links: Int
    var sessions: Int
    var registrations: Int
    /// Whether parents have lower ids, so that there are no cycles.
    var isTree: Bool
    /// Whether some ids are negative as signed numbers.
    var hasHighIDs: Bool
    var ids: UInt64
    var traces: UInt64
    var mostSpans: Int
    var mostBindings: Int
    /// How many of the bindings are of spans, not of traces.
    var boundSpans: Int
    /// With few rollouts more places agree.
    var rollouts: [String]

    init(_ random: inout SplitMix64) {
      own = [0, 5, 15, 40].randomElement(using: &random)!
      requests = [0, 0, 10, 30].randomElement(using: &random)!
      links = [0, 40, 70].randomElement(using: &random)!
      sessions = [0, 20, 40].randomElement(using: &random)!
      registrations = 30
      isTree = Bool.random(using: &random)
      hasHighIDs = Int.random(in: 0..<3, using: &random) == 0
      ids = UInt64.random(in: 2...8, using: &random)
      traces = [1, 1, 2, 2, 3, 4].randomElement(using: &random)!
      mostSpans = [6, 14, 14].randomElement(using: &random)!
      mostBindings = [1, 4, 7].randomElement(using: &random)!
      boundSpans = [30, 60, 90].randomElement(using: &random)!
      rollouts = [["r1"], ["r1", "r1", "r1", "r2"], ["r1", "r2", "r3"]].randomElement(using: &random)!
      focus(&random)
    }

    /// Where one rule has much to say, others have little.
    private mutating func focus(_ random: inout SplitMix64) {
      switch Int.random(in: 0..<5, using: &random) {
      case 0, 1:
        (own, requests, links, sessions, registrations) = (8, 5, 0, 0, 0)
        (isTree, ids, traces, mostBindings, boundSpans) = (true, 9, 1, 7, 90)
      case 2:
        (own, requests, links, sessions, registrations) = (16, 5, 80, 0, 0)
        (ids, traces, mostSpans, rollouts) = (3, 4, 14, ["r1", "r2", "r3"])
      case 3: (own, requests, links, sessions, registrations, mostBindings) = (1, 0, 20, 60, 60, 1)
      default: break
      }
    }
  }

  let autoRollout: AutoRollout
  /// Spans, each with what a request said that it came with; some come several times.
  private(set) var deliveries: [(span: Span, request: Words)] = []
  /// Actions that depend on each other, in their order.
  private(set) var histories: [[AttributionAction]] = []

  private var random: SplitMix64
  private let densities: Densities

  /// Makes a world; of most seeds the one of several in which the most occurs.
  init(seed: UInt64) {
    let tries: UInt64 = seed % 4 == 0 ? 1 : 3
    let worlds = (0..<tries).map { AttributionCase(source: seed << 8 | $0) }
    self = worlds.max { $0.model.features.count < $1.model.features.count }!
  }

  private init(source: UInt64) {
    random = SplitMix64(seed: source)
    densities = Densities(&random)
    autoRollout = [.off, .off, .trace, .session].randomElement(using: &random)!
    for number in 0..<Int.random(in: 1...densities.mostSpans, using: &random) { addSpan("span \(number)") }
    var bindings: Set<NewBinding> = []
    var last: NewBinding?
    for _ in 0..<Int.random(in: 0...densities.mostBindings, using: &random) {
      var binding = binding()
      // Often two for one span or trace.
      if let other = last, chance(35) {
        binding.traceID = other.traceID
        binding.spanID = other.spanID
      }
      last = binding
      bindings.insert(binding)
    }
    // Sorted, since the order of a set differs from run to run.
    for binding in bindings.sorted(by: { "\($0)" < "\($1)" }) { histories.append(history(of: binding)) }
    addSessions()
  }

  /// The facts at the end.
  var model: AttributionModel {
    let appends = deliveries.map { AttributionAction.append([$0.span], $0.request) }
    return AttributionModel(appends + histories.joined(), autoRollout: autoRollout)
  }

  // MARK: Spans

  private mutating func addSpan(_ name: String) {
    let span = span(name)
    // The same contents come again, perhaps by another request.
    for _ in 0..<[1, 1, 1, 2, 3].randomElement(using: &random)! {
      deliveries.append((span, chance(densities.requests) ? words() : Words()))
    }
  }

  private mutating func span(_ name: String) -> Span {
    let number = UInt64.random(in: 1...densities.ids, using: &random)
    let trace = TestSpan.traceID(UInt64.random(in: 1...densities.traces, using: &random))
    var span = Span(node: AttributionModel.Node(trace: trace, id: id(number)), name: name)
    span.parent = parent(of: number, in: trace)
    if chance(densities.own) { span.attributes = words() }
    if chance(densities.own / 2) { span.resource = words() }
    if chance(densities.own / 2) { span.traceState = words() }
    if chance(densities.own / 2) { span.baggage = words() }
    for key in AttributionModel.sessionKeys where chance(densities.sessions) { span.sessions[key] = session() }
    if chance(densities.links) { span.links = (0..<Int.random(in: 1...3, using: &random)).map { _ in link() } }
    span.start = UInt64.random(in: 1...40, using: &random)
    if chance(15) { span.sequence = Int64.random(in: 0...5, using: &random) }
    return span
  }

  private mutating func parent(of number: UInt64, in trace: TraceID) -> SpanID? {
    guard chance(densities.isTree ? 90 : 65) else { return nil }
    // One more than there are: that parent is missing.
    guard densities.isTree else { return id(UInt64.random(in: 1...densities.ids + 1, using: &random)) }
    let known = deliveries.map(\.span.node).filter { $0.trace == trace && $0.id.value & 0xFF < number }.map(\.id)
    if chance(90) { return known.randomElement(using: &random) }
    return number == 1 ? nil : id(UInt64.random(in: 1..<number, using: &random))
  }

  private mutating func link() -> AttributionModel.Node {
    if chance(70), let known = deliveries.randomElement(using: &random) { return known.span.node }
    // Traces and spans of which one is missing.
    return AttributionModel.Node(
      trace: TestSpan.traceID(UInt64.random(in: 1...densities.traces + 1, using: &random)),
      id: id(UInt64.random(in: 1...densities.ids + 1, using: &random)))
  }

  private func id(_ number: UInt64) -> SpanID {
    SpanID(value: densities.hasHighIDs && number % 2 == 0 ? 1 << 63 | number : number)
  }

  // MARK: Registrations

  private mutating func binding() -> NewBinding {
    // Sometimes one that is missing.
    let trace = UInt64.random(in: 1...densities.traces + (chance(15) ? 1 : 0), using: &random)
    let number = UInt64.random(in: 1...densities.ids + (chance(25) ? 1 : 0), using: &random)
    let span = chance(densities.boundSpans) ? id(number) : nil
    return NewBinding(traceID: TestSpan.traceID(trace), spanID: span, rolloutID: rollout(), attemptID: attempt())
  }

  private mutating func history(of binding: NewBinding) -> [AttributionAction] {
    switch Int.random(in: 0..<10, using: &random) {
    case 0...5: [.bind(binding)]
    case 6: [.bind(binding), .bind(binding)]
    case 7, 8: [.bind(binding), .unbind(binding)]
    default: [.bind(binding), .unbind(binding), .bind(binding)]
    }
  }

  private mutating func addSessions() {
    for name in Self.sessions {
      for from in [0, 5, 20] as [UInt64] where chance(densities.registrations) {
        var history: [AttributionAction] = []
        for _ in 0..<[1, 1, 2, 3].randomElement(using: &random)! {
          let session = registration(name, from: from)
          history.append(chance(20) && !history.isEmpty ? .unregister(session) : .register(session))
        }
        histories.append(history)
      }
    }
  }

  private mutating func registration(_ session: String, from: UInt64) -> NewSession {
    let to = Bool.random(using: &random) ? from + UInt64.random(in: 1...25, using: &random) : nil
    return NewSession(session: session, rolloutID: rollout(), attemptID: attempt(), from: from, to: to)
  }

  // MARK: Names

  private static let sessions = ["s1", "s2", "s3"]

  private mutating func session() -> String { Self.sessions.randomElement(using: &random)! }

  private mutating func rollout() -> String { densities.rollouts.randomElement(using: &random)! }

  private mutating func attempt() -> String? { [nil, nil, "a1", "a2"].randomElement(using: &random)! }

  private mutating func words() -> Words {
    switch Int.random(in: 0..<5, using: &random) {
    case 0: Words(rollout: nil, attempt: attempt() ?? "a1")
    case 1, 2: Words(rollout: rollout(), attempt: nil)
    default: Words(rollout: rollout(), attempt: attempt())
    }
  }

  private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
}
