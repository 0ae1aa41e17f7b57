import Glibc

/// What a fuzz target does with an input: it must return, whatever the bytes are, and traps where a property is broken.
typealias FuzzTarget = @Sendable (Span<UInt8>) -> Void

/// All targets, by the name that `FUZZ_TARGET` selects.
///
/// To add one: its line here, its function in a file of its own, its dependency in the manifest.
private let fuzzTargets: [String: FuzzTarget] = [
  "deflate": fuzzDeflate,
  "exchange": fuzzExchange,
  "grpc": fuzzGRPC,
  "gzip": fuzzGzip,
  "http1": fuzzHTTP1,
  "http2": fuzzHTTP2,
  "json": fuzzJSON,
  "lightning": fuzzLightning,
  "protobuf": fuzzProtobuf,
  "segment": fuzzSegment,
  "zstd": fuzzZstd,
]

/// The target that the environment names; ends the process with a message if there is none.
let selectedTarget: FuzzTarget = {
  let name = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) }
  if let target = name.flatMap({ fuzzTargets[$0] }) { return target }
  print("set FUZZ_TARGET to one of:", fuzzTargets.keys.sorted().joined(separator: " "))
  exit(2)
}()
