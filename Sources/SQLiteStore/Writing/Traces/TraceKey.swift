import Telemetry

/// Makes the 64-bit keys under which traces are looked up.
///
/// The salt is random for each database, so that nobody can choose trace ids that share a key.
struct TraceKey: Sendable {
  let saltHigh: UInt64
  let saltLow: UInt64

  func callAsFunction(_ traceID: TraceID) -> Int64 {
    let (high, low) = (traceID.high ^ saltHigh).multipliedFullWidth(by: traceID.low ^ saltLow | 1)
    let mixed = high ^ low ^ traceID.low
    return Int64(bitPattern: mixed ^ mixed >> 29)
  }
}
