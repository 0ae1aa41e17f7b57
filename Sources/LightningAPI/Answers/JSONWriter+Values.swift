import JSON
import Telemetry

// Values that can be null.
extension JSONWriter {
  mutating func string(_ value: String?) {
    if let value { string(value) } else { null() }
  }

  /// Writes a number; what is not finite is a string.
  mutating func double(_ value: Double?) {
    if let value { double(value) } else { null() }
  }

  /// Writes JSON as its sender has written it.
  mutating func text(_ value: JSONText?) {
    guard var text = value?.text else { return null() }
    text.withUTF8 { bytes in json(unsafe bytes.span) }
  }
}
