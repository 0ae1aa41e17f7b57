import Arguments
import Configuration
import Forwarder

/// What `fulgurite forward` is asked for.
struct ForwardRequest: Sendable {
  let dataFolder: String
  let from: Int64
  /// `nil` = the newest span.
  let until: Int64?
  let retries: Int
  let target: ForwardTarget

  init(_ arguments: ParsedArguments) throws {
    from = try Self.number("--from", arguments) ?? Self.missing("--from ID")
    until = try Self.number("--until", arguments)
    retries = Int(try Self.number("--retries", arguments, atLeast: 0) ?? 5)
    guard let address = arguments.value(of: "--to") else { throw Self.misuse("--to URL is needed") }
    let configuration = try ConfigurationLoader.load(
      arguments: arguments, environment: ProcessEnvironment.variables(), scope: .forwarding
    ).values
    dataFolder = configuration.data.directory
    var configured = try Self.target(address, configuration.forward)
    try Self.apply(arguments, to: &configured)
    target = ForwardTarget(configured)
  }

  /// A target of the configuration, or one that is only known here.
  private static func target(_ address: String, _ configuration: ForwardConfiguration) throws
    -> ForwardTargetConfiguration
  {
    if let known = configuration.target(named: address) { return known }
    guard let endpoint = UpstreamURL(address) else {
      throw misuse("--to is an address such as http://localhost:4317, or the name of a target of the configuration")
    }
    var target = ForwardTargetConfiguration(name: "command-line")
    target.endpoint = endpoint
    return target
  }

  private static func apply(_ arguments: ParsedArguments, to target: inout ForwardTargetConfiguration) throws {
    if let text = arguments.value(of: "--protocol") {
      guard let carrier = ForwardTargetConfiguration.Carrier(rawValue: text) else {
        throw misuse("--protocol is grpc or http")
      }
      target.configuredCarrier = carrier
    }
    if let text = arguments.value(of: "--compression") {
      guard let compression = ForwardTargetConfiguration.Compression(rawValue: text) else {
        throw misuse("--compression is gzip or none")
      }
      target.compression = compression
    }
    for text in arguments.values(of: "--header") {
      guard let header = HeaderSetting(text) else { throw misuse("--header is NAME=VALUE") }
      target.headers.append(header)
    }
    if let path = arguments.value(of: "--headers-file") {
      target.secretHeaders += try HeaderSetting.readFile(path).get()
    }
    if let file = arguments.value(of: "--ca-file") { target.caFile = file }
    target.services += arguments.values(of: "--service")
    target.rollouts += arguments.values(of: "--rollout")
    if arguments.contains("--errors-only") { target.errorsOnly = true }
    if arguments.contains("--add-rollout") { target.addsRollout = true }
  }

  private static func number(_ flag: String, _ arguments: ParsedArguments, atLeast least: Int64 = 1) throws -> Int64? {
    guard let text = arguments.value(of: flag) else { return nil }
    guard let number = Int64(text), number >= least else {
      throw misuse("\(flag) is a whole number of at least \(least)")
    }
    return number
  }

  private static func missing(_ what: String) throws -> Int64 { throw misuse("\(what) is needed") }

  private static func misuse(_ message: String) -> QueryCommand.Misuse { QueryCommand.Misuse(message: message) }
}
