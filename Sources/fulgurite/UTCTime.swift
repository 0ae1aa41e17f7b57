import Logging

/// Prints moments for people.
enum UTCTime {
  /// `2026-11-21T14:03:11.123Z`, or `-` for an unknown time.
  ///
  /// - Parameter nanoseconds: Since 1970.
  static func text(_ nanoseconds: UInt64) -> String {
    guard nanoseconds != 0 else { return "-" }
    return Timestamp(millisecondsSinceEpoch: Int64(nanoseconds / 1_000_000)).description
  }

  /// The same for seconds since 1970.
  static func text(seconds: Double?) -> String {
    guard let seconds, seconds > 0, seconds < 1e10 else { return "-" }
    return text(UInt64(seconds * 1e9))
  }

  /// `14:03:11.123`, or `-` for an unknown time.
  ///
  /// - Parameter nanoseconds: Since 1970.
  static func timeOfDay(_ nanoseconds: UInt64) -> String {
    guard nanoseconds != 0 else { return "-" }
    return String(text(nanoseconds).dropLast().suffix(12))
  }
}
