import OTLP
import Protobuf
import TraceStore

/// Writes spans of a page as an `ExportTraceServiceRequest`.
///
/// Their bytes stay as they are stored; resources and scopes are written once for neighbours that share them.
struct BatchEncoder: Sendable {
  /// Tags and lengths around a span, a scope and a resource.
  private static let frame = 16

  private let page: ForwardPage
  private let addsRollout: Bool

  init(_ page: ForwardPage, addsRollout: Bool) {
    self.page = page
    self.addsRollout = addsRollout
  }

  // MARK: Costs

  /// What the spans cost in a request.
  func costs() -> DeliveryPlan.Costs {
    var costs = DeliveryPlan.Costs()
    var last: ForwardSpan?
    var envelope = 0
    for span in page.spans {
      let begins = last.map { !Self.shareScope($0, span) } ?? true
      if begins { envelope = envelopeSize(of: span) }
      costs.spans.append(span.location.span.count + Self.frame + additionSize(of: span))
      costs.envelopes.append(envelope)
      costs.begins.append(begins)
      last = span
    }
    return costs
  }

  private func envelopeSize(of span: ForwardSpan) -> Int {
    let segment = page.segments[span.source]
    let resource = Self.ownFields(of: span.location.resourceSpans, segment.span)
    let scope = Self.ownFields(of: span.location.scopeSpans, segment.span)
    return resource.count + scope.count + 2 * Self.frame
  }

  /// An upper bound, but for the ids of Agent Lightning's JSON, of which there are few.
  private func additionSize(of span: ForwardSpan) -> Int {
    guard addsRollout, let rollout = span.attempt.rolloutID else { return 0 }
    return rollout.utf8.count + (span.attempt.attemptID?.utf8.count ?? 0) + 140
  }

  // MARK: Requests

  /// The request of some of the spans.
  func message(_ range: Range<Int>) -> [UInt8] {
    var writer = ProtobufWriter(reservingCapacity: range.count * 256)
    var index = range.lowerBound
    while index < range.upperBound {
      let first = page.spans[index]
      let segment = page.segments[first.source]
      let resource = writer.beginMessage(1)
      Self.appendOwnFields(of: first.location.resourceSpans, segment.span, &writer)
      while index < range.upperBound, Self.shareResource(page.spans[index], first) {
        writeScope(&index, range.upperBound, segment.span, &writer)
      }
      writer.endMessage(resource)
    }
    return writer.bytes
  }

  /// Writes the spans of one scope.
  private func writeScope(_ index: inout Int, _ end: Int, _ bytes: Span<UInt8>, _ writer: inout ProtobufWriter) {
    let first = page.spans[index]
    let scope = writer.beginMessage(2)
    Self.appendOwnFields(of: first.location.scopeSpans, bytes, &writer)
    while index < end, Self.shareScope(page.spans[index], first) {
      write(page.spans[index], bytes, &writer)
      index += 1
    }
    writer.endMessage(scope)
  }

  private func write(_ span: ForwardSpan, _ bytes: Span<UInt8>, _ writer: inout ProtobufWriter) {
    let range = span.location.span
    guard let survey = try? SpanSurvey(bytes, at: range) else {
      // The store has read it before.
      return writer.bytesField(2, bytes.extracting(range))
    }
    let additions = SpanAdditions.fields(of: span, survey, bytes, addsRollout: addsRollout)
    let dropped = survey.answerField ?? range.upperBound..<range.upperBound
    writer.tag(.lengthDelimited(2))
    writer.varint(UInt64(range.count - dropped.count + additions.count))
    writer.append(bytes.extracting(range.lowerBound..<dropped.lowerBound))
    writer.append(bytes.extracting(dropped.upperBound..<range.upperBound))
    writer.append(additions.span)
  }

  private static func shareResource(_ first: ForwardSpan, _ second: ForwardSpan) -> Bool {
    first.source == second.source && first.location.resourceSpans == second.location.resourceSpans
  }

  private static func shareScope(_ first: ForwardSpan, _ second: ForwardSpan) -> Bool {
    first.source == second.source && first.location.scopeSpans == second.location.scopeSpans
  }

  // MARK: Envelopes

  private static func ownFields(of message: Range<Int>, _ bytes: Span<UInt8>) -> [UInt8] {
    var writer = ProtobufWriter()
    appendOwnFields(of: message, bytes, &writer)
    return writer.bytes
  }

  /// Writes all fields of a `ResourceSpans` or `ScopeSpans` message but those it contains, as they stand on the wire.
  private static func appendOwnFields(of message: Range<Int>, _ bytes: Span<UInt8>, _ writer: inout ProtobufWriter) {
    var reader = ProtobufReader(bytes, at: message)
    var start = reader.position
    // The store has read the message before.
    while let tag = try? reader.nextTag() {
      guard (try? reader.skip(tag)) != nil else { return }
      if tag.field != 2 { writer.append(bytes.extracting(start..<reader.position)) }
      start = reader.position
    }
  }
}
