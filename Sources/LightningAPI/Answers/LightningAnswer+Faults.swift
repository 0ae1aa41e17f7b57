import APISupport
import JSON
import Transport

extension LightningAnswer {
  /// Where the list of faults ends, in bytes: each of them can show a large value.
  private static let enoughBytes = 256 << 10

  /// Answers with what is wrong with a request, as FastAPI does.
  static func invalid(_ faults: [RequestFault]) -> HTTPResponse {
    JSONAnswer.make(422) { writer in
      writer.beginObject()
      writer.key("detail")
      writer.beginArray()
      for fault in faults where writer.bytes.count < enoughBytes { write(fault, &writer) }
      writer.endArray()
      writer.endObject()
    }
  }

  /// What a client gets back must not be a multiple of what it sent.
  private static let longestText = 1024

  private static func shortened(_ text: String) -> String {
    text.utf8.count <= longestText ? text : String(decoding: text.utf8.prefix(longestText), as: UTF8.self) + "..."
  }

  private static func write(_ fault: RequestFault, _ writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("type")
    writer.string(fault.type)
    writer.key("loc")
    writer.beginArray()
    for step in fault.location {
      switch step {
      case .name(let name): writer.string(shortened(name))
      case .index(let index): writer.integer(Int64(index))
      }
    }
    writer.endArray()
    writer.key("msg")
    writer.string(shortened(fault.message))
    writer.key("input")
    writer.text(fault.input)
    if !fault.context.isEmpty {
      writer.key("ctx")
      writer.beginObject()
      for (name, value) in fault.context {
        writer.key(name)
        writer.text(value)
      }
      writer.endObject()
    }
    writer.endObject()
  }
}
