import CZlib

/// zlib's inflate, in pieces.
@safe final class InflateDecoder: StreamDecoder {
  private let format: DeflateFormat
  // On the heap, because zlib keeps the address of the structure and refuses a moved one.
  private let stream: UnsafeMutablePointer<z_stream>

  init(format: DeflateFormat) throws(CompressionError) {
    // 15 is the largest window deflate has; adding 16 selects gzip, the negative value means no header.
    let windowBits: Int32 =
      switch format {
      case .gzip: 15 + 16
      case .zlib: 15
      case .raw: -15
      }
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    guard unsafe czlib_inflate_init(stream, windowBits) == Z_OK else {
      unsafe stream.deallocate()
      throw .outOfMemory
    }
    unsafe self.stream = stream
    self.format = format
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  var isConcatenable: Bool { format.isConcatenable }
  var headerSize: Int { 1 }

  func decode(_ input: Span<UInt8>, into output: inout OutputSpan<UInt8>) throws(CompressionError) -> DecodingProgress {
    var consumed = 0
    // Both buffers live as long as the closures; the pointers are taken out of the stream before they end.
    let code = unsafe input.withUnsafeBufferPointer { source in
      unsafe output.withUnsafeMutableBufferPointer { target, initialized in
        let available = UInt32(clamping: source.count)
        let room = UInt32(clamping: target.count - initialized)
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        unsafe stream.pointee.avail_in = available
        unsafe stream.pointee.next_out = target.baseAddress.map { unsafe $0 + initialized }
        unsafe stream.pointee.avail_out = room
        let code = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
        consumed = Int(available - (unsafe stream.pointee.avail_in))
        initialized += Int(room - (unsafe stream.pointee.avail_out))
        unsafe stream.pointee.next_in = nil
        unsafe stream.pointee.next_out = nil
        return code
      }
    }
    switch code {
    // Z_BUF_ERROR only says that nothing could be done with this input and room.
    case Z_OK, Z_BUF_ERROR: return DecodingProgress(consumed: consumed, isStreamEnd: false)
    case Z_STREAM_END: return DecodingProgress(consumed: consumed, isStreamEnd: true)
    case Z_MEM_ERROR: throw .outOfMemory
    // Z_NEED_DICT as well: a content coding has no way to name a dictionary.
    default: throw .malformed
    }
  }

  func startStream(_ remaining: Span<UInt8>) {
    let code = unsafe inflateReset(stream)
    precondition(code == Z_OK, "the stream was initialised")
  }
}
