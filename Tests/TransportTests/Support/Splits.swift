@testable import Transport

/// What a parser made of a whole input.
struct ParsedRequests: Equatable {
  var heads: [HTTP1RequestHead] = []
  var bodies: [[UInt8]] = []
  var trailers: [HTTPHeaders] = []
  var failure: HTTP1Error?
}

/// Feeds pieces to a parser as a connection does.
func parse(_ pieces: [[UInt8]], limits: FieldCollector.Limits = .init(bytes: 64 * 1024, count: 200)) -> ParsedRequests {
  let parser = HTTP1Parser(limits: limits)
  var requests = ParsedRequests()
  for piece in pieces {
    var start = 0
    while start < piece.count && requests.failure == nil {
      let bytes = Array(piece[start...])
      let (events, outcome) = parser.parse(bytes.span)
      for event in events {
        switch event {
        case .head(let head):
          requests.heads.append(head)
          requests.bodies.append([])
        case .body(let range): requests.bodies[requests.bodies.count - 1] += bytes[range]
        case .end(let trailers): requests.trailers.append(trailers)
        }
      }
      switch outcome {
      case .needsMore: start = piece.count
      case .requestEnded(let consumed): start += consumed
      case .failed(let error): requests.failure = error
      }
    }
  }
  return requests
}

func parse(_ text: String, limits: FieldCollector.Limits = .init(bytes: 64 * 1024, count: 200)) -> ParsedRequests {
  parse([Array(text.utf8)], limits: limits)
}
