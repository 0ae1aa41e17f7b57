import Configuration
import Glibc
import JSON
import Transport

/// The line on standard output that says when the server is ready, and where.
enum ReadyLine {
  static func json(_ server: Server, _ configuration: FulguriteConfiguration) -> String {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("event")
    writer.string("ready")
    for name in ["otlp_http", "otlp_grpc", "api", "llm_proxy"] {
      writer.key(name)
      writer.beginArray()
      for address in server.addresses[name] ?? [] { writer.string(address.description) }
      writer.endArray()
    }
    writer.key("data")
    writer.string(configuration.data.directory)
    writer.key("pid")
    writer.integer(Int64(getpid()))
    writer.endObject()
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}
