import Protobuf
import Telemetry

/// The rollout of the tests.
enum FakeRollout {
  /// Seconds since 1970.
  static let start: UInt64 = 1_699_999_000

  static func rollout(_ status: RolloutStatus = .succeeded) -> Rollout {
    Rollout(
      id: "r", input: .null, startTime: Double(start), endTime: status.isFinished ? Double(start + 100) : nil,
      mode: nil, resourcesID: nil, status: status, config: RolloutConfig(), metadata: nil)
  }

  static func attempt(_ id: String, _ number: Int64 = 1, ended: Bool = true) -> Attempt {
    Attempt(
      rolloutID: "r", id: id, sequence: number, startTime: Double(start + 10),
      endTime: ended ? Double(start + 100) : nil, status: ended ? .succeeded : .running)
  }
}

/// An attribute of a span.
struct FakeAttribute {
  enum Value {
    case text(String)
    case number(Double)
    case integer(Int64)
    case integers([Int64])
  }

  var key: String
  var value: Value

  init(_ key: String, _ value: Value) {
    self.key = key
    self.value = value
  }

  /// A `Span` message with these attributes.
  static func span(_ attributes: [FakeAttribute]) -> [UInt8] {
    var writer = ProtobufWriter()
    for attribute in attributes {
      let message = writer.beginMessage(9)
      writer.stringField(1, attribute.key)
      let value = writer.beginMessage(2)
      switch attribute.value {
      case .text(let text): writer.stringField(1, text)
      case .number(let number): writer.fixed64Field(4, number.bitPattern)
      case .integer(let number): writer.varintField(3, UInt64(bitPattern: number))
      case .integers(let numbers):
        let array = writer.beginMessage(5)
        for number in numbers {
          let element = writer.beginMessage(1)
          writer.varintField(3, UInt64(bitPattern: number))
          writer.endMessage(element)
        }
        writer.endMessage(array)
      }
      writer.endMessage(value)
      writer.endMessage(message)
    }
    return writer.bytes
  }
}
