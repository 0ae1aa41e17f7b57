import Glibc

/// A text that equals another one only byte for byte.
///
/// Swift's strings are equal when they look the same, for example an accented letter and a letter with an accent. To
/// SQLite, to AGL and to senders these are different ids.
package struct ExactText: Hashable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  // The hash is that of the string: texts with the same bytes have the same one.
  package static func == (first: ExactText, second: ExactText) -> Bool {
    let (first, second) = (first.text.utf8Span.span, second.text.utf8Span.span)
    guard first.count == second.count else { return false }
    return unsafe first.withUnsafeBufferPointer { first in
      unsafe second.withUnsafeBufferPointer { second in
        unsafe first.isEmpty || memcmp(first.baseAddress!, second.baseAddress!, first.count) == 0
      }
    }
  }
}
