/// Decompresses a body while it arrives, in pieces of any size.
///
/// What can be known from the bytes that came is given out at once, so that the records of a compressed event stream are
/// not held back. Memory is bounded by the window of the coding and one piece of output.
///
/// ```swift
/// var decompressor = PushDecompressor(.gzip, limit: limit)
/// try decompressor.push(bytes) { piece in parser.read(piece) }
/// let isWhole = decompressor.isComplete
/// ```
package struct PushDecompressor: ~Copyable {
  /// The largest piece of output, in bytes.
  package static let pieceSize = 16 << 10

  private let coding: ResponseCoding
  private let limit: Int
  private var decoder: (any StreamDecoder)?
  // The first bytes of a stream, until there are enough of them to tell its format.
  private var head: [UInt8] = []
  private var isAtStreamStart = true
  private var hasFailed = false

  /// How many bytes have come out.
  package private(set) var outputCount = 0
  /// Whether the input so far is a whole body: streams that have ended, and nothing begun behind them.
  package private(set) var isComplete: Bool

  /// Prepares to decompress a body.
  ///
  /// - Parameter limit: How many bytes may come out.
  package init(_ coding: ResponseCoding, limit: Int) {
    self.coding = coding
    self.limit = limit
    isComplete = coding == .identity
  }

  /// Takes the next bytes of the body.
  ///
  /// - Parameter body: Gets the output in pieces; also those that come before an error.
  /// - Throws: `tooLarge` when more than the limit would come out, after `body` got all up to the limit; `malformed` and the
  ///   others as they are found. From then on the input is ignored.
  package mutating func push(
    _ input: Span<UInt8>, _ body: (Span<UInt8>) -> Void
  ) throws(CompressionError) {
    guard !hasFailed, !input.isEmpty else { return }
    do {
      if coding == .identity {
        try emit(input, body)
      } else {
        try decode(input, body)
      }
    } catch {
      hasFailed = true
      isComplete = false
      throw error
    }
  }

  private mutating func decode(_ input: Span<UInt8>, _ body: (Span<UInt8>) -> Void) throws(CompressionError) {
    var rest = input
    while !rest.isEmpty {
      if isAtStreamStart {
        rest = rest.extracting(try startStream(rest)...)
        if isAtStreamStart { return }
        // Now the head goes in, as if it had come in one piece.
        let head = head
        self.head = []
        let used = try decodeStream(head.span, body)
        // No stream of any coding ends inside the bytes that tell its format.
        guard used == head.count else { throw .malformed }
      } else {
        rest = rest.extracting(try decodeStream(rest, body)...)
      }
    }
  }

  /// Collects the head of a stream.
  ///
  /// - Returns: How many bytes of the input went into it.
  private mutating func startStream(_ input: Span<UInt8>) throws(CompressionError) -> Int {
    if isComplete, let decoder, !decoder.isConcatenable { throw .malformed }
    isComplete = false
    let wanted = max(decoder?.headerSize ?? headerSize, 1)
    let count = min(wanted - head.count, input.count)
    for index in 0..<count { head.append(input[index]) }
    guard head.count == wanted else { return count }
    if decoder == nil { decoder = try makeDecoder() }
    try decoder?.startStream(head.span)
    isAtStreamStart = false
    return count
  }

  /// Decodes until the input is used up or the stream has ended.
  ///
  /// - Returns: How many bytes of the input are used.
  private mutating func decodeStream(
    _ input: Span<UInt8>, _ body: (Span<UInt8>) -> Void
  ) throws(CompressionError) -> Int {
    guard let decoder else { preconditionFailure("a stream has been started") }
    var position = 0
    while true {
      var progress = DecodingProgress(consumed: 0, isStreamEnd: false)
      var piece: [UInt8] = []
      try piece.append(addingCapacity: Self.pieceSize) { (free) throws(CompressionError) in
        progress = try decoder.decode(input.extracting(position...), into: &free)
      }
      position += progress.consumed
      if !piece.isEmpty { try emit(piece.span, body) }
      if progress.isStreamEnd {
        isAtStreamStart = true
        isComplete = true
        return position
      }
      if position == input.count, piece.count < Self.pieceSize { return position }
      // Neither read nor written: no decoder does that while it has input and room.
      guard progress.consumed > 0 || !piece.isEmpty else { throw .malformed }
    }
  }

  private mutating func emit(_ piece: Span<UInt8>, _ body: (Span<UInt8>) -> Void) throws(CompressionError) {
    let room = limit - outputCount
    let count = min(room, piece.count)
    outputCount += count
    if count > 0 { body(piece.extracting(first: count)) }
    guard piece.count <= room else { throw .tooLarge(limit: limit) }
  }

  private var headerSize: Int {
    switch coding {
    case .deflate: 2
    case .zstd: ZstdDecoder.magicSize
    default: 1
    }
  }

  private func makeDecoder() throws(CompressionError) -> any StreamDecoder {
    switch coding {
    case .gzip: try InflateDecoder(format: .gzip)
    case .deflate: try InflateDecoder(format: .ofDeflateBody(head.span))
    case .zstd: try ZstdDecoder()
    case .brotli: try BrotliDecoder()
    case .identity: preconditionFailure("identity needs no decoder")
    }
  }
}
