internal import CCrypto

/// A SHA-256 hash ([FIPS 180-4](https://csrc.nist.gov/pubs/fips/180-4/upd1/final)).
@safe package struct SHA256Digest: Sendable {
  /// The 32 bytes of the hash.
  package let bytes: InlineArray<32, UInt8>

  /// Hashes a message.
  package init(hashing message: Span<UInt8>) {
    var hash = InlineArray<32, UInt8>(repeating: 0)
    var target = hash.mutableSpan
    let code = unsafe message.withUnsafeBufferPointer { message in
      unsafe target.withUnsafeMutableBufferPointer { target in
        unsafe EVP_Digest(message.baseAddress, message.count, target.baseAddress, nil, Self.algorithm, nil)
      }
    }
    // No message can cause a failure; memory has run out, or the installation of libcrypto is broken.
    precondition(code == 1, "libcrypto cannot compute SHA-256")
    bytes = hash
  }

  // Without it libcrypto looks for the implementation with every hash. It is never changed, so threads may share it.
  private nonisolated(unsafe) static let algorithm = unsafe EVP_MD_fetch(nil, "SHA256", nil)

  /// Takes a hash that was computed before.
  ///
  /// - Returns: `nil` unless the text is 64 hexadecimal digits, of either case.
  package init?(hexadecimal text: some StringProtocol) {
    var hash = InlineArray<32, UInt8>(repeating: 0)
    var count = 0
    for digit in text.utf8 {
      guard count < 64, let value = hexadecimalValue(digit) else { return nil }
      hash[count / 2] = hash[count / 2] << 4 | value
      count += 1
    }
    guard count == 64 else { return nil }
    bytes = hash
  }

  /// The hash as 64 lower-case hexadecimal digits.
  package var hexadecimal: String {
    var text: [UInt8] = []
    text.reserveCapacity(64)
    for index in bytes.indices {
      text.append(hexadecimalDigit(bytes[index] >> 4))
      text.append(hexadecimalDigit(bytes[index] & 0xF))
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Compares in a time that does not depend on where the hashes differ.
  package func equalsInConstantTime(_ other: SHA256Digest) -> Bool {
    let (mine, theirs) = (bytes, other.bytes)
    return unsafe mine.span.withUnsafeBufferPointer { mine in
      unsafe theirs.span.withUnsafeBufferPointer { theirs in
        unsafe CRYPTO_memcmp(mine.baseAddress, theirs.baseAddress, 32) == 0
      }
    }
  }
}

private func hexadecimalValue(_ digit: UInt8) -> UInt8? {
  switch digit {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
  default: nil
  }
}

private func hexadecimalDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}
