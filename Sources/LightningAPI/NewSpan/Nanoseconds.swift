/// Times of the log for times in seconds.
enum Nanoseconds {
  /// Beyond it 64 bits do not hold the nanoseconds.
  private static let latest = 1.8e10

  /// The nearest nanosecond; 0, which is "unknown", for what OTLP cannot hold.
  ///
  /// For times since the first days of 1970 ``AGLTime`` gives the same double back.
  static func value(seconds: Double) -> UInt64 {
    guard seconds > 0, seconds < latest else { return 0 }
    let whole = seconds.rounded(.down)
    // The difference is exact, and its product far more exact than a nanosecond.
    return UInt64(whole) * 1_000_000_000 + UInt64(((seconds - whole) * 1e9).rounded())
  }
}
