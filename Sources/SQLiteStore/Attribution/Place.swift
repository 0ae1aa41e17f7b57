/// A rollout, with or without an attempt: where spans belong.
struct Place: Hashable {
  /// The row in `attempts`.
  var attempt: Int64
  /// The row in `rollouts`; 0 = none.
  var rollout: Int64
  /// Whether it names an attempt.
  var namesAttempt: Bool

  var rows: TagResolver.Rows { TagResolver.Rows(rollout: rollout, attempt: attempt) }
}

/// What some places agree on.
///
/// They agree when all name one rollout and not two different attempts. No guess is made between others.
enum Agreement: Hashable {
  case nothing
  case one(Place)
  case contradiction

  /// Takes one more place into account; the order makes no difference.
  mutating func add(_ place: Place) {
    switch self {
    case .nothing: self = .one(place)
    case .contradiction: break
    case .one(let other):
      if place.attempt == other.attempt { return }
      if place.rollout != other.rollout || (place.namesAttempt && other.namesAttempt) {
        self = .contradiction
      } else if place.namesAttempt {
        self = .one(place)
      }
    }
  }

  /// The place, if there is one.
  var place: Place? { if case .one(let place) = self { place } else { nil } }
}
