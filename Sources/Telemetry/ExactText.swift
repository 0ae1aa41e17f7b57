import Glibc

/// A text that equals only the same bytes.
///
/// `String` takes canonically equivalent texts for equal, "é" in one and in two code points; as ids they are different.
package struct ExactText: Hashable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (first: ExactText, second: ExactText) -> Bool {
    // Not `utf8Span`, here and elsewhere: JSONWriter.string says why.
    var (first, second) = (first.text, second.text)
    guard first.utf8.count == second.utf8.count else { return false }
    return first.withUTF8 { first in
      second.withUTF8 { second in
        unsafe first.isEmpty || memcmp(first.baseAddress!, second.baseAddress!, first.count) == 0
      }
    }
  }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { bytes in unsafe hasher.combine(bytes: UnsafeRawBufferPointer(bytes)) }
  }
}
