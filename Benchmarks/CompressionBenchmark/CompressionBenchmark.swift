import Compression
import Glibc

/// Measures the codecs on one body, read from standard input.
///
/// ```sh
/// otlpload --dump - --seed 1 | swift run -c release CompressionBenchmark
/// ```
@main struct CompressionBenchmark {
  static func main() throws {
    let body = readStandardInput()
    print("\(body.count) bytes")
    try measureSegments(body)
    try measureBodies(body)
  }

  private static func measureSegments(_ body: [UInt8]) throws {
    print("segment  level  compress us  decompress us  ratio  memory KiB")
    for level in [-5, -3, -1, 1, 2, 3] {
      let compressor = try SegmentCompressor()
      let decompressor = try SegmentDecompressor()
      var frame: [UInt8] = []
      var output: [UInt8] = []
      let compress = try microseconds { try compressor.compress(body.span, level: level, into: &frame) }
      let decompress = try microseconds {
        try decompressor.decompress(frame.span, expectedSize: body.count, into: &output)
      }
      let ratio = Double(body.count) / Double(frame.count)
      print(
        "segment", level, tenths(compress), tenths(decompress), tenths(ratio), compressor.memory >> 10, separator: "  ")
    }
  }

  private static func measureBodies(_ body: [UInt8]) throws {
    let gzip = try GzipCompressor()
    var compressed: [UInt8] = []
    print("gzip level 1, us:", tenths(microseconds { compressed = gzip.compress(body.span) }))
    let small = compressed
    print("gunzip at once, us:", tenths(try microseconds { _ = try Decompressor.gzip(small.span, limit: 1 << 26) }))
    let large = gzip.compress(Array((0..<100).map { _ in body }.joined()).span)
    print(
      "gunzip 100 bodies at once, us:",
      tenths(try microseconds { _ = try Decompressor.gzip(large.span, limit: 1 << 26) }))
    var longestSteps: [Double] = []
    let pieces = try microseconds {
      var stream = DecompressionStream(large, coding: .gzip, limit: 1 << 26)
      var isComplete = false
      var longestStep = 0.0
      while !isComplete {
        let start = threadTime()
        isComplete = try stream.step()
        longestStep = max(longestStep, threadTime() - start)
      }
      longestSteps.append(longestStep)
    }
    print("gunzip 100 bodies in pieces, us:", tenths(pieces), "longest step:", tenths(longestSteps.sorted()[10]))
  }

  /// The median of 21 runs, in time of this thread: other processes do not count.
  private static func microseconds(_ body: () throws -> Void) rethrows -> Double {
    let times = try (0..<21).map { _ in
      let start = threadTime()
      try body()
      return threadTime() - start
    }
    return times.sorted()[10]
  }

  /// The processor time of this thread, in microseconds.
  private static func threadTime() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
  }

  private static func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }

  private static func readStandardInput() -> [UInt8] {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe read(STDIN_FILENO, &piece, piece.count)
      guard count > 0 else { return bytes }
      bytes += piece[..<count]
    }
  }
}
