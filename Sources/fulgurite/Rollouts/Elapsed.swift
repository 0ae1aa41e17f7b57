/// How long something has taken, or is ago, for people.
enum Elapsed {
  /// `1.2s`, `14m`, `3h` or `12d`; `-` when one of the times is not known.
  ///
  /// - Parameters: Seconds since 1970.
  static func text(from start: Double?, to end: Double?) -> String {
    guard let start, let end, end - start < 1e10 else { return "-" }
    let seconds = max(0, end - start)
    switch seconds {
    case ..<10: return "\(Double(Int(seconds * 10)) / 10)s"
    case ..<120: return "\(Int(seconds))s"
    case ..<7200: return "\(Int(seconds / 60))m"
    case ..<172_800: return "\(Int(seconds / 3600))h"
    default: return "\(Int(seconds / 86_400))d"
    }
  }
}
