internal import Credentials
internal import Glibc

/// Why a file that the configuration names cannot be used.
struct FileError: Error, CustomStringConvertible {
  let description: String
}

/// The largest file that is read, in bytes.
private let maximumFileBytes = 1 << 20

/// Reads a small file.
func readWholeFile(_ path: String) -> Result<[UInt8], FileError> {
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return .failure(.system("cannot be opened", errno)) }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 16 << 10)
  while true {
    let count = unsafe read(descriptor, &buffer, buffer.count)
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else { return .failure(.system("cannot be read", errno)) }
    guard count > 0 else { return .success(bytes) }
    bytes += buffer[..<count]
    guard bytes.count <= maximumFileBytes else {
      return .failure(FileError(description: "has more than \(maximumFileBytes) bytes"))
    }
  }
}

/// Reads a token file; a file without a token is an error, because it would leave a door open that somebody meant to
/// close.
func readTokenFile(_ path: String) -> Result<TokenSet, FileError> {
  readWholeFile(path).mapError { FileError(description: "\(path) \($0)") }.flatMap { bytes in
    do throws(TokenFileError) {
      let tokens = try TokenSet(lines: String(decoding: bytes, as: UTF8.self))
      guard !tokens.isEmpty else { return .failure(FileError(description: "\(path) holds no token")) }
      return .success(tokens)
    } catch {
      return .failure(FileError(description: "\(path):\(error.line): \(error.cause)"))
    }
  }
}

extension FileError {
  fileprivate static func system(_ what: String, _ code: Int32) -> FileError {
    FileError(description: unsafe "\(what): \(String(cString: strerror(code)))")
  }
}
