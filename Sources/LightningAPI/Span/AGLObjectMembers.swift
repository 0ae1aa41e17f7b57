import OTLP
import Protobuf

/// `KeyValue` messages on their way into a JSON object, where each key must occur once.
struct AGLObjectMembers {
  struct Entry {
    // No references, which would be counted for every attribute.

    /// The `KeyValue` message.
    let message: Range<Int>
    let key: Range<Int>
    /// Key, value and text, when the message has the usual form.
    let plain: PlainAttribute?

    /// Whether a later entry has the same key.
    var isReplaced = false
  }

  /// The value of an entry; `nil` when it has none.
  func value(of entry: Entry, _ bytes: Span<UInt8>) throws(ProtobufError) -> MessageParts? {
    if let plain = entry.plain { return MessageParts(plain.value) }
    return try KeyValueFields(bytes, at: entry.message).value
  }

  private(set) var entries: [Entry] = []
  // A hash table with open addressing: indices of entries, -1 for a free place. Kept between uses, as is `entries`.
  private var table: [Int32] = []

  /// Replaces the entries by the attributes of a message.
  ///
  /// - Parameter field: The number of the field that holds the `KeyValue` messages.
  mutating func collect(_ bytes: Span<UInt8>, _ parts: MessageParts, field: UInt32) throws(ProtobufError) {
    entries.removeAll(keepingCapacity: true)
    for index in 0..<parts.count {
      var reader = ProtobufReader(bytes, at: parts[index])
      while let range = try reader.nextOccurrence(of: field) {
        let plain = PlainAttribute(bytes, at: range)
        let key = if let plain { plain.key } else { try KeyValueFields(bytes, at: range).key }
        entries.append(Entry(message: range, key: key, plain: plain))
      }
    }
    if entries.count > 1 && mayRepeat(bytes) { markReplaced(bytes) }
  }

  /// Whether two keys could be equal; false for nearly all messages.
  ///
  /// Keys are told apart by their length and their last bytes, which differ more often than the first ones.
  private func mayRepeat(_ bytes: Span<UInt8>) -> Bool {
    var seen = InlineArray<16, UInt64>(repeating: 0)
    for index in entries.indices {
      let key = entries[index].key
      let start = max(key.lowerBound, key.upperBound - 8)
      let product = (Self.word(bytes, start..<key.upperBound) &+ UInt64(key.count)) &* 0x9E37_79B9_7F4A_7C15
      let place = product &>> 54
      let bit: UInt64 = 1 &<< (place & 63)
      if seen[Int(place &>> 6)] & bit != 0 { return true }
      seen[Int(place &>> 6)] |= bit
    }
    return false
  }

  /// At most eight bytes as a number.
  @inline(__always)
  private static func word(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
    if range.count >= 8 {
      // The range of a key lies inside the span.
      return unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self)
    }
    var word: UInt64 = 0
    for index in range { word = word << 8 | UInt64(bytes[index]) }
    return word
  }

  private mutating func markReplaced(_ bytes: Span<UInt8>) {
    // At most half full, so that probing is short.
    let size = 1 << (Int.bitWidth - (entries.count * 2 - 1).leadingZeroBitCount)
    table.removeAll(keepingCapacity: true)
    table.append(contentsOf: repeatElement(-1, count: size))
    for index in entries.indices {
      var place = Int(truncatingIfNeeded: Self.hash(bytes, entries[index].key)) & (size - 1)
      while table[place] >= 0 {
        let other = Int(table[place])
        if Self.areEqual(bytes, entries[other].key, entries[index].key) {
          entries[other].isReplaced = true
          break
        }
        place = (place + 1) & (size - 1)
      }
      table[place] = Int32(index)
    }
  }

  // Chosen anew by every process, so that nobody can send keys that all meet in one place.
  private static let seed = UInt64.random(in: .min ... .max)

  private static func hash(_ bytes: Span<UInt8>, _ key: Range<Int>) -> UInt64 {
    var hash = seed ^ UInt64(truncatingIfNeeded: key.count)
    var offset = key.lowerBound
    while offset < key.upperBound {
      let word = word(bytes, offset..<key.upperBound)
      offset += 8
      let product = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
      hash = product.high ^ product.low
    }
    return hash
  }

  private static func areEqual(_ bytes: Span<UInt8>, _ first: Range<Int>, _ second: Range<Int>) -> Bool {
    guard first.count == second.count else { return false }
    for index in 0..<first.count where bytes[first.lowerBound + index] != bytes[second.lowerBound + index] {
      return false
    }
    return true
  }
}
