extension LLMConfiguration {
  /// The upstream of this name; `nil` when there is none.
  package func upstream(named name: String) -> UpstreamConfiguration? { upstreams.first { $0.name == name } }

  /// The upstream of this name, which is made by setting something of it.
  subscript(upstream name: String) -> UpstreamConfiguration {
    get { upstream(named: name) ?? UpstreamConfiguration(name: name) }
    set {
      if let index = upstreams.firstIndex(where: { $0.name == name }) {
        upstreams[index] = newValue
      } else {
        upstreams.append(newValue)
      }
    }
  }
}
