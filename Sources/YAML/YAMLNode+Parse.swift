extension YAMLNode {
  /// Parses a stream of at most one YAML document.
  ///
  /// - Parameter bytes: UTF-8 (or UTF-16 with a byte order mark) of at most ``YAMLLimits/maximumBytes``.
  /// - Returns: `nil` for a stream without a document: nothing, or comments alone.
  /// - Throws: ``YAMLError`` for a syntax error, a second document, a duplicate or non-scalar key, an anchor, alias or
  ///   tag, and for a document beyond ``YAMLLimits``.
  package static func parse(_ bytes: Span<UInt8>) throws(YAMLError) -> YAMLNode? {
    guard bytes.count <= YAMLLimits.maximumBytes else {
      throw YAMLError(
        "the document has \(bytes.count) bytes, at most \(YAMLLimits.maximumBytes) are read",
        at: YAMLPosition(line: 1, column: 1))
    }
    guard !bytes.isEmpty else { return nil }
    var reader = YAMLEventReader(bytes)
    return try reader.document()
  }

  /// Parses a text of at most one YAML document.
  package static func parse(_ text: String) throws(YAMLError) -> YAMLNode? {
    try parse(Array(text.utf8).span)
  }
}
