import Glibc

/// A text that equals only the same bytes.
///
/// `String` takes canonically equivalent texts for equal, "é" in one and in two code points; as ids they are different.
package struct ExactText: Hashable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (first: ExactText, second: ExactText) -> Bool {
    let first = first.text.utf8Span.span
    let second = second.text.utf8Span.span
    guard first.count == second.count, !first.isEmpty else { return first.isEmpty && second.isEmpty }
    return unsafe first.withUnsafeBytes { first in
      unsafe second.withUnsafeBytes { second in unsafe memcmp(first.baseAddress!, second.baseAddress!, first.count) == 0
      }
    }
  }

  package func hash(into hasher: inout Hasher) {
    unsafe text.utf8Span.span.withUnsafeBytes { bytes in unsafe hasher.combine(bytes: bytes) }
  }
}
