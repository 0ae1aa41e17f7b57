/// One value of a YAML document, with the place where it starts.
///
/// Only what a configuration needs: scalars are text (the reader of an option knows its type), mappings keep their
/// order and have distinct text keys. Anchors, aliases and tags are refused by ``parse(_:)-(Span<UInt8>)``.
package struct YAMLNode: Hashable, Sendable {
  /// What a node holds.
  package enum Content: Hashable, Sendable {
    /// Nothing, `~` or `null`, unquoted.
    case null
    /// The text of a scalar, without its quotes and with its escapes resolved.
    case scalar(String)
    /// The elements of a `- a` or `[a, b]` sequence.
    case sequence([YAMLNode])
    /// The entries of a `key: value` mapping, in the order of the document.
    case mapping([YAMLEntry])
  }

  /// The value itself.
  package let content: Content
  /// Where the value starts.
  package let position: YAMLPosition

  /// Makes a node.
  package init(_ content: Content, at position: YAMLPosition) {
    self.content = content
    self.position = position
  }
}

/// One `key: value` of a mapping.
package struct YAMLEntry: Hashable, Sendable {
  /// The text of the key, without its quotes.
  package let key: String
  /// Where the key starts.
  package let position: YAMLPosition
  /// What stands behind the colon.
  package let value: YAMLNode

  /// Makes an entry.
  package init(key: String, at position: YAMLPosition, value: YAMLNode) {
    self.key = key
    self.position = position
    self.value = value
  }
}

/// A place in a document; lines and columns count from 1, columns in characters.
package struct YAMLPosition: Hashable, Sendable, CustomStringConvertible {
  /// The line, from 1 on.
  package let line: Int
  /// The column, from 1 on.
  package let column: Int

  /// Makes a position.
  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  /// `line 3, column 5`.
  package var description: String { "line \(line), column \(column)" }
}
