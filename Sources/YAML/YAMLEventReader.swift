internal import CYAML

/// Pulls events out of libyaml.
///
/// The reader depends on the lifetime of the bytes it was given: libyaml reads them in place.
@safe struct YAMLEventReader: ~Copyable, ~Escapable {
  private let bytes: Span<UInt8>
  // On the heap, because libyaml keeps pointers into its own parser.
  private let parser: UnsafeMutablePointer<yaml_parser_t>

  /// - Parameter bytes: Not empty: libyaml asserts a pointer, which an empty span need not have.
  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) {
    self.bytes = bytes
    unsafe parser = .allocate(capacity: 1)
    let code = unsafe yaml_parser_initialize(parser)
    precondition(code == 1, "libyaml is out of memory")
    // The pointer outlives the closure; `bytes` is a dependency of the reader, so the memory does as well.
    unsafe bytes.withUnsafeBufferPointer { [parser] buffer in
      unsafe yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
    }
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
  }

  /// Reads the next event.
  ///
  /// After ``YAMLEvent/Kind/streamEnd`` or an error there is none.
  @_lifetime(self: copy self)
  mutating func next() throws(YAMLError) -> YAMLEvent {
    var event = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw failure() }
    defer { unsafe yaml_event_delete(&event) }
    return unsafe YAMLEvent(event)
  }

  private func failure() -> YAMLError {
    let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "the document cannot be read"
    let context = unsafe parser.pointee.context.map { unsafe " " + String(cString: $0) } ?? ""
    guard unsafe parser.pointee.error != YAML_READER_ERROR else {
      // The reader of bytes knows offsets only.
      return YAMLError(problem, at: position(ofByte: unsafe Int(parser.pointee.problem_offset)))
    }
    return YAMLError(problem + context, at: YAMLPosition(unsafe parser.pointee.problem_mark))
  }

  private func position(ofByte offset: Int) -> YAMLPosition {
    var line = 1
    var column = 1
    for index in 0..<min(offset, bytes.count) {
      if bytes[index] == UInt8(ascii: "\n") {
        line += 1
        column = 1
      } else if bytes[index] & 0xC0 != 0x80 {
        column += 1
      }
    }
    return YAMLPosition(line: line, column: column)
  }
}
