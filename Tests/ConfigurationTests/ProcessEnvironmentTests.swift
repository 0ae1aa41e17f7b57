import Configuration
import Foundation
import Testing

@Suite("The environment of the process")
struct ProcessEnvironmentTests {
  @Test("all variables are found, with their values")
  func variables() {
    let variables = ProcessEnvironment.variables()
    #expect(variables["PATH"]?.isEmpty == false)
    #expect(variables == ProcessInfo.processInfo.environment)
  }
}
