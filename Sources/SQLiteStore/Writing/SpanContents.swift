import OTLP
import Protobuf

/// Everything that is said of a span, in one form for each meaning.
struct SpanContents {
  /// The resource and the scope. Spans of one scope share it, however large it is.
  let envelope: Envelope
  /// The span itself.
  let bytes: [UInt8]

  /// The resource and the scope of spans.
  final class Envelope {
    let bytes: [UInt8]
    let hash: UInt64
    /// The envelope that this one was compared with last, and the result.
    private var compared: (other: Envelope, isEqual: Bool)?

    init(_ bytes: [UInt8]) {
      self.bytes = bytes
      hash = SpanContents.hash(bytes, 0xCBF2_9CE4_8422_2325)
    }

    /// Compares; mostly with the same one again.
    func isEqual(to other: Envelope) -> Bool {
      if let compared, compared.other === other { return compared.isEqual }
      let isEqual = hash == other.hash && bytes == other.bytes
      compared = (other, isEqual)
      return isEqual
    }
  }

  func isEqual(to other: SpanContents) -> Bool {
    bytes == other.bytes && envelope.isEqual(to: other.envelope)
  }

  var hash: Int64 { Int64(bitPattern: Self.hash(bytes, envelope.hash)) }

  /// FNV-1a; only narrows down what is compared, so it need not resist anybody.
  private static func hash(_ bytes: [UInt8], _ start: UInt64) -> UInt64 {
    var hash = start
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return hash
  }
}

/// Reads the contents of spans of one segment.
///
/// Remembers where it was: spans that come again mostly come in the order in which they are stored.
struct SpanContentsReader {
  private var walker = SegmentWalker()
  private var scope = 0..<0
  private var envelope: SpanContents.Envelope?

  /// The contents of the span whose message starts at `offset`; `nil` when none does.
  mutating func contents(at offset: Int, in bytes: [UInt8]) throws(ProtobufError) -> SpanContents? {
    guard let span = try walker.find(offset, in: bytes.span) else { return nil }
    let own = try CanonicalSpan.bytes(span: bytes.span.extracting(span))
    if let envelope, walker.scopeSpans == scope { return SpanContents(envelope: envelope, bytes: own) }
    scope = walker.scopeSpans
    let envelope = SpanContents.Envelope(
      try CanonicalSpan.envelope(
        resourceSpans: bytes.span.extracting(walker.resourceSpans), scopeSpans: bytes.span.extracting(scope)))
    self.envelope = envelope
    return SpanContents(envelope: envelope, bytes: own)
  }
}
