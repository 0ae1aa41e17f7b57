// Fields and paths are ASCII; cutting them by characters would look for grapheme clusters at every byte.

extension String {
  /// The parts between separators that are not empty.
  func parts(separatedBy separator: UInt8) -> [Substring] {
    utf8.split(separator: separator).map { Substring($0) }
  }
}

extension Substring {
  /// Without spaces and tabs around it.
  var trimmed: Substring {
    var bytes = utf8
    while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
    while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
    return Substring(bytes)
  }
}
