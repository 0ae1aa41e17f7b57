import Glibc

/// The value of the `date` field, made once a second
/// ([RFC 9110, section 5.6.7](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7)).
struct DateField {
  private var second: time_t = .min
  private var text: [UInt8] = []

  /// The current time, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
  mutating func value() -> [UInt8] { value(at: time(nil)) }

  /// The time of seconds since 1970.
  mutating func value(at now: time_t) -> [UInt8] {
    guard now != second else { return text }
    second = now
    text = Self.format(now)
    return text
  }

  private static func format(_ now: time_t) -> [UInt8] {
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    var now = now
    var parts = unsafe tm()
    unsafe gmtime_r(&now, &parts)
    let day = days[Int(unsafe parts.tm_wday)]
    let month = months[Int(unsafe parts.tm_mon)]
    let year = Int(unsafe parts.tm_year) + 1900
    let date = "\(day), \(twoDigits(unsafe parts.tm_mday)) \(month) \(year)"
    let clock =
      "\(twoDigits(unsafe parts.tm_hour)):\(twoDigits(unsafe parts.tm_min)):\(twoDigits(unsafe parts.tm_sec))"
    return Array("\(date) \(clock) GMT".utf8)
  }

  private static func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
