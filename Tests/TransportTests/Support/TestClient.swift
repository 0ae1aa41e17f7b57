import CUV
import Foundation

@testable import Transport

/// A blocking TCP client; used on a thread of its own.
@safe final class TestClient {
  private let descriptor: Int32
  /// Bytes that were read and not taken.
  private(set) var buffer: [UInt8] = []
  private var scratch = [UInt8](repeating: 0, count: 64 * 1024)

  /// - Parameter receiveBuffer: A small one makes the server's output stall early.
  init(_ address: SocketAddress, receiveBuffer: Int32? = nil) throws {
    descriptor = socket(address.family == .ipv4 ? AF_INET : AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
    if var size = receiveBuffer {
      unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    // No test waits for longer than this; a read that does ends the test with an error.
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var storage = sockaddr_storage()
    let status: Int32
    if address.family == .ipv4 {
      _ = unsafe storage.withView(as: sockaddr_in.self) { unsafe uv_ip4_addr(address.host, Int32(address.port), $0) }
      status = unsafe storage.withView(as: sockaddr.self) {
        unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    } else {
      _ = unsafe storage.withView(as: sockaddr_in6.self) { unsafe uv_ip6_addr(address.host, Int32(address.port), $0) }
      status = unsafe storage.withView(as: sockaddr.self) {
        unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
      }
    }
    guard status == 0 else { throw ClientError(call: "connect", errno: errno) }
  }

  deinit { close(descriptor) }

  struct ClientError: Error {
    var call: String
    var errno: Int32
  }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var start = 0
    while start < bytes.count {
      let sent = unsafe bytes[start...].withUnsafeBytes {
        unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { throw ClientError(call: "send", errno: errno) }
      start += sent
    }
  }

  /// Sends as much as the kernel takes until it has taken nothing for some time.
  func sendUntilStalled(_ limit: Int) throws -> Int {
    let piece = [UInt8](repeating: 0x61, count: 64 * 1024)
    var total = 0
    while total < limit {
      var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard unsafe Glibc.poll(&poll, 1, 300) == 1 else { return total }
      let sent = unsafe piece.withUnsafeBytes {
        unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
      }
      if sent > 0 { total += sent }
    }
    return total
  }

  /// Whether something can be read without waiting.
  func hasInput() throws -> Bool {
    if !buffer.isEmpty { return true }
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return unsafe Glibc.poll(&poll, 1, 0) == 1
  }

  func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Reads once; `false` at the end of the connection.
  func fill() throws -> Bool {
    let count = try receive()
    buffer.append(contentsOf: scratch[..<count])
    return count > 0
  }

  /// Reads to the end of the connection and counts the bytes, with those that were read before.
  func countToEnd() throws -> Int {
    var total = buffer.count
    buffer = []
    while case let count = try receive(), count > 0 { total += count }
    return total
  }

  private func receive() throws -> Int {
    let count = unsafe scratch.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
    guard count >= 0 else { throw ClientError(call: "recv", errno: errno) }
    return count
  }

  /// Everything up to the end of the connection.
  func readToEnd() throws -> String {
    while try fill() {}
    defer { buffer = [] }
    return String(decoding: buffer, as: UTF8.self)
  }

  /// Everything up to and with a marker.
  func read(through marker: String) throws -> String {
    let end = Array(marker.utf8)
    while true {
      if let range = buffer.firstRange(of: end) {
        defer { buffer.removeFirst(range.upperBound) }
        return String(decoding: buffer[..<range.upperBound], as: UTF8.self)
      }
      guard try fill() else { throw ClientError(call: "end before \(marker.debugDescription)", errno: 0) }
    }
  }

  /// One HTTP/1 answer with a length: its head and its body.
  func readAnswer() throws -> (head: String, body: String) {
    let head = try read(through: "\r\n\r\n")
    let length = head.split(separator: "\r\n").first { $0.hasPrefix("content-length: ") }
      .flatMap { Int($0.dropFirst(16)) }
    while buffer.count < length ?? 0 {
      guard try fill() else { throw ClientError(call: "end in a body", errno: 0) }
    }
    defer { buffer.removeFirst(length ?? 0) }
    return (head, String(decoding: buffer[..<(length ?? 0)], as: UTF8.self))
  }

  /// The next HTTP/2 frame; `nil` at the end of the connection.
  func readFrame() throws -> HTTP2Frame? {
    while true {
      if let frame = HTTP2Frame.take(from: &buffer) { return frame }
      guard try fill() else { return nil }
    }
  }

  /// HTTP/2 frames up to and with the first that fits.
  func readFrames(until isLast: (HTTP2Frame) -> Bool) throws -> [HTTP2Frame] {
    var frames: [HTTP2Frame] = []
    while let frame = try readFrame() {
      frames.append(frame)
      if isLast(frame) { return frames }
    }
    return frames
  }
}

/// Runs blocking code on a thread of its own, so that it does not take one from the shared pool.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Swift.Result { try body() }) }
  }
}
