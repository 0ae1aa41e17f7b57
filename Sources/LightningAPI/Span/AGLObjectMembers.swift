import OTLP
import Protobuf

/// `KeyValue` messages on their way into a JSON object, where each key must occur once.
struct AGLObjectMembers {
  struct Entry {
    let key: Range<Int>
    let value: MessageParts?
    /// Whether a later entry has the same key.
    var isReplaced = false
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
        let attribute = try KeyValueFields(bytes, at: range)
        entries.append(Entry(key: attribute.key, value: attribute.value))
      }
    }
    if entries.count > 1 { markReplaced(bytes) }
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
      var word: UInt64 = 0
      if key.upperBound - offset >= 8 {
        // The range of a key lies inside the span.
        word = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
      } else {
        for index in offset..<key.upperBound { word = word << 8 | UInt64(bytes[index]) }
      }
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
