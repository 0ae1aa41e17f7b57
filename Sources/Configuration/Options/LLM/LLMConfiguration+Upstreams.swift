extension LLMConfiguration {
  /// The upstream of this name; `nil` when there is none.
  package func upstream(named name: String) -> UpstreamConfiguration? { upstreams.first { $0.name == name } }

  /// The upstream of a request that selects none by a path prefix or a model: the default upstream, else the only
  /// upstream, else the only one with the API of the request.
  package func fallbackUpstream(for api: UpstreamAPI) -> UpstreamConfiguration? {
    if !defaultUpstream.isEmpty { return upstream(named: defaultUpstream) }
    if upstreams.count == 1 { return upstreams[0] }
    let fitting = upstreams.filter { $0.api == api }
    return fitting.count == 1 ? fitting[0] : nil
  }

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
