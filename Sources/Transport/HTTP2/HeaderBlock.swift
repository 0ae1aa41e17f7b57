import CNGHTTP2

/// Header fields in the form that nghttp2 takes.
struct HeaderBlock {
  private var bytes: [UInt8] = []
  private var counts: [(name: Int, value: Int)] = []

  init() {
    // Enough for an ordinary answer, so that it grows no further.
    bytes.reserveCapacity(256)
    counts.reserveCapacity(8)
  }

  /// Adds a field whose name is in lower case.
  ///
  /// Control characters become spaces: a proxy in front may speak HTTP/1, where they would break the message.
  mutating func append(_ name: String, _ value: String) {
    bytes.append(contentsOf: name.utf8)
    let start = bytes.count
    FieldCoding.append(value, to: &bytes)
    for index in start..<bytes.count where bytes[index] < 0x20 && bytes[index] != 0x09 || bytes[index] == 0x7F {
      bytes[index] = 0x20
    }
    counts.append((name.utf8.count, bytes.count - start))
  }

  /// Lends the fields to nghttp2, which copies them.
  func withFields<Result>(_ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result) -> Result {
    var bytes = bytes
    return unsafe bytes.withUnsafeMutableBufferPointer { buffer in
      var fields = unsafe [nghttp2_nv]()
      unsafe fields.reserveCapacity(counts.count)
      // The base is nil only when there are no fields.
      guard var next = buffer.baseAddress else { return body(nil, 0) }
      for count in counts {
        let value = unsafe next + count.name
        unsafe fields.append(
          nghttp2_nv(
            name: next, value: value, namelen: count.name, valuelen: count.value,
            flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)
          ))
        unsafe next = value + count.value
      }
      return unsafe fields.withUnsafeBufferPointer { unsafe body($0.baseAddress, $0.count) }
    }
  }
}
