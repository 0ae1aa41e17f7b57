"""Answers of the proxy as they are on the wire: read byte by byte, with how the connection ended."""

import dataclasses

HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "proxy-connection"}


@dataclasses.dataclass
class Answer:
    """An answer, whole or cut."""

    status: int
    reason: str
    headers: list
    body: bytes
    # Whether the end of the body was seen, as its framing tells it.
    is_whole: bool

    def all(self, name):
        return [value for key, value in self.headers if key == name.lower()]

    def header(self, name):
        values = self.all(name)
        assert len(values) <= 1, (name, values)
        return values[0] if values else None

    @property
    def end_to_end(self):
        """The header fields that are not about one connection, in order."""
        return [(name, value) for name, value in self.headers if name not in HOP_BY_HOP]


def parse(raw, ended=True):
    """Reads an answer from bytes; with a connection that has not ended, None while the end is not there."""
    head, separator, rest = raw.partition(b"\r\n\r\n")
    if not separator:
        return None
    lines = head.decode("latin-1").split("\r\n")
    _, status, reason = (lines[0] + " ").split(" ", 2)
    headers = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
    answer = Answer(int(status), reason.strip(), headers, b"", False)
    if answer.status < 200:
        return parse(rest, ended)
    if "chunked" in (answer.header("transfer-encoding") or ""):
        answer.body, answer.is_whole = dechunk(rest)
    elif answer.header("content-length") is not None:
        length = int(answer.header("content-length"))
        answer.body, answer.is_whole = rest[:length], len(rest) >= length
    else:
        answer.body, answer.is_whole = rest, ended
    return answer if answer.is_whole or ended else None


def dechunk(data):
    """(what the chunks hold, whether the last one is there)"""
    body, at = b"", 0
    while (line_end := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line_end].partition(b";")[0], 16)
        if size == 0:
            return body, data.find(b"\r\n", line_end + 2) >= 0
        piece = data[line_end + 2 : line_end + 2 + size]
        body += piece
        at = line_end + 2 + size + 2
        if len(piece) < size:
            break
    return body, False


def read(connection):
    """Reads one answer of a connection to its end; a cut one has `is_whole` False. None when no head came."""
    raw = connection.buffer
    while True:
        answer = parse(raw, ended=False)
        if answer:
            connection.buffer = b""
            return answer
        try:
            piece = connection.socket.recv(1 << 16)
        except ConnectionResetError:
            piece = b""
        if not piece:
            # Without a length the end of the connection is the end of the body only when it was orderly.
            return parse(raw)
        raw += piece


def read_until(connection, text):
    """Receives until a text is there, and returns what came so far."""
    while text not in connection.buffer:
        connection.receive_some()
    return connection.buffer


def without_host(request):
    """A recorded request's first line, header fields but for Host, and body."""
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(b"host:")]
    return kept[0], kept[1:], body
