/// Where a message lies that can have come in several parts.
///
/// When a field that is a single message occurs more than once, protobuf merges the occurrences, and the merged message
/// is what the parts would be when written one after the other
/// ([last one wins](https://protobuf.dev/programming-guides/encoding/#last-one-wins)). Reading the parts in turn needs
/// no copy of them; nearly always there is one, and then nothing is allocated.
package struct MessageParts: Sendable {
  /// Not an empty array, whose references would be counted.
  private var earlier: [Range<Int>]?
  private var last: Range<Int>

  /// A message of one part.
  package init(_ range: Range<Int>) { last = range }

  /// The number of parts, at least 1.
  package var count: Int { (earlier?.count ?? 0) + 1 }

  /// The range of a part in the buffer.
  package subscript(index: Int) -> Range<Int> {
    if let earlier, index < earlier.count { earlier[index] } else { last }
  }

  /// Adds another occurrence of the field.
  ///
  /// An empty one adds nothing to a message that is there; a sender could write millions of them, two bytes each.
  package mutating func append(_ range: Range<Int>) {
    if range.isEmpty { return }
    if earlier == nil { earlier = [last] } else { earlier?.append(last) }
    last = range
  }

  /// The number of bytes of all parts.
  package var byteCount: Int { (earlier ?? []).reduce(last.count) { $0 + $1.count } }
}

extension MessageParts? {
  /// Adds an occurrence of the field, perhaps the first.
  mutating func append(_ range: Range<Int>) {
    if self == nil { self = MessageParts(range) } else { self?.append(range) }
  }
}
