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
    /// Whether parents have lower ids, so that there are no cycles.
    var isTree: Bool
    /// Whether some ids are negative as signed numbers.
    var hasHighIDs: Bool
    var ids: UInt64
    var traces: UInt64

    init(_ random: inout SplitMix64) {
      own = [0, 8, 8, 20, 50].randomElement(using: &random)!
      requests = [0, 0, 10, 30].randomElement(using: &random)!
      links = [0, 40, 70].randomElement(using: &random)!
      sessions = [0, 20, 40].randomElement(using: &random)!
      isTree = Bool.random(using: &random)
      hasHighIDs = Int.random(in: 0..<3, using: &random) == 0
      ids = UInt64.random(in: 2...8, using: &random)
      traces = UInt64.random(in: 1...4, using: &random)
    }
  }

  let autoRollout: AutoRollout
  /// Spans, each with what a request said that it came with; some come several times.
  private(set) var deliveries: [(span: Span, request: Words)] = []
  /// Actions that depend on each other, in their order.
  private(set) var histories: [[AttributionAction]] = []

  private var random: SplitMix64
  private let densities: Densities

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    densities = Densities(&random)
    autoRollout = [.off, .off, .trace, .session].randomElement(using: &random)!
    for number in 0..<Int.random(in: 1...14, using: &random) { addSpan("span \(number)") }
    var bindings: Set<NewBinding> = []
    for _ in 0..<Int.random(in: 0...4, using: &random) {
      var binding = binding()
      // Often two for one span or trace.
      if let other = bindings.first, bindings.count == 1, chance(50) {
        binding.traceID = other.traceID
        binding.spanID = other.spanID
      }
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
    span.parent = parent(of: number)
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

  private mutating func parent(of number: UInt64) -> SpanID? {
    guard chance(65) else { return nil }
    if densities.isTree { return number == 1 ? nil : id(UInt64.random(in: 1..<number, using: &random)) }
    // One more than there are: that parent is missing.
    return id(UInt64.random(in: 1...densities.ids + 1, using: &random))
  }

  private mutating func link() -> AttributionModel.Node {
    // Traces and spans of which one is missing.
    AttributionModel.Node(
      trace: TestSpan.traceID(UInt64.random(in: 1...densities.traces + 1, using: &random)),
      id: id(UInt64.random(in: 1...densities.ids + 1, using: &random)))
  }

  private func id(_ number: UInt64) -> SpanID {
    SpanID(value: densities.hasHighIDs && number % 2 == 0 ? 1 << 63 | number : number)
  }

  // MARK: Registrations

  private mutating func binding() -> NewBinding {
    let trace = TestSpan.traceID(UInt64.random(in: 1...densities.traces + 1, using: &random))
    let span = Bool.random(using: &random) ? id(UInt64.random(in: 1...densities.ids + 1, using: &random)) : nil
    return NewBinding(traceID: trace, spanID: span, rolloutID: rollout(), attemptID: attempt())
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
      for from in [0, 5, 20] as [UInt64] where chance(30) {
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

  private mutating func rollout() -> String { ["r1", "r1", "r2", "r3"].randomElement(using: &random)! }

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
