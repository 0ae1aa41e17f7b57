/// A secret that the program itself presents to others, such as the API key of a provider.
///
/// Unlike the tokens of those who come in, it cannot be kept as a hash. It is not shown when the value is printed or
/// dumped; who needs the text asks for ``revealed``.
package struct Secret: Sendable, Equatable {
  /// The secret itself; for the header that it is sent in, never for logs, spans, metrics or messages.
  package let revealed: String

  /// Takes a secret without the white space around it, which files have at their end.
  ///
  /// - Returns: `nil` for what no header can carry safely: nothing, spaces inside, control and non-ASCII characters.
  package init?(_ text: some StringProtocol) {
    var bytes = Substring(text).utf8
    while let first = bytes.first, isWhitespace(first) { bytes.removeFirst() }
    while let last = bytes.last, isWhitespace(last) { bytes.removeLast() }
    guard !bytes.isEmpty, bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
    revealed = String(decoding: bytes, as: UTF8.self)
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Hides the secret, also from `dump` and string interpolation.
  package var description: String { "(not shown)" }
  /// The same.
  package var debugDescription: String { description }
  /// No children, so that `dump` finds nothing.
  package var customMirror: Mirror { Mirror(self, children: []) }
}

private func isWhitespace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
