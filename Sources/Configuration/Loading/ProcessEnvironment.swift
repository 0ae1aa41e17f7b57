// `environ` is a mutable C global, which Swift cannot know to be left alone.
@unsafe @preconcurrency internal import Glibc

/// The environment variables of the process.
package enum ProcessEnvironment {
  /// All variables with a name and a value; of a name that occurs twice the first counts, as for `getenv`.
  ///
  /// To be called at start: nobody may change the environment meanwhile.
  package static func variables() -> [String: String] {
    var variables: [String: String] = [:]
    var entry = unsafe environ
    while let text = unsafe entry.pointee {
      let parts = unsafe String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2, variables[String(parts[0])] == nil { variables[String(parts[0])] = String(parts[1]) }
      unsafe entry += 1
    }
    return variables
  }
}
