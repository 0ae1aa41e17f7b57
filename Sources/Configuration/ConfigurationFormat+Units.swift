/// A whole number with a unit behind it: `10s`, `64MiB`.
private struct UnitTable: Sendable {
  /// The units by their name, from small to large; the empty name is what a plain number means.
  let units: [(name: String, factor: Int)]

  /// - Returns: `nil` for what is no number, an unknown unit, or too large.
  func parse(_ text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let name = text[digits.endIndex...].drop { $0 == " " }
    guard let number = decimal(digits), let unit = units.first(where: { $0.name == name }) else { return nil }
    let (product, isTooLarge) = number.multipliedReportingOverflow(by: unit.factor)
    return isTooLarge ? nil : product
  }

  /// Writes a value in the largest of the units in which it is whole.
  func render(_ value: Int, in names: [String]) -> String {
    let unit = units.last { names.contains($0.name) && value != 0 && value % $0.factor == 0 }
    return unit.map { "\(value / $0.factor)\($0.name)" } ?? "0"
  }
}

private let sizeUnits = UnitTable(units: [
  ("", 1), ("B", 1), ("kB", 1000), ("KB", 1000), ("KiB", 1 << 10), ("MB", 1_000_000), ("MiB", 1 << 20),
  ("GB", 1_000_000_000), ("GiB", 1 << 30), ("TB", 1_000_000_000_000), ("TiB", 1 << 40),
])

extension ConfigurationFormat<Int> {
  /// A number of bytes.
  static func bytes(_ range: ClosedRange<Int>) -> Self {
    let render: @Sendable (Int) -> String = { sizeUnits.render($0, in: ["B", "KiB", "MiB", "GiB", "TiB"]) }
    return Self(
      "size", unit: "bytes",
      expecting: "a size from \(render(range.lowerBound)) to \(render(range.upperBound)), such as 64MiB or 10MB",
      parse: { text in
        guard let value = sizeUnits.parse(text), range.contains(value) else { return nil }
        return value
      },
      render: render)
  }
}

/// In milliseconds.
private let timeUnits = UnitTable(units: [
  ("ms", 1), ("", 1000), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
])

extension ConfigurationFormat<Duration> {
  /// A duration that may be 0.
  static let duration = duration(milliseconds: 0...longest, "from 0 to 365d")

  /// A duration of at least a millisecond.
  static let positiveDuration = duration(milliseconds: 1...longest, "from 1ms to 365d")

  private static let longest = 365 * 86_400_000

  private static func duration(milliseconds range: ClosedRange<Int>, _ phrase: String) -> Self {
    Self(
      "duration", unit: "seconds", expecting: "a duration \(phrase), such as 10s, 250ms or 2m",
      parse: { text in
        guard let value = timeUnits.parse(text), range.contains(value) else { return nil }
        return .milliseconds(value)
      },
      render: { value in
        let (seconds, attoseconds) = value.components
        let milliseconds = Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
        return timeUnits.render(milliseconds, in: ["ms", "s", "m", "h", "d"])
      })
  }
}
