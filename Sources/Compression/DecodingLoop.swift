/// Drives a ``StreamDecoder`` over input that lies in memory, and bounds what comes out.
struct DecodingLoop {
  private let decoder: any StreamDecoder
  private let limit: Int
  private var position = 0
  private var isAtStreamStart = true
  /// Whether all of the input is decompressed.
  private(set) var isComplete = false
  /// What was decompressed so far, never more than `limit` bytes once ``step(_:maximumInput:maximumOutput:)`` returned.
  private(set) var output: [UInt8] = []

  init(_ decoder: any StreamDecoder, limit: Int) {
    self.decoder = decoder
    // One more byte than the limit has to be countable, see `decode`.
    self.limit = min(limit, .max - 1)
  }

  /// Goes on until the input is used up or one of the two budgets is spent.
  ///
  /// - Parameters:
  ///   - input: The whole input, the same at every call.
  ///   - maximumInput: How many bytes to read in this step. Empty blocks cost time without giving output, so a
  ///     bound on the output alone does not bound the time.
  ///   - maximumOutput: How many bytes to produce in this step.
  /// - Returns: ``isComplete``.
  mutating func step(
    _ input: Span<UInt8>, maximumInput: Int, maximumOutput: Int
  ) throws(CompressionError) -> Bool {
    guard !input.isEmpty else { throw .empty }
    if isComplete { return true }
    let inputEnd = position + min(maximumInput, input.count - position)
    let outputEnd = output.count + min(maximumOutput, .max - output.count)
    while output.count < outputEnd {
      if isAtStreamStart {
        try decoder.startStream(input.extracting(position...))
        isAtStreamStart = false
      }
      let produced = output.count
      reserve(for: input)
      let progress = try decode(input.extracting(position..<inputEnd), upTo: outputEnd)
      position += progress.consumed
      guard output.count <= limit else { throw .tooLarge(limit: limit) }
      if progress.isStreamEnd {
        isAtStreamStart = true
        isComplete = position == input.count
        if isComplete { return true }
        guard decoder.isConcatenable else { throw .malformed }
        if position == inputEnd { return false }
      } else if output.count == produced && position == inputEnd {
        // The decoder has nothing more to give without input. If there is none, the end of the stream is missing.
        guard position < input.count else { throw .malformed }
        return false
      }
    }
    return false
  }

  private mutating func decode(_ input: Span<UInt8>, upTo outputEnd: Int) throws(CompressionError) -> DecodingProgress {
    // One byte beyond the limit tells an output that ends there from one that goes on.
    let room = min(output.capacity, outputEnd, limit + 1) - output.count
    var progress = DecodingProgress(consumed: 0, isStreamEnd: false)
    try output.append(addingCapacity: room) { (free) throws(CompressionError) in
      progress = try decoder.decode(input, into: &free)
    }
    return progress
  }

  /// Makes room: at first in proportion to the input, then twice what has come out.
  ///
  /// Real batches of spans shrink to as little as a twentieth, so that most are never copied to a larger buffer; what is
  /// reserved but not reached is never touched, and takes no memory.
  private mutating func reserve(for input: Span<UInt8>) {
    guard output.count == output.capacity else { return }
    let wanted = output.isEmpty ? max(input.count, 1 << 8) * 20 : output.count * 2
    output.reserveCapacity(min(wanted, limit + 1))
  }
}
