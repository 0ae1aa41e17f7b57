import Foundation
import JSON
import Testing

/// The recorded payloads below `Tests/Fixtures/otlp` and what they mean.
enum Fixtures {
  /// One recorded export request.
  struct Payload: Sendable, CustomTestStringConvertible {
    let name: String
    let isJSON: Bool
    let body: [UInt8]
    let decoded: JSONValue

    var testDescription: String { name }
  }

  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/otlp")

  /// Every payload whose compression `gzip` can undo.
  static let payloads: [Payload] = {
    guard case .object(let payloads)? = try? json(read("expected.json"))["payloads"] else { return [] }
    return payloads.compactMap { member in
      guard let body = body(member.value), let decoded = decoded(member.value) else { return nil }
      let isJSON = member.value["content_type"] == .string("application/json")
      return Payload(name: member.key, isJSON: isJSON, body: body, decoded: decoded)
    }
  }()

  static let json = payloads.filter(\.isJSON)
  static let protobuf = payloads.filter { !$0.isJSON }

  private static func decoded(_ payload: JSONValue) -> JSONValue? {
    if let decoded = payload["decoded"] { return decoded }
    guard case .string(let path)? = payload["decoded_file"] else { return nil }
    return try? json(gunzip(path))
  }

  private static func body(_ payload: JSONValue) -> [UInt8]? {
    guard case .string(let path)? = payload["file"] else { return nil }
    switch path.split(separator: ".").last {
    case "gz": return gunzip(path)
    case "zz", "zst": return nil
    case "grpc":
      let message = read(path)
      return message[0] == 0 ? Array(message.dropFirst(5)) : gunzip(Data(message.dropFirst(5)))
    default: return read(path)
    }
  }

  static func read(_ path: String) -> [UInt8] {
    [UInt8]((try? Data(contentsOf: folder.appending(path: path))) ?? Data())
  }

  private static func json(_ bytes: [UInt8]) throws -> JSONValue { try JSONValue(parsing: bytes.span) }

  private static func gunzip(_ path: String) -> [UInt8] { gunzip(Data(read(path))) }

  private static func gunzip(_ data: Data) -> [UInt8] {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/gzip")
    process.arguments = ["-dc"]
    let input = FileManager.default.temporaryDirectory.appending(path: "fixture-\(UUID())")
    defer { try? FileManager.default.removeItem(at: input) }
    let output = Pipe()
    do {
      try data.write(to: input)
      process.standardInput = try FileHandle(forReadingFrom: input)
      process.standardOutput = output
      try process.run()
    } catch {
      return []
    }
    defer { process.waitUntilExit() }
    return [UInt8](output.fileHandleForReading.readDataToEndOfFile())
  }
}

extension JSONValue {
  /// The same document with the members of every object in the order of their keys.
  var sorted: JSONValue {
    switch self {
    case .array(let elements): .array(elements.map(\.sorted))
    case .object(let members):
      .object(members.map { JSONMember($0.key, $0.value.sorted) }.sorted { $0.key < $1.key })
    default: self
    }
  }
}
