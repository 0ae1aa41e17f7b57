// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableExperimentalFeature("Lifetimes"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

// The layers, from the bottom up. Arrows point down only; docs/architecture.md draws them.

let cLibraries: [Target] = [
  .target(name: "CAPIDescription"),
  .systemLibrary(name: "CBrotli", pkgConfig: "libbrotlidec", providers: [.apt(["libbrotli-dev"])]),
  .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
  // It needs the headers of libcurl4-openssl-dev; the library is loaded at run time.
  .target(name: "CCurl"),
  .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
  .systemLibrary(name: "CLinux"),
  // Debian ships llhttp as sources; they are compiled from where the package puts them.
  .target(name: "CLLHTTP", cSettings: [.define("LLHTTP_STRICT_MODE", to: "1")]),
  .systemLibrary(name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
  .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
  .target(name: "CRowFeed", linkerSettings: [.linkedLibrary("sqlite3")]),
  .target(name: "CRowNotes", linkerSettings: [.linkedLibrary("sqlite3")]),
  .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
  .target(name: "CWALBuffer", linkerSettings: [.linkedLibrary("sqlite3")]),
  .systemLibrary(name: "CUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
  .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
  .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
  .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
]

let base: [Target] = [
  .target(name: "Arguments", dependencies: ["Spelling"], swiftSettings: settings),
  .target(name: "Compression", dependencies: ["CBrotli", "CDeflate", "CZlib", "CZstd"], swiftSettings: settings),
  .target(name: "Credentials", dependencies: ["CCrypto"], swiftSettings: settings),
  .target(name: "JSON", swiftSettings: settings),
  .target(name: "Logging", swiftSettings: settings),
  .target(name: "Metrics", dependencies: ["Threads"], swiftSettings: settings),
  .target(name: "Protobuf", swiftSettings: settings),
  .target(name: "Spelling", swiftSettings: settings),
  .target(name: "SQLite", dependencies: ["CRowFeed", "CRowNotes", "CSQLite", "CWALBuffer"], swiftSettings: settings),
  .target(name: "Threads", dependencies: ["CLinux"], swiftSettings: settings),
  .target(
    name: "Transport", dependencies: ["CCurl", "CLLHTTP", "CNGHTTP2", "CUV", "Threads"], swiftSettings: settings),
  .target(name: "YAML", dependencies: ["CYAML"], swiftSettings: settings),
]

let model: [Target] = [
  .target(
    name: "GenAI", dependencies: ["CPCRE2", "Compression", "Credentials", "JSON", "Protobuf", "Telemetry"],
    swiftSettings: settings),
  .target(name: "Telemetry", swiftSettings: settings),
  .target(name: "OTLP", dependencies: ["JSON", "Protobuf", "Telemetry"], swiftSettings: settings),
]

let store: [Target] = [
  .target(name: "TraceStore", dependencies: ["Telemetry", "Threads"], swiftSettings: settings),
  .target(
    name: "SQLiteStore",
    dependencies: ["Compression", "OTLP", "Protobuf", "SQLite", "Telemetry", "Threads", "TraceStore"],
    swiftSettings: settings),
]

let services: [Target] = [
  .target(
    name: "APISupport", dependencies: ["JSON", "Threads", "TraceStore", "Transport"], swiftSettings: settings),
  .target(
    name: "Forwarder",
    dependencies: [
      "APISupport", "Compression", "JSON", "Logging", "Metrics", "OTLP", "Protobuf", "Telemetry", "Threads",
      "TraceStore",
      "Transport",
    ],
    swiftSettings: settings),
  .target(
    name: "LightningAPI",
    dependencies: ["APISupport", "JSON", "OTLP", "Protobuf", "Telemetry", "Threads", "TraceStore", "Transport"],
    swiftSettings: settings),
  .target(
    name: "LLMProxy",
    dependencies: [
      "APISupport", "Compression", "Credentials", "GenAI", "JSON", "Logging", "Metrics", "OTLP", "OTLPReceiver",
      "Protobuf", "Telemetry", "Threads", "TraceStore", "Transport",
    ],
    swiftSettings: settings),
  .target(
    name: "OTLPReceiver",
    dependencies: [
      "Compression", "JSON", "Logging", "Metrics", "OTLP", "Protobuf", "Telemetry", "Threads", "TraceStore",
      "Transport",
    ],
    swiftSettings: settings),
  .target(
    name: "QueryAPI",
    dependencies: ["APISupport", "JSON", "OTLP", "Protobuf", "Telemetry", "TraceStore", "Transport"],
    swiftSettings: settings),
]

let program: [Target] = [
  .target(
    name: "Configuration", dependencies: ["Arguments", "Credentials", "Logging", "Spelling", "YAML"],
    swiftSettings: settings),
  .executableTarget(
    name: "fulgurite",
    dependencies: [
      "APISupport", "Arguments", "CAPIDescription", "Configuration", "Credentials", "Forwarder", "GenAI", "JSON",
      "LLMProxy",
      "LightningAPI", "Logging",
      "Metrics", "OTLP",
      "OTLPReceiver", "Protobuf", "QueryAPI", "SQLiteStore", "Telemetry", "Threads", "TraceStore", "Transport",
    ],
    swiftSettings: settings),
]

// What only tests use: an oracle, a disk that fails, random numbers that repeat.
let testSupport: [Target] = [
  .systemLibrary(
    name: "CProtobufC", path: "Tests/Support/CProtobufC", pkgConfig: "libprotobuf-c",
    providers: [.apt(["libprotobuf-c-dev"])]),
  .target(name: "COTLP", dependencies: ["CProtobufC"], path: "Tests/Support/COTLP", publicHeadersPath: "generated"),
  .target(name: "CFaultVFS", path: "Tests/Support/CFaultVFS", linkerSettings: [.linkedLibrary("sqlite3")]),
  .target(
    name: "FaultVFS", dependencies: ["CFaultVFS"], path: "Tests/Support/FaultVFS", swiftSettings: settings),
  .target(
    name: "ProtobufOracle", dependencies: ["COTLP"], path: "Tests/Support/ProtobufOracle", swiftSettings: settings),
  .target(name: "SeededRandom", path: "Tests/Support/SeededRandom", swiftSettings: settings),
]

let tests: [Target] = [
  .testTarget(
    name: "APISupportTests", dependencies: ["APISupport", "Telemetry", "Threads", "TraceStore"],
    swiftSettings: settings),
  .testTarget(name: "ArgumentsTests", dependencies: ["Arguments"], swiftSettings: settings),
  .testTarget(
    name: "CompressionTests", dependencies: ["Compression", "CZlib", "CZstd", "SeededRandom"], swiftSettings: settings
  ),
  .testTarget(
    name: "ConfigurationTests", dependencies: ["Arguments", "Configuration", "Credentials", "Logging", "YAML"],
    swiftSettings: settings),
  .testTarget(name: "CredentialsTests", dependencies: ["Credentials"], swiftSettings: settings),
  .testTarget(
    name: "FaultVFSTests", dependencies: ["CSQLite", "FaultVFS", "SeededRandom"], swiftSettings: settings),
  .testTarget(
    name: "ForwarderTests",
    dependencies: [
      "Forwarder", "OTLP", "Protobuf", "SQLite", "SQLiteStore", "Telemetry", "Threads", "TraceStore", "Transport",
    ],
    swiftSettings: settings),
  .testTarget(
    name: "GenAITests", dependencies: ["Compression", "GenAI", "JSON", "Protobuf", "SeededRandom", "Telemetry"],
    swiftSettings: settings),
  .testTarget(
    name: "LLMProxyTests",
    dependencies: [
      "Credentials", "GenAI", "JSON", "LLMProxy", "Logging", "Metrics", "SQLiteStore", "Telemetry", "Threads",
      "TraceStore", "Transport",
    ], swiftSettings: settings),
  .testTarget(name: "JSONTests", dependencies: ["JSON", "SeededRandom"], swiftSettings: settings),
  .testTarget(
    name: "LightningAPITests",
    dependencies: ["JSON", "LightningAPI", "OTLP", "Protobuf", "Telemetry", "Threads", "TraceStore", "Transport"],
    swiftSettings: settings),
  .testTarget(name: "LoggingTests", dependencies: ["Logging"], swiftSettings: settings),
  .testTarget(name: "MetricsTests", dependencies: ["Metrics"], swiftSettings: settings),
  .testTarget(
    name: "OTLPReceiverTests",
    dependencies: [
      "Compression", "JSON", "Logging", "Metrics", "OTLP", "OTLPReceiver", "Protobuf", "SQLiteStore", "Telemetry",
      "TraceStore", "Transport",
    ], swiftSettings: settings),
  .testTarget(
    name: "OTLPTests",
    dependencies: ["JSON", "OTLP", "Protobuf", "ProtobufOracle", "SeededRandom", "Telemetry"], swiftSettings: settings
  ),
  .testTarget(name: "ProtobufOracleTests", dependencies: ["ProtobufOracle"], swiftSettings: settings),
  .testTarget(
    name: "QueryAPITests",
    dependencies: [
      "APISupport", "JSON", "OTLP", "Protobuf", "QueryAPI", "Telemetry", "Threads", "TraceStore", "Transport",
    ], swiftSettings: settings),
  .testTarget(name: "SpellingTests", dependencies: ["Spelling"], swiftSettings: settings),
  .testTarget(
    name: "SQLiteStoreTests",
    dependencies: [
      "Compression", "FaultVFS", "OTLP", "Protobuf", "SQLite", "SQLiteStore", "SeededRandom", "Telemetry", "Threads",
      "TraceStore",
    ], swiftSettings: settings),
  .testTarget(
    name: "SQLiteTests", dependencies: ["FaultVFS", "SQLite", "SeededRandom"], swiftSettings: settings),
  .testTarget(name: "TelemetryTests", dependencies: ["Telemetry"], swiftSettings: settings),
  .testTarget(name: "TraceStoreTests", dependencies: ["Telemetry", "Threads", "TraceStore"], swiftSettings: settings),
  .testTarget(name: "TransportTests", dependencies: ["CNGHTTP2", "Threads", "Transport"], swiftSettings: settings),
  .testTarget(name: "YAMLTests", dependencies: ["YAML"], swiftSettings: settings),
]

// Programs that measure one part; `make bench` measures the whole.
let benchmarks: [Target] = [
  .executableTarget(
    name: "CodecBenchmark", dependencies: ["JSON", "LightningAPI", "OTLP", "Protobuf"],
    path: "Benchmarks/CodecBenchmark", swiftSettings: settings),
  .executableTarget(
    name: "CompressionBenchmark", dependencies: ["Compression"], path: "Benchmarks/CompressionBenchmark",
    swiftSettings: settings),
  .executableTarget(
    name: "ExchangeBenchmark", dependencies: ["GenAI", "Telemetry"], path: "Benchmarks/ExchangeBenchmark",
    swiftSettings: settings),
  .executableTarget(
    name: "SpanSendingBenchmark", dependencies: ["LightningAPI", "Telemetry", "TraceStore", "Transport"],
    path: "Benchmarks/SpanSendingBenchmark", swiftSettings: settings),
]

// The fuzzer, `FUZZ=1 swift build -c release --scratch-path .build/fuzz --product Fuzz`, which instruments everything. Without
// the variable it is only compiled with the tests, so that it does not fall behind what it reaches.
let isFuzzing = Context.environment["FUZZ"] == "1"
let instrument = ["-sanitize=fuzzer,address"]
let fuzzed: [Target.Dependency] = [
  "CLibFuzzer", "Compression", "GenAI", "JSON", "LightningAPI", "Logging", "Metrics", "OTLP", "OTLPReceiver",
  "Protobuf",
  "Telemetry", "Threads", "TraceStore", "Transport",
]
let fuzzer: [Target] = [
  .systemLibrary(name: "CLibFuzzer", path: "Fuzz/CLibFuzzer"),
  isFuzzing
    ? .executableTarget(
      name: "Fuzz", dependencies: fuzzed, path: "Fuzz/Sources", swiftSettings: settings,
      // The default linker, gold, crashes on the fuzzer's sections.
      linkerSettings: [.unsafeFlags(instrument + ["-use-ld=lld"])])
    : .target(name: "Fuzz", dependencies: fuzzed, path: "Fuzz/Sources", swiftSettings: settings),
]

let package = Package(
  name: "fulgurite",
  products: [.executable(name: "fulgurite", targets: ["fulgurite"])],
  targets: cLibraries + base + model + store + services + program + testSupport + tests + benchmarks + fuzzer
)

if isFuzzing {
  // The fuzzer reaches the protocols of the transport without their sockets.
  let testable = ["-enable-testing"]
  for target in package.targets where target.type != .system {
    target.swiftSettings = (target.swiftSettings ?? []) + [.unsafeFlags(instrument + testable)]
    target.cSettings = (target.cSettings ?? []) + [.unsafeFlags(["-fsanitize=fuzzer-no-link,address"])]
  }
}
