import JSON

// The parts of messages, as both of OpenAI's chat APIs write them.
extension RequestReader {
  /// A string, or an array of parts.
  func openAIParts(_ content: Int?) -> [MessagePart] {
    guard let content else { return [] }
    if document.isString(content) { return [.text(document.string(content))] }
    return document.items(content).map(openAIPart)
  }

  private func openAIPart(_ place: Int) -> MessagePart {
    let text = document.text(place, "text")
    switch document.text(place, "type") {
    case "text", "input_text", "output_text": return text.map(MessagePart.text) ?? other(place)
    case "refusal": return document.text(place, "refusal").map(MessagePart.refusal) ?? other(place)
    case "thinking", "reasoning": return text.map(MessagePart.reasoning) ?? other(place)
    case "image_url", "input_image": return image(place)
    case "input_audio": return audio(place)
    case "file", "input_file": return file(place)
    default: return other(place)
    }
  }

  private func image(_ place: Int) -> MessagePart {
    let url = document.text(place, "image_url") ?? document.text(document.value(place, "image_url"), "url")
    if let url { return media(url: url, modality: "image") }
    guard let id = document.text(place, "file_id") else { return other(place) }
    return .media(Media(modality: "image", mimeType: nil, source: .file(id: id)))
  }

  private func audio(_ place: Int) -> MessagePart {
    let audio = document.value(place, "input_audio")
    guard let data = document.text(audio, "data") else { return other(place) }
    let mimeType = document.nonEmptyText(audio, "format").map { "audio/\($0)" }
    return .media(Media(modality: "audio", mimeType: mimeType, source: source(base64: data)))
  }

  private func file(_ place: Int) -> MessagePart {
    let file = document.value(place, "file") ?? place
    if let data = document.text(file, "file_data") {
      if data.hasPrefix("data:") { return media(url: data, modality: "document") }
      return .media(Media(modality: "document", mimeType: nil, source: source(base64: data)))
    }
    if let id = document.text(file, "file_id") {
      return .media(Media(modality: "document", mimeType: nil, source: .file(id: id)))
    }
    return document.text(file, "file_url").map { media(url: $0, modality: "document") } ?? other(place)
  }
}
