import GenAI
import JSON

extension Exchange {
  /// The facts as `expected.json` spells them under `response`.
  var asExpected: JSONValue {
    var members = [
      JSONMember("id", jsonText(answer.id)), JSONMember("model", jsonText(answer.model)),
      JSONMember("choices", .array(answer.choices.map(\.asExpected))),
      JSONMember("usage", answer.usage?.asExpected ?? .null),
      JSONMember("error", answer.error?.asExpected ?? .null),
      JSONMember("end", .string(delivery.answerEnd.rawValue)),
      JSONMember("http_status", delivery.status.map { .integer(Int64($0)) } ?? .null),
    ]
    if let status = answer.providerStatus { members.append(JSONMember("provider_status", .string(status))) }
    if let ids = answer.promptTokenIDs { members.append(JSONMember("prompt_token_ids", integers(ids))) }
    if answer.choices.contains(where: { $0.tokenIDs != nil }) {
      members.append(
        JSONMember("response_token_ids", .array(answer.choices.map { integers($0.tokenIDs ?? []) })))
    }
    if answer.choices.contains(where: { $0.logprobs != nil }) {
      members.append(JSONMember("logprobs", .array(answer.choices.map(\.logprobValues))))
    }
    if let embeddings = answer.embeddings {
      members.append(
        JSONMember(
          "embeddings",
          .object([
            JSONMember("count", .integer(Int64(embeddings.count))),
            JSONMember("dimensions", embeddings.dimensions.map { .integer(Int64($0)) } ?? .null),
          ])))
    }
    return .object(members)
  }
}

extension Choice {
  fileprivate var asExpected: JSONValue {
    .object([
      JSONMember("index", .integer(index)), JSONMember("finish_reason", jsonText(finishReason)),
      JSONMember("text", jsonText(text)), JSONMember("refusal", jsonText(refusal)),
      JSONMember("reasoning", jsonText(reasoning)),
      JSONMember(
        "tool_calls",
        .array(
          toolCalls.map { call in
            .object([
              JSONMember("id", jsonText(call.id)), JSONMember("name", .string(call.name)),
              JSONMember("arguments", .string(call.arguments)),
            ])
          })),
    ])
  }

  fileprivate var logprobValues: JSONValue {
    let tokens = try? JSONValue(text: "[\(logprobs ?? "")]")
    return .array((tokens?.elements ?? []).map { $0["logprob"] ?? .null })
  }
}

extension Usage {
  fileprivate var asExpected: JSONValue {
    .object([
      JSONMember("input_tokens", integer(inputTokens)), JSONMember("output_tokens", integer(outputTokens)),
      JSONMember("total_tokens", integer(totalTokens)),
      JSONMember("cache_read_input_tokens", integer(cacheReadInputTokens)),
      JSONMember("cache_write_input_tokens", integer(cacheWriteInputTokens)),
      JSONMember("reasoning_output_tokens", integer(reasoningOutputTokens)),
    ])
  }
}

extension ProviderError {
  fileprivate var asExpected: JSONValue {
    .object([
      JSONMember("http_status", .integer(Int64(httpStatus))), JSONMember("type", jsonText(type)),
      JSONMember("code", jsonText(code)), JSONMember("message", jsonText(message)),
    ])
  }
}

private func jsonText(_ value: String?) -> JSONValue { value.map(JSONValue.string) ?? .null }
private func integer(_ value: Int64?) -> JSONValue { value.map(JSONValue.integer) ?? .null }
private func integers(_ values: [Int64]) -> JSONValue { .array(values.map(JSONValue.integer)) }

extension JSONValue {
  /// The same with members in the order of their keys.
  var sorted: JSONValue {
    switch self {
    case .object(let members):
      .object(members.map { JSONMember($0.key, $0.value.sorted) }.sorted { $0.key < $1.key })
    case .array(let elements): .array(elements.map(\.sorted))
    default: self
    }
  }

  /// The same with `null` for text that is empty: a stream that begins with an empty piece says no more than a body with
  /// `null`, and shall give the same facts.
  var emptyTextAsNull: JSONValue {
    switch self {
    case .object(let members):
      .object(
        members.map {
          JSONMember($0.key, $0.key == "text" && $0.value == .string("") ? .null : $0.value.emptyTextAsNull)
        })
    case .array(let elements): .array(elements.map(\.emptyTextAsNull))
    default: self
    }
  }

  func without(_ key: String) -> JSONValue {
    guard case .object(let members) = self else { return self }
    return .object(members.filter { $0.key != key })
  }
}
