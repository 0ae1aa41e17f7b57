import JSON
import OTLP
import Protobuf
import TraceStore

/// The resources of a trace, which Jaeger calls processes: each is written once, after the spans, which name its number.
struct ProcessTable: Sendable {
  /// Bytes of resources that are held until the spans are written; the tags of later ones are left out.
  private static let capacity = 8 << 20

  private struct Place: Hashable {
    var segment: Int64
    var start: Int
  }

  /// In JSON, in the order of their numbers.
  private var processes: [[UInt8]] = []
  private var numbers: [[UInt8]: Int] = [:]
  private var size = 0
  private var last: (place: Place, number: Int)?
  /// Whether tags were left out.
  private(set) var isCut = false

  /// The number of the resource around a span, from 1.
  mutating func number(_ bytes: Span<UInt8>, _ location: SpanLocation) throws(ProtobufError) -> Int {
    let place = Place(segment: location.segment, start: location.resourceSpans.lowerBound)
    if let last, last.place == place { return last.number }
    var process = try Self.process(bytes, location.resourceSpans, withTags: true)
    if numbers[process] == nil, size + process.count > Self.capacity {
      process = try Self.process(bytes, location.resourceSpans, withTags: false)
      isCut = true
    }
    var number = numbers[process]
    if number == nil {
      size += process.count
      processes.append(process)
      number = processes.count
      numbers[process] = number
    }
    last = (place, number!)
    return number!
  }

  /// Writes the members of the object `processes`.
  func write(to writer: inout JSONWriter) {
    for (index, process) in processes.enumerated() {
      writer.key("p\(index + 1)")
      writer.json(process.span)
    }
  }

  /// Writes a resource: the name of its service, and its other attributes.
  private static func process(_ bytes: Span<UInt8>, _ range: Range<Int>, withTags: Bool) throws(ProtobufError)
    -> [UInt8]
  {
    var service = ShownService.missing
    var tags = JSONWriter()
    tags.beginArray()
    if let resource = try EnvelopeFields(bytes, at: range).subject {
      for part in 0..<resource.count {
        var reader = ProtobufReader(bytes, at: resource[part])
        while let attribute = try reader.nextOccurrence(of: 1) {
          let fields = try KeyValueFields(bytes, at: attribute)
          if ShownService.isKey(bytes, fields.key) {
            service = try ShownService(bytes, fields.value)
          } else if withTags {
            try JaegerTagWriter.tag(bytes, at: attribute, to: &tags)
          }
        }
      }
    }
    tags.endArray()
    var writer = JSONWriter(reservingCapacity: tags.bytes.count + 64)
    writer.tokens("{\"serviceName\":")
    if case .named(let name) = service {
      writer.string(bytes, at: name)
    } else if let text = service.text {
      writer.string(text.description)
    }
    writer.key("tags")
    writer.json(tags.bytes.span)
    writer.endObject()
    return writer.bytes
  }
}
