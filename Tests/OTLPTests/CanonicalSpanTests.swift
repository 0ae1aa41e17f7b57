import OTLP
import Protobuf
import Testing

@Suite struct `Canonical spans` {
  private static let base = message {
    $0.bytesField(1, Array(1...16))
    $0.bytesField(2, Array(1...8))
    $0.stringField(5, "name")
    $0.fixed64Field(7, 1)
    $0.bytesField(9, attribute("a", message { $0.varintField(3, 1) }))
    $0.bytesField(9, attribute("b", message { $0.stringField(1, "x") }))
    $0.bytesField(
      15,
      message {
        $0.varintField(3, 2); $0.stringField(2, "m")
      })
  }

  private static let equal: [(String, [UInt8])] = [
    (
      "unknown fields",
      base
        + message {
          $0.varintField(99, 1); $0.fixed32Field(1000, 7); $0.stringField(20, "?")
        }
    ),
    (
      "an earlier value of a scalar",
      message {
        $0.stringField(5, "old"); $0.fixed64Field(7, 9)
      } + base
    ),
    (
      "defaults",
      base
        + message {
          $0.varintField(6, 0); $0.stringField(3, ""); $0.varintField(10, 0)
        }
    ),
    ("a wide zero of a narrow field", base + message { $0.varintField(10, 1 << 32) }),
    ("an over-long varint", base + [0x30, 0x80, 0x80, 0x00]),
    (
      "another order of fields",
      message {
        $0.bytesField(15, message { $0.stringField(2, "m") })
        $0.bytesField(9, attribute("a", message { $0.varintField(3, 1) }))
        $0.fixed64Field(7, 1)
        $0.bytesField(9, attribute("b", message { $0.stringField(1, "x") }))
        $0.stringField(5, "name")
        $0.bytesField(15, message { $0.varintField(3, 2) })
        $0.bytesField(2, Array(1...8))
        $0.bytesField(1, Array(1...16))
      }
    ),
    (
      "an earlier member of a oneof",
      message {
        $0.bytesField(1, Array(1...16))
        $0.bytesField(2, Array(1...8))
        $0.stringField(5, "name")
        $0.fixed64Field(7, 1)
        $0.bytesField(
          9,
          attribute(
            "a",
            message {
              $0.stringField(1, "?"); $0.varintField(3, 1)
            }))
        $0.bytesField(9, attribute("b", message { $0.stringField(1, "x") }))
        $0.bytesField(
          15,
          message {
            $0.varintField(3, 2); $0.stringField(2, "m")
          })
      }
    ),
  ]

  private static let different: [(String, [UInt8])] = [
    ("another name", base + message { $0.stringField(5, "other") }),
    ("another attribute", base + message { $0.bytesField(9, attribute("a", message { $0.varintField(3, 1) })) }),
    ("an attribute without a value", base + message { $0.bytesField(9, message { $0.stringField(1, "c") }) }),
    ("another status", base + message { $0.bytesField(15, message { $0.varintField(3, 1) }) }),
    ("an empty event", base + message { $0.bytesField(11, []) }),
    ("flags", base + message { $0.fixed32Field(16, 1) }),
  ]

  @Test(arguments: equal)
  func `an encoding of the same contents has the same bytes`(difference: String, span: [UInt8]) throws {
    #expect(try canonical(span) == canonical(Self.base))
  }

  @Test(arguments: different)
  func `other contents have other bytes`(difference: String, span: [UInt8]) throws {
    #expect(try canonical(span) != canonical(Self.base))
  }

  @Test func `each value has bytes of its own`() throws {
    let values: [[UInt8]] = [
      [], message { $0.stringField(1, "") }, message { $0.stringField(1, "1") }, message { $0.varintField(2, 0) },
      message { $0.varintField(2, 1) }, message { $0.varintField(3, 0) }, message { $0.varintField(3, 1) },
      message { $0.fixed64Field(4, 0) }, message { $0.fixed64Field(4, (-0.0).bitPattern) },
      message { $0.fixed64Field(4, (1.0).bitPattern) }, message { $0.fixed64Field(4, Double.nan.bitPattern) },
      message { $0.fixed64Field(4, Double.nan.bitPattern | 1) }, message { $0.bytesField(5, []) },
      message { $0.bytesField(5, [0x0A, 0]) }, message { $0.bytesField(6, []) },
      message { $0.bytesField(6, [0x0A, 0]) }, message { $0.bytesField(7, []) },
      message { $0.bytesField(7, [0x31]) },
    ]
    let forms = try values.map { value in
      try canonical(message { $0.bytesField(9, attribute("k", value)) })
    }
    #expect(Set(forms).count == values.count)
  }

  @Test func `an empty resource or scope counts as none`() throws {
    let none = try canonical(Self.base)
    let empty = try canonical(
      Self.base,
      resourceSpans: message {
        $0.bytesField(1, []); $0.bytesField(2, [1])
      },
      scopeSpans: message { $0.bytesField(1, message { $0.stringField(1, "") }) })
    #expect(none == empty)
  }

  @Test func `resource, scope and their schemas count`() throws {
    let resource = message { $0.bytesField(1, message { $0.bytesField(1, attribute("a", [])) }) }
    let scope = message { $0.bytesField(1, message { $0.stringField(1, "s") }) }
    let schema = message { $0.stringField(3, "https://example.org") }
    var forms: Set<[UInt8]> = []
    for (resourceSpans, scopeSpans) in [([], []), (resource, []), (schema, []), ([], scope), ([], schema)] {
      forms.insert(try canonical(Self.base, resourceSpans: resourceSpans, scopeSpans: scopeSpans))
    }
    #expect(forms.count == 5)
  }

  private func canonical(_ span: [UInt8], resourceSpans: [UInt8] = [], scopeSpans: [UInt8] = []) throws -> [UInt8] {
    try CanonicalSpan.bytes(resourceSpans: resourceSpans.span, scopeSpans: scopeSpans.span, span: span.span)
  }
}
