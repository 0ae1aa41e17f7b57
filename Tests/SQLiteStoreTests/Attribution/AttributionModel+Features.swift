import Telemetry
import TraceStore

// What the generator is measured by.
extension AttributionModel {
  /// Names of what occurs in these facts.
  var features: Set<String> {
    let model = self
    var features: Set<String> = []
    let spans = Array(model.spans.keys)
    let nodes = Dictionary(grouping: spans, by: \.node)
    for span in spans {
      let tag = model.tag(of: span)
      features.insert(tag.rule.name)
      if tag.rollout == nil && tag.attempt != nil { features.insert("attempt alone") }
      if tag.rule.rawValue > 3, span.attributes.attempt != nil {
        features.insert("own attempt in a rollout by a weaker rule")
      }
      if model.spans[span]!.filter({ $0 != AttributionModel.Words() }).count > 1 { features.insert("several requests") }
      if nodes.keys.contains(where: { $0.id == span.node.id && $0.trace != span.node.trace }) {
        features.insert("same span in two traces")
      }
      if tag.rule == .link || tag.rule == .session { features.formUnion(choices(of: span, tag.rule)) }
      guard let parent = span.parent else { continue }
      if parent.value >= 1 << 63 { features.insert("high parent") }
      if parent == span.node.id { features.insert("self parent") }
      let above = AttributionModel.Node(trace: span.node.trace, id: parent)
      if nodes[above] == nil { features.insert("missing parent") }
      if isContradiction(above), let next = self.parent(of: above), let variant = variants(of: next).first,
        place(of: variant, by: .ancestor) ?? place(of: variant, by: .subtree) != nil || !ownPlaces(at: next).isEmpty
      {
        features.insert("contradiction below evidence")
      }
      if let above = nodes[above], above.contains(where: { $0.parent == span.node.id && $0.node != span.node }) {
        features.insert("cycle")
      }
    }
    for (_, variants) in nodes where variants.count > 1 {
      features.insert("variants")
      let own = variants.map { model.tag(of: $0, upTo: .context) }.compactMap(\.rollout)
      if Set(own).count > 1 { features.insert("node that contradicts itself") }
    }
    for trace in Set(nodes.keys.map(\.trace)) {
      let evidence = model.evidence(ofTrace: trace)
      if !evidence.isEmpty && AttributionModel.agreement(evidence) == nil {
        features.insert("trace that contradicts itself")
      }
      let rollouts = spans.filter { $0.node.trace == trace }.compactMap { model.tag(of: $0).rollout }
      if Set(rollouts).count > 1 { features.insert("several rollouts in a trace") }
    }
    let bound = Dictionary(grouping: model.bindings.filter { $0.spanID != nil }) { "\($0.traceID) \($0.spanID!)" }
    if bound.values.contains(where: { Set($0.map(\.rolloutID)).count > 1 }) {
      features.insert("bindings of a span that contradict")
    }
    return features
  }
  private func isContradiction(_ node: Node) -> Bool {
    let own = ownPlaces(at: node)
    let places = own.isEmpty ? bindings(at: node) : own
    return !places.isEmpty && Self.agreement(places) == nil
  }

  /// What a rule has chosen from.
  private func choices(of span: Span, _ rule: TagRule) -> Set<String> {
    var features: Set<String> = []
    if rule == .link {
      let places = span.links.map { link -> RolloutPlace? in
        var single = span
        single.links = [link]
        return place(of: single, by: .link)
      }
      if Set(places.compactMap { $0 }).count > 1 { features.insert("links that differ") }
      if places.first == .some(nil), !variants(of: span.links[0]).isEmpty { features.insert("link passed over") }
    } else {
      let named = Self.sessionKeys.compactMap { span.sessions[$0] }
      let holding = sessions.filter { $0.from <= span.start && $0.to.map { span.start < $0 } ?? true }
      if !holding.contains(where: { $0.session == named.first }) { features.insert("session key passed over") }
      if holding.count(where: { $0.session == named.first }) > 1 { features.insert("several registrations hold") }
    }
    return features
  }
}
