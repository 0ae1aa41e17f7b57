/// Whether a text is a path of which there is one reading only: segments of unreserved characters
/// ([RFC 3986, 2.3](https://www.rfc-editor.org/rfc/rfc3986#section-2.3)) and a few more, with a slash before each; none
/// is empty, `.` or `..`.
func isPath(_ text: some StringProtocol) -> Bool {
  let segments = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
  guard segments.count > 1, segments[0].isEmpty else { return false }
  return segments.dropFirst().allSatisfy { segment in
    segment.contains { $0 != UInt8(ascii: ".") } && segment.allSatisfy(isPathByte)
  }
}

private func isPathByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"):
    true
  default: "-._~:@!$&'()*+,=".utf8.contains(byte)
  }
}
