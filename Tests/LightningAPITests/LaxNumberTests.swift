import JSON
import Testing

@testable import LightningAPI

/// What pydantic 2.14 makes of the same values; those that it refuses are among the recorded faults.
@Suite("Numbers that pydantic converts")
struct LaxNumberTests {
  private static func document(_ json: String) throws -> JSONDocument { try JSONDocument(parsing: Array(json.utf8)) }

  @Test(
    "integers",
    arguments: [
      ("1", 1), ("\" 2 \"", 2), ("\"1_0\"", 10), ("\"1.0\"", 1), ("\"1.00\"", 1), ("\"+5\"", 5), ("\"-5\"", -5),
      ("true", 1), ("1.0", 1), ("-0.0", 0), ("\"00012\"", 12), ("\"-0.0\"", 0), ("\"1.0 \"", 1),
      ("1e15", 1_000_000_000_000_000), ("1e18", 1_000_000_000_000_000_000), ("\"1\\n\"", 1), ("\"+1.0\"", 1),
      ("\"1_000.0\"", 1000), ("\"0_1\"", 1), ("\"-9223372036854775808\"", Int64.min),
      ("9223372036854775807", Int64.max),
    ] as [(String, Int64)])
  func integers(json: String, value: Int64) throws {
    #expect(try LaxNumber.integer(Self.document(json), JSONDocument.root).get() == value)
  }

  @Test(
    "doubles",
    arguments: [
      ("\"1e3\"", 1000), ("\" 2 \"", 2), ("\"1_0\"", 10), ("\"inf\"", .infinity), ("\"-Infinity\"", -.infinity),
      ("\"+5\"", 5), ("\".5\"", 0.5), ("\"5.\"", 5), ("true", 1), ("\"infinity\"", .infinity), ("\"1e400\"", .infinity),
      ("99999999999999999999", 1e20), ("1e400", .infinity), ("\"+inf\"", .infinity), ("3", 3),
    ] as [(String, Double)])
  func doubles(json: String, value: Double) throws {
    #expect(try LaxNumber.double(Self.document(json), JSONDocument.root).get() == value)
  }

  @Test("doubles that are no number", arguments: ["\"nan\"", "\"-nan\"", "\"NaN\""])
  func nan(json: String) throws {
    #expect(try LaxNumber.double(Self.document(json), JSONDocument.root).get().isNaN)
  }

  @Test("bools", arguments: ["\"yes\"", "1", "1.0", "\"TRUE\"", "\"y\"", "\"1\"", "\"on\"", "\"t\"", "true"])
  func trueValues(json: String) throws {
    #expect(try LaxNumber.bool(Self.document(json), JSONDocument.root).get())
  }

  @Test(
    "bools that are false",
    arguments: ["\"no\"", "0", "0.0", "\"False\"", "\"n\"", "\"0\"", "\"off\"", "\"f\"", "false"])
  func falseValues(json: String) throws {
    #expect(try !LaxNumber.bool(Self.document(json), JSONDocument.root).get())
  }
}
