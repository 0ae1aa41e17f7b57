/// The parts of a request's path: what selects, what binds, and what the provider is asked.
///
/// `[/s/KEY][/UPSTREAM][/rollout/R/attempt/A][/v1]/chat/completions`; the upstream and the binding stand in either order.
struct ProxyPath: Hashable {
  /// Why a path is refused.
  enum Fault: Error, Hashable {
    /// It could mean different things to different servers: `..`, an encoded slash, two slashes.
    case ambiguous
    /// An id that is not `[A-Za-z0-9._-]{1,128}`.
    case invalidID
  }

  /// A key in the path, where that is allowed.
  var key: String?
  /// The name of the upstream that the path selects.
  var upstream: String?
  var rollout: String?
  var attempt: String?
  /// `/v1` and the like; `nil` when there is none.
  var version: String?
  /// The rest, which starts with a slash.
  var path = "/"

  /// - Parameters:
  ///   - path: As it came, percent-encoded.
  ///   - allowsKey: Whether the path may start with `/s/KEY`.
  init(_ text: String, _ table: UpstreamTable, allowsKey: Bool) throws(Fault) {
    guard Self.isPlain(text) else { throw .ambiguous }
    var segments = text.parts(separatedBy: UInt8(ascii: "/"))[...]
    if allowsKey, segments.count >= 2, segments.first == "s" {
      key = String(segments[segments.startIndex + 1])
      segments = segments.dropFirst(2)
    }
    while let first = segments.first {
      if upstream == nil, let selected = table.selected(bySegment: first) {
        upstream = selected.name
        segments = segments.dropFirst()
      } else if rollout == nil, first == "rollout", segments.count >= 4, segments[segments.startIndex + 2] == "attempt"
      {
        rollout = try Self.id(segments[segments.startIndex + 1])
        attempt = try Self.id(segments[segments.startIndex + 3])
        segments = segments.dropFirst(4)
      } else {
        break
      }
    }
    if let first = segments.first, Self.isVersion(first) {
      version = "/" + first
      segments = segments.dropFirst()
    }
    if let first = segments.first { path = String(text[text.utf8.index(before: first.startIndex)...]) }
  }

  /// Whether a segment is a version of an API: `v1`, `v1beta`, `v2alpha1`.
  static func isVersion(_ segment: Substring) -> Bool {
    let bytes = segment.utf8
    guard bytes.count >= 2, bytes.first == UInt8(ascii: "v") else { return false }
    let rest = bytes.dropFirst()
    guard let digit = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return false }
    return rest.allSatisfy { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
  }

  /// Whether a path means one thing, also to servers that decode or normalize it.
  private static func isPlain(_ text: String) -> Bool {
    guard text.utf8.first == UInt8(ascii: "/") else { return false }
    var previous: UInt8 = 0
    for byte in text.utf8 {
      if byte == UInt8(ascii: "/") && previous == UInt8(ascii: "/") { return false }
      if byte == UInt8(ascii: "\\") || byte <= 0x20 || byte >= 0x7F { return false }
      previous = byte
    }
    guard text.utf8.contains(UInt8(ascii: ".")) || text.utf8.contains(UInt8(ascii: "%")) else { return true }
    let lowered = text.lowercased()
    // The last two begin what lax decoders of UTF-8 take for ASCII.
    for encoded in ["%2f", "%5c", "%00", "%25", "%c0", "%c1"] where lowered.contains(encoded) { return false }
    // Some servers cut parameters off a segment before they look at it.
    return lowered.replacing("%2e", with: ".").replacing("%3b", with: ";").split(separator: "/").allSatisfy { segment in
      let name = segment.prefix { $0 != ";" }
      return name != "." && name != ".."
    }
  }

  static func isID(_ text: some StringProtocol) -> Bool {
    let bytes = text.utf8
    return (1...128).contains(bytes.count)
      && bytes.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }

  private static func id(_ segment: Substring) throws(Fault) -> String {
    guard isID(segment) else { throw .invalidID }
    return String(segment)
  }
}
