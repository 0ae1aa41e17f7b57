internal import Credentials
internal import Glibc

/// Why a file that the configuration names cannot be used.
struct FileError: Error, CustomStringConvertible {
  let description: String
}

/// The largest file that is read, in bytes.
private let maximumFileBytes = 1 << 20

/// Who may have access to a file that is read.
enum FileAccess {
  case any
  case ownerAlone
}

/// Reads a small file.
func readWholeFile(_ path: String, _ access: FileAccess = .any) -> Result<[UInt8], FileError> {
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return .failure(.system("cannot be opened", errno)) }
  defer { close(descriptor) }
  if access == .ownerAlone, let error = refuseSharedAccess(descriptor) { return .failure(error) }
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

/// Asks the open file, so that nobody can exchange it in between.
private func refuseSharedAccess(_ descriptor: Int32) -> FileError? {
  var status = stat()
  guard unsafe fstat(descriptor, &status) == 0 else { return .system("cannot be examined", errno) }
  guard status.st_mode & 0o077 != 0 else { return nil }
  let mode = String(status.st_mode & 0o777, radix: 8)
  return FileError(
    description: "is open to other users (mode \(mode)); make it private with chmod 600, or pass a systemd credential")
}

extension FileError {
  fileprivate static func system(_ what: String, _ code: Int32) -> FileError {
    FileError(description: unsafe "\(what): \(String(cString: strerror(code)))")
  }
}
