/// Where things stand in the answers of an API that come at once.
struct AnswerLayout {
  /// Where such an answer stands: in a stream it can be a member of a record as well.
  var roots: [AnswerPlace] = [[]]
  var id: AnswerPlace.Step = "id"
  var model: AnswerPlace.Step = "model"
  var usage: AnswerPlace.Step = "usage"
  /// The array of choices; `nil` where the answer is the only one.
  var choices: AnswerPlace.Step?
  /// From the choice on.
  var finishReason: AnswerPlace = ["finish_reason"]
  /// From the choice on.
  var logprobs: AnswerPlace = ["logprobs"]
  /// In records that hold pieces of an answer.
  var logprobsOfPieces: [AnswerPlace] = []

  /// The place of a choice, which is named by its index or by the number of choices before it.
  func choice(_ index: Int64, _ rank: Int64) -> AnswerPlace {
    choices.map { [$0, .element(index, rank)] } ?? []
  }

  /// - Parameter isInChoice: Whether they stand in a choice, and not beside the choices.
  func promptTokenIDs(isInChoice: Bool) -> AnswerPlace {
    let place: AnswerPlace = ["prompt_token_ids"]
    return isInChoice ? (choices.map { [$0, .anyElement] } ?? []) + place : place
  }
}

/// Where the pieces of one part stand, from its choice on; of several places it is unknown which is right.
struct PartPlaces {
  /// Of the text; of calls the arguments, of items of the provider's own the item.
  var text: [AnswerPlace]
  var name: [AnswerPlace] = []
  var id: [AnswerPlace] = []
  /// Whether the arguments of calls are JSON, and not a string that holds JSON.
  var isJSON = false

  /// The places from the beginning of the document on.
  func below(_ choice: AnswerPlace) -> PartPlaces {
    guard !choice.steps.isEmpty else { return self }
    var places = self
    for pieces in [\PartPlaces.text, \.name, \.id] {
      places[keyPath: pieces] = self[keyPath: pieces].map { choice + $0 }
    }
    return places
  }
}
