/// Makes the ids of new rollouts, attempts and resources.
///
/// AGL store contract, section 4.
struct IdentifierSource {
  private var generator = SystemRandomNumberGenerator()

  mutating func rollout() -> String { make("ro-", digits: 12) }

  mutating func attempt() -> String { make("at-", digits: 8) }

  mutating func resources() -> String { make("rs-", digits: 12) }

  private mutating func make(_ prefix: String, digits: Int) -> String {
    let text = String(generator.next() >> UInt64(64 - 4 * digits), radix: 16)
    return prefix + String(repeating: "0", count: digits - text.utf8.count) + text
  }
}
