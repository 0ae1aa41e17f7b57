import Compression
import Protobuf

/// Messages as senders write them.
enum Message {
  static let goodID = [UInt8](1...8)

  /// A `Span`.
  static func span(id: [UInt8] = goodID, name: String = "name") -> [UInt8] {
    var writer = ProtobufWriter()
    writer.bytesField(1, [UInt8](1...16).span)
    writer.bytesField(2, id.span)
    writer.stringField(5, name)
    return writer.bytes
  }

  /// An `ExportTraceServiceRequest`.
  static func request(_ spans: [[UInt8]] = [span()], resource: [UInt8] = []) -> [UInt8] {
    var writer = ProtobufWriter()
    let resourceSpans = writer.beginMessage(1)
    if !resource.isEmpty { writer.bytesField(1, resource.span) }
    let scopeSpans = writer.beginMessage(2)
    for span in spans { writer.bytesField(2, span.span) }
    writer.endMessage(scopeSpans)
    writer.endMessage(resourceSpans)
    return writer.bytes
  }

  /// The attribute that names a rollout, as a field of a span or a resource.
  static func rollout(_ id: String, field: UInt32) -> [UInt8] {
    var writer = ProtobufWriter()
    let attribute = writer.beginMessage(field)
    writer.stringField(1, "agentlightning.rollout_id")
    let value = writer.beginMessage(2)
    writer.stringField(1, id)
    writer.endMessage(value)
    writer.endMessage(attribute)
    return writer.bytes
  }

  static let json = #"""
    {"resourceSpans":[{"scopeSpans":[{"spans":[
      {"traceId":"0102030405060708090A0B0C0D0E0F10","spanId":"0102030405060708","name":"name"}]}]}]}
    """#

  /// The same request with one span whose id is none, too.
  static let halfGoodJSON = #"""
    {"resourceSpans":[{"scopeSpans":[{"spans":[
      {"traceId":"0102030405060708090A0B0C0D0E0F10","spanId":"0102030405060708"},
      {"traceId":"0102030405060708090A0B0C0D0E0F10","spanId":"01"}]}]}]}
    """#

  /// The framing of gRPC around a message.
  static func framed(_ message: [UInt8], flag: UInt8 = 0, length: Int? = nil) -> [UInt8] {
    let length = length ?? message.count
    return [flag] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) } + message
  }
}

/// A `google.rpc.Status`.
struct DecodedStatus: Equatable {
  var code: UInt64 = 0
  var message = ""
  var detailTypes: [String] = []

  init(_ bytes: [UInt8]) throws(ProtobufError) {
    var reader = ProtobufReader(bytes.span)
    while let tag = try reader.nextTag() {
      switch tag {
      case .varint(1): code = try reader.varint()
      case .lengthDelimited(2): message = String(decoding: bytes[try reader.lengthDelimited()], as: UTF8.self)
      case .lengthDelimited(3):
        var detail = ProtobufReader(bytes.span, at: try reader.lengthDelimited())
        while let tag = try detail.nextTag() {
          guard tag == .lengthDelimited(1) else {
            try detail.skip(tag)
            continue
          }
          let type = String(decoding: bytes[try detail.lengthDelimited()], as: UTF8.self)
          detailTypes.append(String(type.split(separator: ".").last ?? ""))
        }
      default: try reader.skip(tag)
      }
    }
  }
}

/// One gzip member.
func gzip(_ bytes: [UInt8]) throws -> [UInt8] { try GzipCompressor().compress(bytes.span) }
