import JSON
import Telemetry

extension JSONWriter {
  /// Writes a string, or null.
  mutating func optional(_ text: String?) { if let text { string(text) } else { null() } }

  /// Writes a double, or null.
  mutating func optional(_ number: Double?) { if let number { double(number) } else { null() } }

  /// Writes a text that is JSON already, or null.
  mutating func optional(_ text: JSONText?) { if let text { json(text.text.utf8Span.span) } else { null() } }
}
