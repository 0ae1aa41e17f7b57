import JSON
import Telemetry

extension JSONText {
  /// The JSON of a string.
  init(string: String) {
    var writer = JSONWriter()
    writer.string(string)
    self.init(String(decoding: writer.bytes, as: UTF8.self))
  }
}
