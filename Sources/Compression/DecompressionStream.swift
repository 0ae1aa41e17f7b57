/// Decompresses one body in pieces, so that an event loop can serve other connections in between.
///
/// ```swift
/// var stream = DecompressionStream(body, coding: .gzip, limit: limit)
/// while try !stream.step() { await Task.yield() }
/// let message = stream.finish()
/// ```
///
/// What fits into one piece is done by libdeflate in the first step; only larger bodies pay for zlib, which is slower
/// but can stop in the middle. After a step has thrown, the stream is of no more use.
package struct DecompressionStream: ~Copyable {
  /// The output of one step unless the caller asks for another, in bytes: about a millisecond of work.
  package static let pieceSize = 1 << 20

  /// How many times less than the output of a step its input may be.
  ///
  /// Deflate blocks that give nothing cost time too: 1 MiB of them, each with Huffman codes of its own, took 0.3 s where
  /// 1 MiB of output takes 1 ms. So a step reads at most 64 KiB, which bounds the worst one to 20 ms.
  private static let inputDivisor = 16

  private let input: [UInt8]
  private let coding: ContentCoding
  private let limit: Int
  private var loop: DecodingLoop?
  private var whole: [UInt8]?

  /// Prepares to decompress `input`; the work is done by ``step(maximumOutput:)``.
  ///
  /// - Parameter limit: The largest acceptable output in bytes, for `identity` as well.
  package init(_ input: [UInt8], coding: ContentCoding, limit: Int) {
    self.input = input
    self.coding = coding
    self.limit = limit
  }

  /// Does the next piece of work.
  ///
  /// - Parameter maximumOutput: About how many bytes to produce before returning.
  /// - Returns: Whether all is done.
  package mutating func step(maximumOutput: Int = pieceSize) throws(CompressionError) -> Bool {
    precondition(maximumOutput > 0, "a step without output gets nowhere")
    if whole != nil { return true }
    let maximumInput = max(maximumOutput / Self.inputDivisor, 1)
    if loop == nil {
      whole = try decompressAtOnce(maximumInput: maximumInput, maximumOutput: maximumOutput)
      if whole != nil { return true }
      loop = DecodingLoop(try makeDecoder(), limit: limit)
    }
    // A second reference, because a span of the property would keep all of `self` from being changed.
    let input = input
    return try loop!.step(input.span, maximumInput: maximumInput, maximumOutput: maximumOutput)
  }

  /// The bytes that have come out so far; who bounds memory counts them after each step.
  package var outputCount: Int { whole?.count ?? loop?.output.count ?? 0 }

  /// The output.
  ///
  /// - Precondition: The last ``step(maximumOutput:)`` returned `true`.
  package consuming func finish() -> [UInt8] {
    if let whole { return whole }
    guard let loop, loop.isComplete else { preconditionFailure("the body is not decompressed yet") }
    return loop.output
  }

  /// Decompresses a body that needs no pieces.
  ///
  /// - Returns: `nil` if it is too large for one step.
  private func decompressAtOnce(maximumInput: Int, maximumOutput: Int) throws(CompressionError) -> [UInt8]? {
    switch coding {
    case .identity:
      guard input.count <= limit else { throw .tooLarge(limit: limit) }
      return input
    case .gzip, .deflate:
      guard input.count <= maximumInput else { return nil }
      do {
        return try Decompressor.decompress(input.span, coding: coding, limit: min(limit, maximumOutput))
      } catch .tooLarge where limit > maximumOutput {
        return nil
      }
    case .zstd:
      return nil
    }
  }

  private func makeDecoder() throws(CompressionError) -> any StreamDecoder {
    switch coding {
    case .gzip: try InflateDecoder(format: .gzip)
    case .deflate: try InflateDecoder(format: .ofDeflateBody(input.span))
    case .zstd: try ZstdDecoder()
    case .identity: preconditionFailure("identity is always done at once")
    }
  }
}
