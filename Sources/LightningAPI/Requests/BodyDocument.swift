import APISupport
import JSON
import Telemetry
import Transport

/// Makes a document of the body of a request, as FastAPI does.
enum BodyDocument {
  /// The body as sent, for the fingerprint of the request, and what it says.
  ///
  /// A body that is absent and one that says `null` are the same: `nil`.
  static func read(_ bytes: [UInt8], contentType: String?) throws(RequestFailure) -> JSONDocument? {
    guard !bytes.isEmpty else { return nil }
    guard BodyReceiver.isJSON(contentType) else { return text(bytes) }
    let document = try parse(readable(bytes))
    return document.kind(JSONDocument.root) == .null ? nil : document
  }

  /// A body of another type is a string to the models, which none of them accepts.
  private static func text(_ bytes: [UInt8]) -> JSONDocument? {
    var writer = JSONWriter()
    writer.string(bytes.span, at: 0..<bytes.count)
    return try? JSONDocument(parsing: writer.bytes)
  }

  /// Without a byte order mark, and with U+FFFD for what is not UTF-8.
  private static func readable(_ bytes: [UInt8]) -> [UInt8] {
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    if start == 0, UTF8Text.isWellFormed(bytes.span, at: 0..<bytes.count) { return bytes }
    var result: [UInt8] = []
    UTF8Text.appendRepaired(bytes.span, at: start..<bytes.count, to: &result)
    return result
  }

  private static func parse(_ bytes: [UInt8]) throws(RequestFailure) -> JSONDocument {
    do throws(JSONError) {
      return try JSONDocument(parsing: bytes)
    } catch {
      if error.reason != .tooDeep, let quoted = NonFinite.quoted(bytes),
        let document = try? JSONDocument(parsing: quoted)
      {
        return document
      }
      throw failure(error, bytes)
    }
  }

  private static func failure(_ error: JSONError, _ bytes: [UInt8]) -> RequestFailure {
    guard error.reason != .tooDeep, let fault = PythonJSON.fault(in: bytes) else {
      return .refused(400, "There was an error parsing the body")
    }
    var invalid = RequestFault(
      "json_invalid", "JSON decode error", context: [("error", .init(string: fault.message))])
    invalid.location = [.name("body"), .index(fault.position)]
    invalid.input = .emptyObject
    return .invalid([invalid])
  }
}
