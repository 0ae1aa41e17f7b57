"""An upstream on loopback that answers connections with exactly the bytes that a test wants."""

import contextlib
import socket
import threading

from . import http1


class ScriptedUpstream:
    """Calls `script(connection, request)` for every request; the script writes with `connection.sendall`.

    `request` are the bytes of the request. A script that returns False ends the connection.
    """

    def __init__(self, script):
        self.script = script
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.url = f"http://{self.address[0]}:{self.address[1]}"
        # What came, in the order of arrival, and on which connection.
        self.requests = []
        self.connections = 0
        self._open = set()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.settimeout(http1.TIMEOUT_SECONDS)
            self.connections += 1
            self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection, self.connections))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection, number):
        with connection, contextlib.suppress(OSError):
            while request := read_request(connection):
                self.requests.append((number, request))
                if self.script(connection, request) is False:
                    return

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._threads[0].join()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def read_request(connection):
    """The bytes of the next request with a Content-Length or none; empty when the peer closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            return b""
        body += piece
    return head + b"\r\n\r\n" + body


def answer(body=b"{}", *fields, status="200 OK", content_type="application/json"):
    """A whole answer with a Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"content-type: {content_type}", f"content-length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
