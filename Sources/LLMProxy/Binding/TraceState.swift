/// The `tracestate` header ([Trace Context, section 3.3](https://www.w3.org/TR/trace-context/#tracestate-header)).
enum TraceState {
  /// Bytes that are passed on; the specification asks for at least as many.
  private static let maximumLength = 512
  private static let maximumMembers = 32
  /// Members over this length go first when there is not room for all.
  private static let longMember = 128

  /// Joins the headers of a request, without what there is no room for.
  static func joined(_ values: [String]) -> String {
    guard !values.isEmpty else { return "" }
    var members = values.flatMap { $0.parts(separatedBy: UInt8(ascii: ",")) }.map(\.trimmed).filter { !$0.isEmpty }
    // Too many members make the whole header invalid, and an invalid one is dropped whole.
    guard members.count <= maximumMembers, members.allSatisfy({ $0.contains("=") && $0.utf8.allSatisfy(isVisible) })
    else { return "" }
    while length(members) > maximumLength, let index = members.lastIndex(where: { $0.utf8.count > longMember }) {
      members.remove(at: index)
    }
    while length(members) > maximumLength { members.removeLast() }
    return members.joined(separator: ",")
  }

  private static func length(_ members: [Substring]) -> Int {
    members.reduce(max(0, members.count - 1)) { $0 + $1.utf8.count }
  }

  private static func isVisible(_ byte: UInt8) -> Bool { (0x20...0x7E).contains(byte) }
}
