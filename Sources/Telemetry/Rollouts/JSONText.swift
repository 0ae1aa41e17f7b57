/// A JSON value as its sender has written it.
///
/// Kept as text, so that nothing of it is lost that a tree would not hold: large integers, the spelling of numbers, the
/// order of keys.
package struct JSONText: Hashable, Sendable {
  /// Well-formed JSON in well-formed UTF-8.
  package let text: String

  /// - Parameter text: Must be well-formed JSON.
  package init(_ text: String) { self.text = text }

  package static let null = JSONText("null")
  package static let emptyObject = JSONText("{}")
}
