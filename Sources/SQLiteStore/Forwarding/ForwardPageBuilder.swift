import OTLP
import Protobuf
import SQLite
import Telemetry
import TraceStore

/// Makes a page: reads the spans of segments, and looks their rows up.
struct ForwardPageBuilder: ~Copyable {
  var page = ForwardPage(end: 0)
  /// Bytes of the segments that the page keeps.
  private(set) var keptBytes = 0
  private var rows: ForwardRows
  /// Where segments of an outbox lie in the page.
  private var sources: [Int64: Int] = [:]

  init(_ session: SQLiteReadSession) throws(SQLiteError) { rows = try ForwardRows(session) }

  /// Adds what is ahead of a segment.
  ///
  /// - Returns: The bytes of the segment.
  @discardableResult
  mutating func add(
    _ segment: ForwardWalk.Segment, _ walk: inout ForwardWalk, _ session: SQLiteReadSession,
    _ isWanted: (ForwardSpan) -> Bool
  ) throws(SQLiteError) -> Int {
    walk.begin(segment)
    defer { walk.finish(segment, &page) }
    guard let (bytes, listed) = try read(segment.id, session) else { return 0 }
    var spans: [ForwardSpan] = []
    for span in listed {
      guard var found = try rows.find(span, in: segment.id, session), walk.isAhead(found.arrival, in: segment) else {
        continue
      }
      found.source = page.segments.count
      spans.append(found)
    }
    // As a rule they are: spans are stored in the order in which they lie in their segment.
    if !spans.indices.dropFirst().allSatisfy({ spans[$0 - 1].arrival < spans[$0].arrival }) {
      spans.sort { $0.arrival < $1.arrival }
    }
    if !spans.isEmpty, page.oldestArrival == nil { page.oldestArrival = segment.received }
    let kept = keep(spans, segment, &walk, isWanted)
    guard kept else { return bytes.count }
    page.segments.append(bytes)
    keptBytes += bytes.count
    return bytes.count
  }

  /// Adds the spans that are wanted.
  private mutating func keep(
    _ spans: [ForwardSpan], _ segment: ForwardWalk.Segment, _ walk: inout ForwardWalk,
    _ isWanted: (ForwardSpan) -> Bool
  ) -> Bool {
    let before = page.spans.count
    for span in spans {
      let gone = walk.gone(before: span.arrival - 1)
      walk.count(span.arrival)
      guard isWanted(span) else {
        page.filtered += 1
        continue
      }
      var kept = span
      kept.goneBefore = gone
      kept.filteredBefore = page.filtered
      kept.progress = walk.progress(span.arrival, in: segment, isLast: false)
      page.spans.append(kept)
    }
    guard page.spans.count > before else { return false }
    let last = page.spans.count - 1
    page.spans[last].progress = walk.progress(page.spans[last].arrival, in: segment, isLast: true)
    return true
  }

  /// Adds a span of an outbox.
  mutating func add(
    _ entry: ForwardOutboxEntry, _ session: SQLiteReadSession, _ isWanted: (ForwardSpan) -> Bool
  ) throws(SQLiteError) {
    guard let place = entry.place, var span = try rows.find(entry, session), isWanted(span) else { return }
    guard let (bytes, listed) = try read(place.segment, session) else { return }
    guard let listed = listed.first(where: { $0.span.lowerBound == place.offset }) else { return }
    if let known = sources[place.segment] {
      span.source = known
    } else {
      span.source = page.segments.count
      sources[place.segment] = span.source
      page.segments.append(bytes)
      keptBytes += bytes.count
    }
    span.location = SpanLocation(
      resourceSpans: listed.resourceSpans, scopeSpans: listed.scopeSpans, span: listed.span, segment: place.segment)
    page.spans.append(span)
  }

  /// - Returns: `nil` for a segment that is gone, or damaged.
  private mutating func read(_ segment: Int64, _ session: SQLiteReadSession) throws(SQLiteError)
    -> (bytes: [UInt8], spans: [ListedSpan])?
  {
    do throws(SQLiteError) {
      guard let bytes = try session.segments.bytes(of: segment, reaching: .max) else { return nil }
      do throws(ProtobufError) {
        return (bytes, try SegmentSpans.list(bytes.span))
      } catch {
        page.damagedSegments.append(segment)
        return nil
      }
    } catch {
      // The frame has a checksum of its own: the database around it is in order.
      guard error.code.primary == .corrupt, error.operation == "decompress" else { throw error }
      page.damagedSegments.append(segment)
      return nil
    }
  }
}
