/// Why a document was refused, and where.
package struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where the fault was noticed, which may be behind its cause.
  package let position: YAMLPosition
  /// Lower case, without a full stop.
  package let message: String

  /// Makes an error.
  package init(_ message: String, at position: YAMLPosition) {
    self.message = message
    self.position = position
  }

  /// `line 3, column 5: tags are not supported`.
  package var description: String { "\(position): \(message)" }
}
