internal import CYAML

extension YAMLEvent {
  /// Copies what libyaml says; nothing of the C event is kept.
  @unsafe init(_ event: yaml_event_t) {
    position = unsafe YAMLPosition(event.start_mark)
    switch unsafe event.type {
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      // libyaml delivers valid UTF-8, whatever the encoding of the document.
      let text = unsafe String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      kind = .scalar(text, isPlain: unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE)
      hasAnchor = unsafe scalar.anchor != nil
      hasTag = unsafe scalar.tag != nil
    case YAML_SEQUENCE_START_EVENT:
      kind = .sequenceStart
      hasAnchor = unsafe event.data.sequence_start.anchor != nil
      hasTag = unsafe event.data.sequence_start.tag != nil
    case YAML_MAPPING_START_EVENT:
      kind = .mappingStart
      hasAnchor = unsafe event.data.mapping_start.anchor != nil
      hasTag = unsafe event.data.mapping_start.tag != nil
    case let type:
      kind = Kind(type)
      hasAnchor = false
      hasTag = false
    }
  }
}

extension YAMLEvent.Kind {
  /// Maps the events that carry no data.
  fileprivate init(_ type: yaml_event_type_t) {
    switch type {
    case YAML_STREAM_START_EVENT: self = .streamStart
    case YAML_DOCUMENT_START_EVENT: self = .documentStart
    case YAML_DOCUMENT_END_EVENT: self = .documentEnd
    case YAML_SEQUENCE_END_EVENT: self = .sequenceEnd
    case YAML_MAPPING_END_EVENT: self = .mappingEnd
    case YAML_ALIAS_EVENT: self = .alias
    // YAML_NO_EVENT is what libyaml answers when it is asked again after the end.
    default: self = .streamEnd
    }
  }
}

extension YAMLPosition {
  /// libyaml counts from 0.
  init(_ mark: yaml_mark_t) {
    self.init(line: mark.line + 1, column: mark.column + 1)
  }
}
