import Telemetry
import Threads

/// Decides on which thread a request is decoded, so that no request keeps an event loop from its other connections.
///
/// Small ones stay on the loop that received them: changing threads would cost more than they do. Large ones go to
/// helper threads. Interleaving them with the other work of the loop, step by step, would need every decoder to stop
/// anywhere: between spans is not enough, because one span can be the whole request.
///
/// What waits for a thread is bounded by the budget of bytes in flight, in which every request has its share. Very large
/// requests have threads of their own, so that those of an ordinary size never queue behind them. These get half of the
/// cores and a lower priority: with as many busy threads as cores, loops and writer would have to wait for a core each
/// time they wake up, and small exports took tens of milliseconds longer.
struct DecodingThreads: Sendable {
  /// Decoding that much takes a few milliseconds in the worst case, in bytes.
  private static let largestOnLoop = 512 << 10
  /// What an exporter may send in a burst without being unusual, in bytes.
  private static let largestMedium = 4 << 20
  /// A third of what other threads get, where cores are scarce.
  private static let largeNiceness: Int32 = 5

  private let decoder: RequestDecoder
  private let medium: HelperThreads
  private let large: HelperThreads

  /// - Parameter count: How many large requests are decoded at the same time; of very large ones half as many.
  init(_ decoder: RequestDecoder, count: Int) {
    self.decoder = decoder
    medium = HelperThreads(name: "decode", count: count)
    large = HelperThreads(name: "decode-large", count: max(1, count / 2), niceness: Self.largeNiceness)
  }

  /// Decodes a request; the loop goes on meanwhile, unless the request is small.
  func decode(_ request: consuming [UInt8], _ encoding: RequestEncoding, _ tag: RolloutTag)
    async throws(ExportFailure) -> DecodedRequest
  {
    let count = request.count
    guard count > Self.largestOnLoop else { return try decoder.decode(request, encoding, tag) }
    // Out of the box the decoder gets the only reference, and frees the request as soon as it is read.
    let box = Locked(request)
    let threads = count > Self.largestMedium ? large : medium
    return try await threads.run { [decoder] () throws(ExportFailure) in
      let bytes = box.withLock { box in
        defer { box = [] }
        return box
      }
      return try decoder.decode(bytes, encoding, tag)
    }
  }
}
