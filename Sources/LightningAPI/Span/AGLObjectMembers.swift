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

  /// Where an attribute lies, in few bytes.
  struct Mark {
    /// Where the field begins that holds the `KeyValue` message.
    let field: UInt32
    let keyStart: UInt32
    let keyCount: UInt32

    var key: Range<Int> { Int(keyStart)..<Int(keyStart) + Int(keyCount) }
  }

  /// The most attributes that get an entry each.
  ///
  /// An attribute can be two bytes long, and an entry is many times that.
  static let mostEntries = 4_096

  /// What is kept from one message for the next, in bytes of each array; ordinary messages need less.
  private static let keptBytes = 64 << 10

  /// The value of an entry; `nil` when it has none.
  static func value(of entry: Entry, _ bytes: Span<UInt8>) throws(ProtobufError) -> MessageParts? {
    if let plain = entry.plain { return MessageParts(plain.value) }
    return try KeyValueFields(bytes, at: entry.message).value
  }

  /// The attributes of a message; empty when there are more than ``mostEntries``.
  private(set) var entries: [Entry] = []
  /// The last attribute of each key, when there are more.
  private(set) var crowd: [Mark] = []
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
        guard entries.count < Self.mostEntries else { return try collectCrowd(bytes, parts, field) }
        entries.append(try Self.entry(bytes, at: range))
      }
    }
    if entries.count > 1 && mayRepeat(bytes) { markReplaced(bytes) }
  }

  @inline(__always)
  private static func entry(_ bytes: Span<UInt8>, at range: Range<Int>) throws(ProtobufError) -> Entry {
    let plain = PlainAttribute(bytes, at: range)
    let key = if let plain { plain.key } else { try KeyValueFields(bytes, at: range).key }
    return Entry(message: range, key: key, plain: plain)
  }

  /// Reads the attribute of a ``Mark``.
  static func entry(_ bytes: Span<UInt8>, at mark: Mark) throws(ProtobufError) -> Entry {
    var reader = ProtobufReader(bytes, at: Int(mark.field)..<bytes.count)
    // The field was read before, so that there is one.
    guard try reader.nextTag() != nil else { throw .truncated }
    return try entry(bytes, at: try reader.lengthDelimited())
  }

  /// Gives up what the largest messages needed; to be called when the entries are done with.
  mutating func release() {
    if entries.capacity * MemoryLayout<Entry>.stride > Self.keptBytes { entries = [] }
    if table.capacity * MemoryLayout<Int32>.stride > Self.keptBytes { table = [] }
    if crowd.capacity > 0 { crowd = [] }
  }

  /// Collects any number of attributes, in memory for each key rather than each attribute.
  ///
  /// Now and then repeats are removed: when there are half as many again as were left the last time, and enough bytes
  /// have been read since that keys, which can be long, are hashed few times.
  private mutating func collectCrowd(_ bytes: Span<UInt8>, _ parts: MessageParts, _ field: UInt32)
    throws(ProtobufError)
  {
    precondition(bytes.count <= UInt32.max, "a message is smaller than what offsets of four bytes reach")
    entries = []
    var dueCount = Self.mostEntries
    var dueBytes = 0
    for index in 0..<parts.count {
      var reader = ProtobufReader(bytes, at: parts[index])
      var start = reader.position
      while let tag = try reader.nextTag() {
        if tag == .lengthDelimited(field) {
          let key = try Self.entry(bytes, at: try reader.lengthDelimited()).key
          crowd.append(Mark(field: UInt32(start), keyStart: UInt32(key.lowerBound), keyCount: UInt32(key.count)))
        } else {
          try reader.skip(tag)
        }
        dueBytes -= reader.position - start
        if crowd.count >= dueCount && dueBytes <= 0 {
          dueBytes = removeRepeats(bytes) / 8
          dueCount = max(Self.mostEntries, crowd.count + crowd.count / 2)
        }
        start = reader.position
      }
    }
    _ = removeRepeats(bytes)
    table = []
  }

  /// Leaves the last attribute of each key in ``crowd``.
  ///
  /// - Returns: The bytes of all keys that are left.
  private mutating func removeRepeats(_ bytes: Span<UInt8>) -> Int {
    let size = clearTable(for: crowd.count)
    var keyBytes = 0
    // From the back, so that the first attribute of a key that is met is the one that counts.
    var kept = crowd.count
    for index in crowd.indices.reversed() {
      let key = crowd[index].key
      var place = Int(truncatingIfNeeded: Self.hash(bytes, key)) & (size - 1)
      while table[place] >= 0 && !Self.areEqual(bytes, crowd[Int(table[place])].key, key) {
        place = (place + 1) & (size - 1)
      }
      if table[place] >= 0 { continue }
      kept -= 1
      crowd[kept] = crowd[index]
      table[place] = Int32(kept)
      keyBytes += key.count
    }
    crowd.removeSubrange(..<kept)
    return keyBytes
  }

  /// Makes the table empty.
  ///
  /// - Returns: Its size, a power of two: at most half of it is used, so that probing is short.
  private mutating func clearTable(for count: Int) -> Int {
    let size = 1 << (Int.bitWidth - (count * 2 - 1).leadingZeroBitCount)
    table.removeAll(keepingCapacity: true)
    table.append(contentsOf: repeatElement(-1, count: size))
    return size
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
    let size = clearTable(for: entries.count)
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
