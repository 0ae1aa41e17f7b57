package import Protobuf

/// Finds spans in the bytes of a segment, together with their resource and scope.
///
/// Segments are read in order, so a walker remembers where it was: finding all spans of a segment one after the other
/// costs one pass.
package struct SegmentWalker: Sendable {
  /// The `ResourceSpans` message around the span that was found last.
  package private(set) var resourceSpans = 0..<0
  /// The `ScopeSpans` message around it.
  package private(set) var scopeSpans = 0..<0
  /// Where to go on inside the scope.
  private var position = 0

  package init() {}

  /// Finds the span whose message starts at `offset`.
  ///
  /// - Returns: Where the `Span` message lies, or `nil` when no span starts there.
  package mutating func find(_ offset: Int, in bytes: Span<UInt8>) throws(ProtobufError) -> Range<Int>? {
    if !scopeSpans.contains(offset) {
      guard try enter(offset, bytes) else { return nil }
    } else if offset < position {
      position = scopeSpans.lowerBound
    }
    var reader = ProtobufReader(bytes, at: position..<scopeSpans.upperBound)
    while let tag = try reader.nextTag() {
      guard tag == .lengthDelimited(2) else {
        try reader.skip(tag)
        continue
      }
      let span = try reader.lengthDelimited()
      position = reader.position
      if span.lowerBound == offset { return span }
      if span.lowerBound > offset { return nil }
    }
    return nil
  }

  /// Finds the resource and the scope that hold `offset`.
  private mutating func enter(_ offset: Int, _ bytes: Span<UInt8>) throws(ProtobufError) -> Bool {
    if !resourceSpans.contains(offset) {
      let start = offset < resourceSpans.upperBound ? 0 : resourceSpans.upperBound
      guard let found = try Self.message(1, holding: offset, in: start..<bytes.count, bytes) else { return false }
      resourceSpans = found
      scopeSpans = found.lowerBound..<found.lowerBound
    }
    let start = offset < scopeSpans.upperBound ? resourceSpans.lowerBound : scopeSpans.upperBound
    guard let found = try Self.message(2, holding: offset, in: start..<resourceSpans.upperBound, bytes) else {
      return false
    }
    scopeSpans = found
    position = found.lowerBound
    return true
  }

  private static func message(_ field: UInt32, holding offset: Int, in range: Range<Int>, _ bytes: Span<UInt8>)
    throws(ProtobufError) -> Range<Int>?
  {
    var reader = ProtobufReader(bytes, at: range)
    while let tag = try reader.nextTag() {
      guard tag == .lengthDelimited(field) else {
        try reader.skip(tag)
        continue
      }
      let message = try reader.lengthDelimited()
      // An empty span at the very end of its scope starts where the scope ends.
      if message.lowerBound <= offset && offset <= message.upperBound { return message }
    }
    return nil
  }
}
