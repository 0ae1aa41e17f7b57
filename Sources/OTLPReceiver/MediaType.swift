import Transport

/// The type of a request's body, without its parameters.
///
/// [RFC 9110, 8.3.1](https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1)
enum MediaType {
  case protobuf, json, grpc, other

  /// Reads `content-type`; upper and lower case are alike.
  init(_ request: HTTPRequest) {
    // Every sender writes the usual form, and asks with every request.
    switch request.headers.first("content-type") {
    case "application/x-protobuf": self = .protobuf
    case "application/json": self = .json
    case "application/grpc": self = .grpc
    case nil: self = .other
    case let value?: self.init(parsing: value)
    }
  }

  private init(parsing value: String) {
    let type = value.utf8.prefix { $0 != UInt8(ascii: ";") }
    let end = type.lastIndex { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
    let name = end.flatMap { String(type[...$0]) }?.lowercased() ?? ""
    switch name {
    case "application/x-protobuf": self = .protobuf
    case "application/json": self = .json
    // `application/grpc+proto` and the like are gRPC too.
    case _ where name.hasPrefix("application/grpc"): self = .grpc
    default: self = .other
    }
  }
}
