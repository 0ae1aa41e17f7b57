"""A plain-socket HTTP/1.1 client: sends exactly the bytes it is given, and reads answers strictly."""

import dataclasses
import json
import socket

TIMEOUT_SECONDS = 20


class ProtocolError(Exception):
    """The server sent something that is not an HTTP/1.1 answer."""


@dataclasses.dataclass
class Response:
    status: int
    headers: list
    body: bytes
    version: str
    trailers: list = dataclasses.field(default_factory=list)

    def header(self, name):
        """The value of the only header of that name, or None."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        if len(values) > 1:
            raise ProtocolError(f"{name} came {len(values)} times")
        return values[0] if values else None

    @property
    def content_type(self):
        """The media type without its parameters, in lower case."""
        return (self.header("Content-Type") or "").partition(";")[0].strip().lower()

    def json(self):
        return json.loads(self.body)


class Connection:
    """One TCP connection."""

    def __init__(self, address, timeout=TIMEOUT_SECONDS):
        self.socket = socket.create_connection(address, timeout)
        # Tests write in pieces on purpose; the pieces are to leave as they are.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.address = address
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    # Sending

    def send(self, data):
        self.socket.sendall(data)

    def send_as_far_as_accepted(self, data):
        """Sends until the server closes its side, and returns how many bytes it took."""
        sent = 0
        try:
            while sent < len(data):
                sent += self.socket.send(data[sent : sent + 65536])
        except (BrokenPipeError, ConnectionResetError):
            pass
        return sent

    def send_request(self, method, path, headers=None, body=None):
        self.send(encode_request(method, path, self.address, headers, body))

    # Receiving

    def read_response(self, method="POST"):
        """The next final answer. `method` decides whether a body may follow."""
        while True:
            response = self._read_one(method)
            if response.status >= 200:
                return response

    def read_interim(self):
        """The next answer, 1xx included."""
        return self._read_one("POST")

    def _read_one(self, method):
        version, status, headers = self._read_head()
        response = Response(status, headers, b"", version)
        if method == "HEAD" or status in (204, 304) or status < 200:
            return response
        if (response.header("Transfer-Encoding") or "").lower() == "chunked":
            if response.header("Content-Length") is not None:
                raise ProtocolError("both Content-Length and Transfer-Encoding")
            response.body, response.trailers = self._read_chunked()
        elif response.header("Content-Length") is not None:
            response.body = self._read_exactly(int(response.header("Content-Length")))
        else:
            response.body = self._read_to_end()
        return response

    def _read_head(self):
        lines = self._read_lines_until_empty()
        version, _, rest = lines[0].partition(" ")
        if version not in ("HTTP/1.0", "HTTP/1.1") or not rest[:3].isdigit():
            raise ProtocolError(f"not a status line: {lines[0]!r}")
        return version, int(rest[:3]), [parse_header(line) for line in lines[1:]]

    def _read_chunked(self):
        body = b""
        while True:
            size = int(self._read_line().partition(";")[0], 16)
            if size == 0:
                return body, [parse_header(line) for line in self._read_lines_until_empty()]
            body += self._read_exactly(size)
            if self._read_exactly(2) != b"\r\n":
                raise ProtocolError("a chunk is longer than its size says")

    def _read_lines_until_empty(self):
        lines = []
        while line := self._read_line():
            lines.append(line)
        return lines

    def _read_line(self):
        while b"\r\n" not in self.buffer:
            self.receive_some()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode("latin-1")

    def _read_exactly(self, count):
        pieces = [self.buffer]
        have = len(self.buffer)
        while have < count:
            piece = self.socket.recv(max(65536, min(count - have, 1 << 20)))
            if not piece:
                raise ConnectionResetError(f"the server closed {count - have} bytes before the end of its answer")
            pieces.append(piece)
            have += len(piece)
        data = b"".join(pieces)
        self.buffer = data[count:]
        return data[:count]

    def _read_to_end(self):
        try:
            while True:
                self.receive_some()
        except ConnectionResetError:
            data, self.buffer = self.buffer, b""
            return data

    def receive_some(self):
        """Waits for the next bytes and keeps them for the reading methods."""
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionResetError("the server closed the connection")
        self.buffer += piece

    def is_closed_by_server(self):
        """Waits for the server to close. False when it sends something else or leaves the connection open."""
        if self.buffer:
            return False
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def parse_header(line):
    name, colon, value = line.partition(":")
    if not colon or not name or name != name.strip():
        raise ProtocolError(f"not a header: {line!r}")
    return name, value.strip()


def encode_request(method, path, address, headers=None, body=None):
    """A request with a Host and, where there is a body and no other framing, a Content-Length."""
    fields = {"Host": f"{address[0]}:{address[1]}", **(headers or {})}
    names = {name.lower() for name in fields}
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        fields["Content-Length"] = str(len(body))
    # A value of None takes a header away.
    lines = [f"{name}: {value}\r\n" for name, value in fields.items() if value is not None]
    return f"{method} {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode("latin-1") + (body or b"")


def chunked(body, size=None, extension="", trailer=b""):
    """`body` in the chunked transfer coding, in pieces of `size` bytes."""
    size = size or max(1, len(body))
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = [f"{len(piece):x}{extension}\r\n".encode() + piece + b"\r\n" for piece in pieces]
    return b"".join(chunks) + b"0\r\n" + trailer + b"\r\n"


def request(address, method, path, headers=None, body=None, timeout=TIMEOUT_SECONDS):
    """One request on a connection of its own."""
    with Connection(address, timeout) as connection:
        connection.send_request(method, path, headers, body)
        return connection.read_response(method)
