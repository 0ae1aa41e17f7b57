package import Telemetry
package final class ExchangeReader {
  let api: ProviderAPI; var status: Int?
  package init(api: ProviderAPI, path: String, requestBody: [UInt8], options: RecordingOptions) { self.api = api }
  package func begin(status: Int, contentType: String?, contentEncoding: String?) { self.status = status }
  package func receive(_ bytes: Span<UInt8>) {}
  package func finish(_ end: ExchangeEnd) -> Exchange { fatalError() }
}
package struct SpanComposer: Sendable {
  package init(profile: SpanProfile, version: String) {}
  package func compose(_ exchange: Exchange, _ context: CallContext, level: RecordingOptions.Level, newSpanID: () -> SpanID) -> [UInt8] { [] }
}
package struct RequestOutline {
  package var model: String?
  package var hasReturnTokenIDs = false
  package var hasLogprobs = false
  package init?(_ body: Span<UInt8>) {}
  package func replacingModel(with model: String, in body: [UInt8]) -> [UInt8] { body }
  package func adding(members: [String], to body: [UInt8]) -> [UInt8] { body }
}
package struct Redaction: Sendable { package init() {} }
