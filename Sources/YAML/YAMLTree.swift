extension YAMLEventReader {
  /// Builds the tree of the only document of the stream.
  @_lifetime(self: copy self)
  mutating func document() throws(YAMLError) -> YAMLNode? {
    _ = try next()  // The stream starts.
    guard case .documentStart = try next().kind else { return nil }
    let root = try node(from: try next(), depth: 0)
    _ = try next()  // The document ends.
    let last = try next()
    guard case .streamEnd = last.kind else {
      throw YAMLError("a second document starts here, only one is read", at: last.position)
    }
    return root
  }

  @_lifetime(self: copy self)
  private mutating func node(from event: YAMLEvent, depth: Int) throws(YAMLError) -> YAMLNode {
    guard !event.hasAnchor else { throw YAMLError("anchors are not supported", at: event.position) }
    guard !event.hasTag else { throw YAMLError("tags are not supported", at: event.position) }
    switch event.kind {
    case .scalar(let text, let isPlain):
      let isNull = isPlain && nullSpellings.contains(text)
      return YAMLNode(isNull ? .null : .scalar(text), at: event.position)
    case .sequenceStart:
      try checkDepth(depth, event)
      return YAMLNode(.sequence(try elements(depth: depth + 1)), at: event.position)
    case .mappingStart:
      try checkDepth(depth, event)
      return YAMLNode(.mapping(try entries(depth: depth + 1)), at: event.position)
    case .alias:
      throw YAMLError("aliases are not supported", at: event.position)
    case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
      preconditionFailure("libyaml sends these only where the callers take them")
    }
  }

  private func checkDepth(_ depth: Int, _ event: YAMLEvent) throws(YAMLError) {
    guard depth < YAMLLimits.maximumDepth else {
      throw YAMLError("values nest deeper than \(YAMLLimits.maximumDepth) levels", at: event.position)
    }
  }

  @_lifetime(self: copy self)
  private mutating func elements(depth: Int) throws(YAMLError) -> [YAMLNode] {
    var elements: [YAMLNode] = []
    while true {
      let event = try next()
      if case .sequenceEnd = event.kind { return elements }
      elements.append(try node(from: event, depth: depth))
    }
  }

  @_lifetime(self: copy self)
  private mutating func entries(depth: Int) throws(YAMLError) -> [YAMLEntry] {
    var entries: [YAMLEntry] = []
    var lines: [String: Int] = [:]
    while true {
      let event = try next()
      if case .mappingEnd = event.kind { return entries }
      let key = try key(from: event, depth: depth)
      if let first = lines.updateValue(event.position.line, forKey: key) {
        throw YAMLError("the key \"\(key)\" is already on line \(first)", at: event.position)
      }
      entries.append(YAMLEntry(key: key, at: event.position, value: try node(from: try next(), depth: depth)))
    }
  }

  @_lifetime(self: copy self)
  private mutating func key(from event: YAMLEvent, depth: Int) throws(YAMLError) -> String {
    guard case .scalar(let key) = try node(from: event, depth: depth).content else {
      throw YAMLError("a key must be a word", at: event.position)
    }
    return key
  }
}

/// The plain scalars that mean null ([YAML 1.2, core schema](https://yaml.org/spec/1.2.2/#1032-tag-resolution)).
private let nullSpellings: Set<String> = ["", "~", "null", "Null", "NULL"]
