internal import Glibc

/// What the text of a host means, without asking a name server.
struct HostText {
  let text: String

  init(_ text: String) { self.text = text }

  var isIPv4: Bool { ipv4 != nil }

  /// A zone (`fe80::1%eth0`) is allowed behind the address.
  var isIPv6: Bool { ipv6 != nil }

  /// Letters, digits, hyphens and underscores between dots, with a last label that is no number: what looks like an
  /// address and is none (`127.1`, `1.2.3.400`) must not reach a resolver that guesses.
  var isName: Bool {
    let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard text.utf8.count <= 253, let last = labels.last, !last.allSatisfy(isDigit) else { return false }
    return labels.allSatisfy { (1...63).contains($0.count) && $0.allSatisfy(isNameByte) }
  }

  /// 127.0.0.0/8, ::1, their IPv4-mapped form, and `localhost`.
  var isLoopback: Bool {
    if text == "localhost" { return true }
    if let ipv4 { return ipv4[0] == 127 }
    guard let ipv6 else { return false }
    let mappedPrefix = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]
    if ipv6.starts(with: mappedPrefix) { return ipv6[12] == 127 }
    return ipv6.dropLast().allSatisfy { $0 == 0 } && ipv6.last == 1
  }

  private var ipv4: [UInt8]? { bytes(of: text, family: AF_INET, count: 4) }

  private var ipv6: [UInt8]? {
    let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 1 || !parts[1].isEmpty else { return nil }
    return bytes(of: String(parts[0]), family: AF_INET6, count: 16)
  }
}

/// Reads the strict notations only, unlike `inet_aton`.
private func bytes(of address: String, family: Int32, count: Int) -> [UInt8]? {
  guard !address.utf8.contains(0) else { return nil }
  var bytes = [UInt8](repeating: 0, count: count)
  let code = unsafe inet_pton(family, address, &bytes)
  return code == 1 ? bytes : nil
}

private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

private func isNameByte(_ byte: UInt8) -> Bool {
  isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
}
