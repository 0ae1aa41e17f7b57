import Testing

@testable import Transport

@Suite struct DateFieldTests {
  @Test(arguments: [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
    (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
  ])
  func `dates are in the format of RFC 9110`(second: Int, text: String) {
    var field = DateField()
    #expect(String(decoding: field.value(at: second), as: UTF8.self) == text)
    #expect(String(decoding: field.value(at: second), as: UTF8.self) == text)
  }
}
