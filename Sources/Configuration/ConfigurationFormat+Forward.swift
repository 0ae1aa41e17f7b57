extension ConfigurationFormat<[HeaderSetting]> {
  /// Headers that may be seen; mistakes are not shown, because people put keys there.
  static let headers: Self = {
    var format = list(
      "list of headers",
      expecting:
        "headers such as x-scope-orgid=team-1, but none that holds keys or cookies: those come from headers_env "
        + "or headers_file",
      parse: { text in
        let header = HeaderSetting(text)
        return header.flatMap { secretHeaders.contains($0.name) ? nil : $0 }
      }, render: { (header: HeaderSetting) in "\(header.name)=\(header.value)" })
    format.hidesMistakes = true
    return format
  }()
}

extension ConfigurationFormat<[String]> {
  /// Names, or beginnings of names with an asterisk behind.
  static let patternNames = list(
    "list of names", expecting: "names such as checkout or train-*", parse: { $0.isEmpty ? nil : $0 }, render: \.self)
}
