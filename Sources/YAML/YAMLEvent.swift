/// One step of libyaml through a document.
struct YAMLEvent {
  enum Kind {
    case streamStart, streamEnd
    case documentStart, documentEnd
    case alias
    /// `isPlain` says that the text was written without quotes, so that it may mean null.
    case scalar(String, isPlain: Bool)
    case sequenceStart, sequenceEnd
    case mappingStart, mappingEnd
  }

  let kind: Kind
  let position: YAMLPosition
  let hasAnchor: Bool
  let hasTag: Bool
}
