import JSON
import LightningAPI
import Protobuf
import Testing

@Suite struct `Attributes as Agent Lightning reads them` {
  @Test(arguments: [
    (string("x"), #""x""#), (string(""), #""""#), (bool(true), "true"), (int(.min), "-9223372036854775808"),
    (double(3), "3.0"), (double(-0.0), "-0.0"), (double(.nan), #""NaN""#), (double(-.infinity), #""-Infinity""#),
    (bytes([0, 255]), #""00ff""#), (unset, #""null""#),
    // Lists of one type stay lists.
    (array([]), "[]"), (array([string("a"), string("b")]), #"["a","b"]"#), (array([int(1), int(2)]), "[1,2]"),
    (array([bool(true), bool(false)]), "[true,false]"), (array([double(0.5), double(2)]), "[0.5,2.0]"),
    (array([bytes([1]), string("a")]), #"["01","a"]"#), (array([double(.nan), double(.nan)]), #"["NaN","NaN"]"#),
    // Ints and floats become floats.
    (array([int(1), double(2.5)]), "[1.0,2.5]"), (array([double(2.5), int(1), int(2)]), "[2.5,1.0,2.0]"),
    // The rest becomes text.
    (array([int(1), string("a")]), #""[1,\"a\"]""#), (array([bool(true), int(1)]), #""[true,1]""#),
    (array([double(1), double(.nan)]), #""[1.0,\"NaN\"]""#), (array([string("a"), unset]), #""[\"a\",null]""#),
    (array([array([int(1)])]), #""[[1]]""#), (array([map([])]), #""[{}]""#), (map([]), #""{}""#),
    (
      map([("a", int(1)), ("b", map([("c", array([double(1), unset, bytes([16])]))]))]),
      #""{\"a\":1,\"b\":{\"c\":[1.0,null,\"10\"]}}""#
    ),
    (map([("a", int(1)), ("a", int(2))]), #""{\"a\":2}""#),
    (map([("q\"", string("line\n"))]), #""{\"q\\\"\":\"line\\n\"}""#),
  ])
  func `a value becomes one that the models accept`(value: [UInt8], json: String) throws {
    #expect(try attributes([attribute("k", value)]) == "{\"k\":\(json)}")
  }

  @Test func `an attribute without a value is null in text`() throws {
    #expect(try attributes([message { $0.stringField(1, "k") }]) == #"{"k":"null"}"#)
  }

  @Test func `of attributes with one key the last counts`() throws {
    let repeated = [("a", 1), ("b", 2), ("a", 3), ("", 4), ("b", 5), ("a", 6)]
    #expect(try attributes(repeated.map { attribute($0, int(Int64($1))) }) == #"{"":4,"b":5,"a":6}"#)
  }

  @Test(arguments: [2_000, 2_048, 2_049, 40_000])
  func `many keys are told apart`(count: Int) throws {
    var keys: [String] = []
    for index in 0..<count { keys.append("gen_ai.prompt.\(index).content") }
    let members = keys.map { "\"\($0)\":2" }.joined(separator: ",")
    let twice = keys.map { attribute($0, int(1)) } + keys.map { attribute($0, int(2)) }
    #expect(try attributes(twice) == "{\(members)}")
  }

  @Test func `of many attributes with few keys the last ones count, in their order`() throws {
    var sent: [[UInt8]] = []
    for index in 0..<50_000 {
      sent.append(attribute("k\(index % 3)", int(Int64(index))))
      if index == 100 { sent.append(attribute("once", string("text"))) }
      if index == 200 { sent.append(message { _ in }) }
    }
    #expect(try attributes(sent) == #"{"once":"text","":"null","k2":49997,"k0":49998,"k1":49999}"#)
    let members = (0..<5_000).map { ("m\($0 % 2)", int(Int64($0))) }
    #expect(try attributes([attribute("map", map(members))]) == #"{"map":"{\"m0\":4998,\"m1\":4999}"}"#)
  }

  private func attributes(_ attributes: [[UInt8]]) throws -> String {
    let span = message { writer in for attribute in attributes { writer.bytesField(9, attribute) } }
    let json = try write(span)
    let start = try #require(json.firstRange(of: "\"attributes\":")).upperBound
    let end = try #require(json.firstRange(of: ",\"events\":")).lowerBound
    return String(json[start..<end])
  }
}
