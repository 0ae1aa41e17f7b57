import CPCRE2

/// A compiled regular expression of PCRE2.
// The compiled code is written once and read only afterwards, as pcre2api says of `pcre2_code`, so threads may share it.
@safe final class TextPattern: @unchecked Sendable {
  /// Steps that one search may take; the default of PCRE2 is ten times as much.
  private static let matchLimit: UInt32 = 1_000_000
  /// Memory that one search may take, in KiB.
  private static let heapLimit: UInt32 = 16 * 1024

  private let code: OpaquePointer

  init(_ pattern: String) throws(RedactionError) {
    var error: Int32 = 0
    var offset = 0
    var text = pattern
    // The texts are Swift strings, so they are well-formed.
    let code = text.withUTF8 { bytes in
      unsafe pcre2_compile_8(
        bytes.baseAddress, bytes.count, PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nil)
    }
    guard let code = unsafe code else {
      throw RedactionError(rule: pattern, offset: offset, message: Self.message(error))
    }
    // Where there is no compiler for this processor, the interpreter does it.
    _ = unsafe pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE)
    unsafe self.code = code
  }

  deinit { unsafe pcre2_code_free_8(code) }

  /// Replaces all that matches.
  ///
  /// A text in which the search takes too long is replaced as a whole: what was not searched is not recorded.
  ///
  /// - Returns: Whether something was replaced.
  func replaceMatches(in text: inout String, by replacement: String) -> Bool {
    guard let matches = matches(in: &text) else {
      text = replacement
      return true
    }
    guard !matches.isEmpty else { return false }
    Self.replace(matches, in: &text, by: replacement)
    return true
  }

  /// Replaces all that matches in what a piece of JSON says, which may be cut or broken.
  ///
  /// - Returns: Whether something was replaced.
  func replaceMatches(inEscaped text: inout String, by replacement: String) -> Bool {
    let escaped = EscapedText(text)
    var said = escaped.said
    guard let matches = matches(in: &said) else {
      text = replacement
      return true
    }
    guard !matches.isEmpty else { return false }
    Self.replace(escaped.written(matches), in: &text, by: replacement)
    return true
  }

  private static func replace(_ matches: [Range<Int>], in text: inout String, by replacement: String) {
    var result: [UInt8] = []
    let bytes = Array(text.utf8)
    var position = 0
    for match in matches {
      result += bytes[position..<match.lowerBound]
      result += replacement.utf8
      position = match.upperBound
    }
    result += bytes[position...]
    text = String(decoding: result, as: UTF8.self)
  }

  /// Where the text matches; `nil` when that took too long.
  private func matches(in text: inout String) -> [Range<Int>]? {
    let context = unsafe pcre2_match_context_create_8(nil)
    defer { unsafe pcre2_match_context_free_8(context) }
    let data = unsafe pcre2_match_data_create_8(1, nil)
    defer { unsafe pcre2_match_data_free_8(data) }
    guard let context = unsafe context, let data = unsafe data else { return nil }
    _ = unsafe pcre2_set_match_limit_8(context, Self.matchLimit)
    _ = unsafe pcre2_set_heap_limit_8(context, Self.heapLimit)
    return text.withUTF8 { bytes in
      var matches: [Range<Int>] = []
      var start = 0
      while start <= bytes.count {
        let count = unsafe pcre2_match_8(
          code, bytes.baseAddress, bytes.count, start, PCRE2_NO_UTF_CHECK, data, context)
        if count == PCRE2_ERROR_NOMATCH { return matches }
        guard count >= 0, let vector = unsafe pcre2_get_ovector_pointer_8(data) else { return nil }
        let (first, end) = unsafe (vector[0], vector[1])
        // With \K a match can end before it begins, and lie before the place where the search began.
        if end > first, first >= matches.last?.upperBound ?? 0 { matches.append(first..<end) }
        // An empty match is nothing to replace; the search goes on behind the next character.
        start = end > start ? end : unsafe Self.character(after: start, bytes)
      }
      return matches
    }
  }

  /// The offset behind the character at an offset.
  private static func character(after offset: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var next = offset + 1
    while next < bytes.count, unsafe bytes[next] & 0xC0 == 0x80 { next += 1 }
    return next
  }

  private static func message(_ error: Int32) -> String {
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
      unsafe pcre2_get_error_message_8(error, buffer.baseAddress, buffer.count)
    }
    return String(decoding: buffer.prefix(max(0, Int(count))), as: UTF8.self)
  }
}
