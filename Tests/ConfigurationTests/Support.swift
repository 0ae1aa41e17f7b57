import Arguments
import Configuration
import Foundation
import Testing

/// The files of one test, removed at its end.
final class Folder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "fulgurite-configuration-\(UUID())")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Writes a file and says where it is.
  func write(_ text: String, as name: String = "fulgurite.yaml", mode: Int = 0o644) throws -> String {
    let file = url.appending(path: name)
    try text.write(to: file, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
    return file.path
  }
}

let homeEnvironment = ["HOME": "/home/ada"]

/// Loads a configuration from a command line, an environment (with a home directory) and the text of a file.
func load(_ arguments: [String] = [], environment: [String: String] = [:], file: String? = nil) throws
  -> LoadedConfiguration
{
  let folder = try Folder()
  let command = Command("fulgurite", "x", flags: ConfigurationLoader.flags)
  let fileArguments = try file.map { ["--config", try folder.write($0)] } ?? []
  guard case .run(let parsed) = try command.parse(fileArguments + arguments) else {
    throw CocoaError(.featureUnsupported)
  }
  return try ConfigurationLoader.load(
    arguments: parsed, environment: homeEnvironment.merging(environment) { $1 })
}

/// The lines of the error that loading ends with, with the folder of the file left out.
func problems(_ arguments: [String] = [], environment: [String: String] = [:], file: String? = nil) throws -> [String] {
  do {
    _ = try load(arguments, environment: environment, file: file)
    return []
  } catch let error as ConfigurationError {
    return error.problems.map { problem in
      let text = problem.description
      guard let range = text.range(of: "fulgurite.yaml"), case .file = problem.source else { return text }
      return String(text[range.lowerBound...])
    }
  }
}
