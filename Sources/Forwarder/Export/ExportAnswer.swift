import Protobuf

/// `ExportTraceServiceResponse`: `ExportTracePartialSuccess partial_success = 1`, which has `int64 rejected_spans = 1` and
/// `string error_message = 2`.
struct ExportAnswer {
  var rejectedSpans: Int64 = 0
  var message = ""

  /// Reads what it can: an answer that cannot be read is a success all the same.
  init(_ bytes: [UInt8]) {
    do throws(ProtobufError) {
      var reader = ProtobufReader(bytes.span)
      while let tag = try reader.nextTag() {
        guard tag == .lengthDelimited(1) else {
          try reader.skip(tag)
          continue
        }
        try readPartialSuccess(bytes, try reader.lengthDelimited())
      }
    } catch {
      // Nothing depends on it but a count.
    }
    rejectedSpans = max(0, rejectedSpans)
  }

  private mutating func readPartialSuccess(_ bytes: [UInt8], _ range: Range<Int>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes.span, at: range)
    while let tag = try reader.nextTag() {
      switch tag {
      case .varint(1): rejectedSpans = Int64(bitPattern: try reader.varint())
      case .lengthDelimited(2): message = String(decoding: bytes[try reader.lengthDelimited()], as: UTF8.self)
      default: try reader.skip(tag)
      }
    }
  }
}
