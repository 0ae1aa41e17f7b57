import OTLP
import Protobuf

/// The tags that a search looks for; sets of them are bits.
///
/// Every attribute of every span is compared with them, so what nearly always tells that it is none of them, its key, stands
/// in one array without references.
struct TagConditions: Sendable {
  let all: [TagCondition]
  /// The keys, one after the other.
  private var keys: [UInt8] = []
  private var ranges: [Range<Int>] = []
  /// Texts without which a segment has no span that meets all conditions.
  private var needed: [[UInt8]] = []

  init(_ tags: [(key: String, value: String)]) {
    all = tags.map { TagCondition($0.key, $0.value) }
    for condition in all {
      ranges.append(keys.count..<keys.count + condition.key.count)
      keys += condition.key
      if !condition.canBeMade { needed.append(condition.key) }
      if condition.isText { needed.append(condition.value) }
    }
  }

  /// All of them.
  var everyBit: UInt64 { all.isEmpty ? 0 : UInt64.max >> UInt64(64 - all.count) }

  /// Whether these bytes can hold a span that meets all conditions.
  func canBeMet(in bytes: Span<UInt8>) -> Bool {
    needed.allSatisfy { ByteSearch.contains(bytes, $0.span) }
  }

  /// Notes which conditions an attribute meets.
  @inline(__always)
  func note(_ bytes: Span<UInt8>, at attribute: Range<Int>, in matches: inout UInt64) throws(ProtobufError) {
    let plain = PlainAttribute(bytes, at: attribute)
    for place in 0..<ranges.count {
      if let key = plain?.key, !isKey(place, bytes, key) { continue }
      if try all[place].holds(for: bytes, at: attribute) { matches |= 1 << UInt64(place) }
    }
  }

  @inline(__always)
  private func isKey(_ place: Int, _ bytes: Span<UInt8>, _ key: Range<Int>) -> Bool {
    let own = ranges[place]
    guard own.count == key.count else { return false }
    for offset in 0..<own.count where keys[own.lowerBound + offset] != bytes[key.lowerBound + offset] { return false }
    return true
  }

  /// Notes which conditions are met by a tag that is made of something else than an attribute.
  func note(in matches: inout UInt64, where holds: (TagCondition) -> Bool) {
    for (place, condition) in all.enumerated() where holds(condition) { matches |= 1 << UInt64(place) }
  }
}
