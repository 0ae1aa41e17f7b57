import Protobuf
import SeededRandom

/// Requests with everything the schema has, the same for each seed.
struct RandomRequest {
  private var random: SplitMix64

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  mutating func request() -> [UInt8] {
    repeated(1, upTo: 2) { generator in
      var bytes = generator.optional { generator in message { $0.bytesField(1, generator.resource()) } }
      bytes += generator.repeated(2, upTo: 3) { $0.scopeSpans() }
      return bytes + generator.text(3)
    }
  }

  private mutating func scopeSpans() -> [UInt8] {
    var bytes = optional { generator in message { $0.bytesField(1, generator.scope()) } }
    bytes += repeated(2, upTo: 4) { $0.span() }
    return bytes + text(3)
  }

  private mutating func resource() -> [UInt8] {
    attributes(1) + count(2)
      + repeated(3, upTo: 2) { generator in
        generator.text(1) + generator.text(2)
          + message {
            $0.stringField(3, "id"); $0.stringField(4, "")
          }
      }
  }

  private mutating func scope() -> [UInt8] { text(1) + text(2) + attributes(3) + count(4) }

  private mutating func span() -> [UInt8] {
    var bytes = identifiers() + text(3) + text(5) + count(6) + time(7) + time(8) + attributes(9) + count(10)
    bytes += optional { generator in message { $0.bytesField(4, generator.bytes(8)) } }
    bytes += repeated(11, upTo: 3) { $0.time(1) + $0.text(2) + $0.attributes(3) + $0.count(4) }
    bytes += count(12)
    bytes += repeated(13, upTo: 3) { $0.identifiers() + $0.text(3) + $0.attributes(4) + $0.count(5) + $0.flags(6) }
    bytes += count(14)
    bytes += optional { generator in message { $0.bytesField(15, generator.text(2) + generator.count(3)) } }
    return bytes + flags(16)
  }

  private mutating func attributes(_ field: UInt32, depth: Int = 0) -> [UInt8] {
    repeated(field, upTo: 4) { generator in
      generator.text(1) + generator.optional { generator in message { $0.bytesField(2, generator.value(depth)) } }
    }
  }

  private mutating func value(_ depth: Int) -> [UInt8] {
    let number = random.next()
    let isWide = Bool.random(using: &random)
    return switch Int.random(in: 0..<(depth < 3 ? 8 : 6), using: &random) {
    case 0: []
    case 1: message { $0.bytesField(1, string()) }
    case 2: message { $0.varintField(2, number & 1) }
    case 3: message { $0.varintField(3, isWide ? number : number & 0xFF) }
    // Any NaN comes back as the one NaN that JSON can name, and that is the one of the first pass.
    case 4: message { $0.fixed64Field(4, number) }
    case 5: message { $0.bytesField(7, bytes(Int(number % 7))) }
    case 6:
      message { writer in writer.bytesField(5, repeated(1, upTo: 4) { $0.value(depth + 1) }) }
    default: message { $0.bytesField(6, attributes(1, depth: depth + 1)) }
    }
  }

  private mutating func identifiers() -> [UInt8] {
    message {
      $0.bytesField(1, bytes(16))
      $0.bytesField(2, bytes(8))
    }
  }

  /// Random bytes that are not all zero.
  private mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 1 ... .max, using: &random) }
  }

  private mutating func string() -> [UInt8] {
    Array(String(decoding: random.text(maximumCount: 200), as: UTF8.self).utf8)
  }

  private mutating func text(_ field: UInt32) -> [UInt8] {
    optional { generator in message { $0.bytesField(field, generator.string()) } }
  }

  private mutating func count(_ field: UInt32) -> [UInt8] {
    optional { generator in message { $0.varintField(field, generator.random.next() & 0x7) } }
  }

  private mutating func time(_ field: UInt32) -> [UInt8] {
    optional { generator in message { $0.fixed64Field(field, generator.random.next()) } }
  }

  private mutating func flags(_ field: UInt32) -> [UInt8] {
    optional { generator in message { $0.fixed32Field(field, UInt32.random(in: 0 ... .max, using: &generator.random)) }
    }
  }

  private mutating func optional(_ body: (inout Self) -> [UInt8]) -> [UInt8] {
    Bool.random(using: &random) ? body(&self) : []
  }

  private mutating func repeated(_ field: UInt32, upTo limit: Int, _ body: (inout Self) -> [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for _ in 0..<Int.random(in: 0...limit, using: &random) {
      result += message { $0.bytesField(field, body(&self)) }
    }
    return result
  }
}
