import Testing

@testable import Logging

@Suite("Timestamps")
struct TimestampTests {
  @Test(
    "leap days, ends of years and times before 1970 come out",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"),
      (-1, "1969-12-31T23:59:59.999Z"),
      (951_782_400_000, "2000-02-29T00:00:00.000Z"),
      (951_868_799_999, "2000-02-29T23:59:59.999Z"),
      (951_868_800_000, "2000-03-01T00:00:00.000Z"),
      (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
      (1_735_689_599_999, "2024-12-31T23:59:59.999Z"),
      (1_735_689_600_000, "2025-01-01T00:00:00.000Z"),
      (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
      (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
      (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ] as [(Int64, String)])
  func examples(milliseconds: Int64, expected: String) {
    var bytes: [UInt8] = []
    Timestamp(millisecondsSinceEpoch: milliseconds).append(to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == expected)
  }
}
