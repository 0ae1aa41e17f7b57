/// What a command needs a configuration for.
package enum LoadScope: Sendable {
  /// To serve: what the configuration points to is read and checked, keys and token files among it.
  case serving
  /// To find the data: API keys need not be at hand.
  case reading
}
