import JSON
import Testing

@Suite struct `Indented JSON` {
  private static let text = #"{"a":[1,{"b":"x,\"{}[]:\\"},[],{}],"c":null,"d":[[-1.5e3,true]]}"#
  private static let indented = #"""
    {
      "a": [
        1,
        {
          "b": "x,\"{}[]:\\"
        },
        [],
        {}
      ],
      "c": null,
      "d": [
        [
          -1.5e3,
          true
        ]
      ]
    }
    """#

  @Test(arguments: [1, 2, 3, 7, 1_000])
  func `pieces are spread over lines as the whole is`(size: Int) {
    var indenter = JSONIndenter(width: 2)
    let text = Array(Self.text.utf8)
    var result: [UInt8] = []
    for start in stride(from: 0, to: text.count, by: size) {
      result += indenter.indent(Array(text[start..<min(start + size, text.count)]))
    }
    #expect(String(decoding: result, as: UTF8.self) == Self.indented)
  }
}
