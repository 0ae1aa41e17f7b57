import OTLP
import Protobuf

/// Reads what spans say, in one form for each meaning.
///
/// It remembers where it was, and the resource and scope of the last span: neighbours share theirs, and a resource can
/// be a million times larger than its spans.
struct ContentsReader {
  /// Everything that is said of a span.
  struct Contents {
    /// Of its resource and scope.
    var envelope: [UInt8]
    /// Of itself.
    var span: [UInt8]
    /// FNV-1a of both.
    var hash: UInt64
    /// Whether the span has lost its prompts and completions.
    var isStripped: Bool

    func equals(_ other: Contents) -> Bool {
      hash == other.hash && span == other.span && envelope == other.envelope
    }
  }

  private let seed: UInt64
  private var segment: Int64 = 0
  private var walker = SegmentWalker()
  private var envelopeScope: Range<Int>?
  private var envelope: [UInt8] = []
  private var envelopeHash: UInt64 = 0

  /// - Parameter seed: Makes the hashes of this store unlike those of others, so that nobody can make up spans that share
  ///   one.
  init(seed: UInt64) { self.seed = seed }

  /// The hash of nothing.
  var emptyHash: UInt64 { 0xCBF2_9CE4_8422_2325 ^ seed }

  /// The contents of the span whose message starts at `offset`.
  ///
  /// - Parameters:
  ///   - segment: Tells whether the bytes are those of the call before; they may have grown since.
  ///   - withoutPayload: Whether to read it as it would be without its prompts and completions.
  /// - Returns: `nil` when no span starts there.
  mutating func contents(of offset: Int, in bytes: [UInt8], segment: Int64, withoutPayload: Bool = false)
    throws(ProtobufError) -> Contents?
  {
    if segment != self.segment {
      self.segment = segment
      walker = SegmentWalker()
      envelopeScope = nil
    }
    guard let span = try walker.find(offset, in: bytes.span) else { return nil }
    if envelopeScope != walker.scopeSpans {
      envelope = try CanonicalSpan.envelope(
        resourceSpans: bytes.span.extracting(walker.resourceSpans),
        scopeSpans: bytes.span.extracting(walker.scopeSpans))
      envelopeHash = Self.hash(envelope, from: emptyHash)
      envelopeScope = walker.scopeSpans
    }
    let message = bytes.span.extracting(span)
    let contents: [UInt8]
    if withoutPayload, let stripped = try PayloadStripper.strip(message) {
      contents = try CanonicalSpan.span(stripped.span)
    } else {
      contents = try CanonicalSpan.span(message)
    }
    return Contents(
      envelope: envelope, span: contents, hash: Self.hash(contents, from: envelopeHash),
      isStripped: try PayloadStripper.isStripped(message))
  }

  /// Forgets where it was: bytes of a segment were taken back.
  mutating func forget() { segment = 0 }

  /// Takes an equal array in place of its own: arrays that share their storage are compared in no time.
  mutating func share(_ equal: [UInt8]) { envelope = equal }

  private static func hash(_ bytes: [UInt8], from start: UInt64) -> UInt64 {
    var hash = start
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return hash
  }
}
