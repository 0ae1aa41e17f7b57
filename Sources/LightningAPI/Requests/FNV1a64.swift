/// The hash FNV-1a with 64 bits, which never changes: what it gives is stored.
///
/// [The FNV non-cryptographic hash algorithm](https://datatracker.ietf.org/doc/draft-eastlake-fnv/)
struct FNV1a64 {
  private(set) var value: UInt64

  init(seed: UInt64 = 0xCBF2_9CE4_8422_2325) { value = seed }

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }
}
