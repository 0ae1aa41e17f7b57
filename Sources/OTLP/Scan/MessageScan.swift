import Protobuf
import Telemetry

/// Checks the messages below a span that carry nothing to be indexed.
///
/// [trace.proto](https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto)
extension ValueScan {
  /// Checks a `Span.Event` message.
  mutating func event(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes, at: range)
    while let tag = try reader.nextTag() {
      switch tag {
      case .fixed64(1): _ = try reader.fixed64()
      case .lengthDelimited(2): string(bytes, try reader.lengthDelimited())
      case .lengthDelimited(3): _ = try keyValue(bytes, try reader.lengthDelimited())
      case .varint(4): _ = try reader.varint()
      default: try skip(tag, knownFields: 4, &reader)
      }
    }
  }

  /// Checks a `Span.Link` message.
  ///
  /// - Returns: The span that is linked to, or `nil` when the ids are none; the link is dropped then.
  mutating func link(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(ProtobufError) -> (TraceID, SpanID)? {
    var reader = ProtobufReader(bytes, at: range)
    var traceID: TraceID?
    var spanID: SpanID?
    while let tag = try reader.nextTag() {
      switch tag {
      case .lengthDelimited(1): traceID = TraceID(bytes, at: try reader.lengthDelimited())
      case .lengthDelimited(2): spanID = SpanID(bytes, at: try reader.lengthDelimited())
      case .lengthDelimited(3): string(bytes, try reader.lengthDelimited())
      case .lengthDelimited(4): _ = try keyValue(bytes, try reader.lengthDelimited())
      case .varint(5): _ = try reader.varint()
      case .fixed32(6): _ = try reader.fixed32()
      default: try skip(tag, knownFields: 6, &reader)
      }
    }
    guard let traceID, let spanID, traceID.isValid, spanID.isValid else {
      isClean = false
      return nil
    }
    return (traceID, spanID)
  }

  /// Checks a `Status` message.
  ///
  /// - Returns: The code; `nil` when the message does not give one.
  mutating func status(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(ProtobufError) -> Int32? {
    var reader = ProtobufReader(bytes, at: range)
    var code: Int32?
    while let tag = try reader.nextTag() {
      switch tag {
      case .lengthDelimited(2): string(bytes, try reader.lengthDelimited())
      case .varint(3): code = Int32(truncatingIfNeeded: try reader.varint())
      // Field 1 is reserved.
      default: tag.field == 1 ? try reader.skip(tag) : try skip(tag, knownFields: 3, &reader)
      }
    }
    return code
  }

  /// Checks an `EntityRef` message.
  mutating func entityReference(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes, at: range)
    while let tag = try reader.nextTag() {
      switch tag {
      case .lengthDelimited(1), .lengthDelimited(2), .lengthDelimited(3), .lengthDelimited(4):
        string(bytes, try reader.lengthDelimited())
      default: try skip(tag, knownFields: 4, &reader)
      }
    }
  }

  /// Checks an `InstrumentationScope` message.
  mutating func instrumentationScope(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes, at: range)
    while let tag = try reader.nextTag() {
      switch tag {
      case .lengthDelimited(1), .lengthDelimited(2): string(bytes, try reader.lengthDelimited())
      case .lengthDelimited(3): _ = try keyValue(bytes, try reader.lengthDelimited())
      case .varint(4): _ = try reader.varint()
      default: try skip(tag, knownFields: 4, &reader)
      }
    }
  }
}

extension TraceID {
  /// Reads an id from the wire.
  ///
  /// - Returns: `nil` unless it has 16 bytes.
  @inline(__always)
  init?(_ bytes: Span<UInt8>, at range: Range<Int>) {
    guard range.count == 16 else { return nil }
    self.init(
      high: bytes.bigEndian64(at: range.lowerBound), low: bytes.bigEndian64(at: range.lowerBound + 8))
  }
}

extension SpanID {
  /// Reads an id from the wire.
  ///
  /// - Returns: `nil` unless it has 8 bytes.
  @inline(__always)
  init?(_ bytes: Span<UInt8>, at range: Range<Int>) {
    guard range.count == 8 else { return nil }
    self.init(value: bytes.bigEndian64(at: range.lowerBound))
  }
}

extension Span where Element == UInt8 {
  @inline(__always)
  fileprivate func bigEndian64(at offset: Int) -> UInt64 {
    precondition(offset >= 0 && offset &+ 8 <= count)
    return UInt64(bigEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
}
