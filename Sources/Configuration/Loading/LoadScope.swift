/// What a command needs a configuration for.
package enum LoadScope: Sendable {
  /// To serve: what the configuration points to is read and checked, keys and token files among it.
  case serving
  /// To send spans on by hand: what the targets of forwarding point to is read and checked.
  case forwarding
  /// To find the data: API keys need not be at hand.
  case reading
}
