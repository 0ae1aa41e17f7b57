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
  .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
  .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
  .systemLibrary(name: "CLinux"),
  // Debian ships llhttp as sources; they are compiled from where the package puts them.
  .target(name: "CLLHTTP", cSettings: [.define("LLHTTP_STRICT_MODE", to: "1")]),
  .systemLibrary(name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
  .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
  .systemLibrary(name: "CUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
  .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
  .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
  .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
]

let base: [Target] = [
  .target(name: "Arguments", dependencies: ["Spelling"], swiftSettings: settings),
  .target(name: "Compression", dependencies: ["CDeflate", "CZlib", "CZstd"], swiftSettings: settings),
  .target(name: "Credentials", dependencies: ["CCrypto"], swiftSettings: settings),
  .target(name: "JSON", swiftSettings: settings),
  .target(name: "Logging", swiftSettings: settings),
  .target(name: "Metrics", swiftSettings: settings),
  .target(name: "Protobuf", swiftSettings: settings),
  .target(name: "Spelling", swiftSettings: settings),
  .target(name: "SQLite", dependencies: ["CSQLite"], swiftSettings: settings),
  .target(name: "Threads", dependencies: ["CLinux"], swiftSettings: settings),
  .target(name: "Transport", dependencies: ["CLLHTTP", "CNGHTTP2", "CUV"], swiftSettings: settings),
  .target(name: "YAML", dependencies: ["CYAML"], swiftSettings: settings),
]

let model: [Target] = [
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
    name: "LightningAPI",
    dependencies: ["APISupport", "JSON", "OTLP", "Protobuf", "Telemetry", "TraceStore", "Transport"],
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
      "APISupport", "Arguments", "Configuration", "Credentials", "JSON", "LightningAPI", "Logging", "Metrics", "OTLP",
      "OTLPReceiver", "Protobuf", "QueryAPI", "SQLiteStore", "Telemetry", "Threads", "TraceStore", "Transport",
    ],
    swiftSettings: settings),
]

let package = Package(
  name: "fulgurite",
  products: [.executable(name: "fulgurite", targets: ["fulgurite"])],
  targets: cLibraries + base + model + store + services + program
)
