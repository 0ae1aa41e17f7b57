import Credentials
import JSON

extension Media.Source {
  /// Base64 text as it is to be recorded.
  ///
  /// - Parameter limit: The length of a text that is recorded itself; of a longer one the length and the SHA-256.
  init(base64 text: String, limit: Int) {
    let bytes = Array(text.utf8)
    guard bytes.count > limit else {
      self = .blob(text)
      return
    }
    self = .digest(byteCount: bytes.count, sha256: SHA256Digest(hashing: bytes.span).hexadecimal)
  }
}

extension Media {
  /// What the conventions call data of a media type.
  static func modality(ofMIMEType mimeType: String?) -> String {
    let kind = mimeType.map { $0.prefix { $0 != "/" } } ?? ""
    return ["image", "audio", "video"].contains(kind) ? String(kind) : "document"
  }
}

extension JSONDocument {
  /// A value as its sender wrote it, but for large blobs inside: in the place of a string of base64, or of a `data:` URL
  /// ([RFC 2397](https://www.rfc-editor.org/rfc/rfc2397)), stands an object with its length and SHA-256.
  ///
  /// - Parameter limit: The length of base64 text that stays.
  func json(_ place: Int, blobsUpTo limit: Int) -> [UInt8] {
    let range = text(place)
    guard range.count > limit else { return Array(bytes[range]) }
    var result: [UInt8] = []
    var position = range.lowerBound
    // The places lie in the order of the text, keys as well.
    for inner in place..<end(place) where isString(inner) && content(inner).count > limit && !isKey(inner) {
      guard let digest = digest(ofBlob: inner, limit) else { continue }
      let blob = text(inner)
      result += bytes[position..<blob.lowerBound]
      result += digest
      position = blob.upperBound
    }
    return result + bytes[position..<range.upperBound]
  }

  /// Whether a string is the name of a member, which no object can stand for: a colon is the next that is no space.
  private func isKey(_ string: Int) -> Bool {
    bytes[text(string).upperBound...].first { $0 > 0x20 } == UInt8(ascii: ":")
  }

  private func digest(ofBlob string: Int, _ limit: Int) -> [UInt8]? {
    var text = self.string(string)[...]
    if text.hasPrefix("data:"), let comma = text.firstIndex(of: ",") { text = text[text.index(after: comma)...] }
    guard text.utf8.allSatisfy(Self.isBase64) else { return nil }
    guard case .digest(let byteCount, let sha256) = Media.Source(base64: String(text), limit: limit) else { return nil }
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("byte_count")
    writer.integer(Int64(byteCount))
    writer.key("sha256")
    writer.string(sha256)
    writer.endObject()
    return writer.bytes
  }

  /// Whether a byte is one of base64, in one of its alphabets ([RFC 4648](https://www.rfc-editor.org/rfc/rfc4648)).
  private static func isBase64(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default:
      [UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "=")].contains(byte)
    }
  }
}
