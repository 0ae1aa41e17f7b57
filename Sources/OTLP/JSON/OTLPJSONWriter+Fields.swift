import JSON
import Protobuf

// Fields as proto3's JSON mapping writes them: those with the default value are left out.
extension OTLPJSONWriter {
  static func writeString(
    _ name: StaticString, _ bytes: Span<UInt8>, _ range: Range<Int>, to writer: inout JSONWriter
  ) {
    guard !range.isEmpty else { return }
    writer.key(name)
    writer.string(bytes, at: range)
  }

  static func writeIdentifier(
    _ name: StaticString, _ bytes: Span<UInt8>, _ range: Range<Int>, to writer: inout JSONWriter
  ) {
    guard !range.isEmpty else { return }
    writer.key(name)
    writer.hexadecimal(bytes, at: range)
  }

  static func writeNumber(_ name: StaticString, _ value: Int64, to writer: inout JSONWriter) {
    guard value != 0 else { return }
    writer.key(name)
    writer.integer(value)
  }

  static func writeTime(_ name: StaticString, _ value: UInt64, to writer: inout JSONWriter) {
    guard value != 0 else { return }
    writer.key(name)
    writer.unsignedString(value)
  }
}
