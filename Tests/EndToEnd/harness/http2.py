"""An HTTP/2 client with prior knowledge that works on single frames, and gRPC calls on top of it.

It obeys flow control and the peer's frame size for ordinary calls; tests may also send any bytes.
"""

import base64
import dataclasses
import socket
import struct
import urllib.parse

import hpack
import hyperframe.frame as frames

TIMEOUT_SECONDS = 20
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DEFAULT_WINDOW = 65535

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
EXPORT_METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
EXPORT_LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
HEALTH_CHECK = "/grpc.health.v1.Health/Check"

NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR = 0, 1, 3, 6
REFUSED_STREAM, COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 7, 9, 11


class ConnectionEnded(Exception):
    """The server ended the connection; `code` is the GOAWAY's error code, or None when there was none."""

    def __init__(self, code):
        super().__init__(f"connection ended, GOAWAY code {code}")
        self.code = code


@dataclasses.dataclass
class Stream:
    """What came back on one stream."""

    headers: dict = None
    trailers: dict = None
    data: bytes = b""
    ended: bool = False
    reset_code: int = None

    @property
    def is_done(self):
        return self.ended or self.reset_code is not None

    @property
    def http_status(self):
        return int(self.headers[":status"]) if self.headers else None

    @property
    def grpc_fields(self):
        """The trailers; for an answer that has only one header block, that one."""
        return self.trailers if self.trailers is not None else (self.headers or {})

    @property
    def grpc_status(self):
        status = self.grpc_fields.get("grpc-status")
        return None if status is None else int(status)

    @property
    def grpc_message(self):
        return urllib.parse.unquote(self.grpc_fields.get("grpc-message", ""))

    @property
    def grpc_details(self):
        """The bytes of grpc-status-details-bin, or None."""
        value = self.grpc_fields.get("grpc-status-details-bin")
        return None if value is None else base64.b64decode(value + "=" * (-len(value) % 4))

    @property
    def messages(self):
        """The gRPC messages of the answer, each without its five-byte prefix."""
        result, rest = [], self.data
        while rest:
            flag, size = struct.unpack(">BI", rest[:5])
            assert flag == 0, "the server compressed an answer nobody asked it to compress"
            result.append(rest[5 : 5 + size])
            assert len(result[-1]) == size, "the answer's message is cut"
            rest = rest[5 + size :]
        return result


class Connection:
    """One connection. Nothing is sent before `start`, so that tests can begin with bytes of their own."""

    def __init__(self, address, timeout=TIMEOUT_SECONDS):
        self.socket = socket.create_connection(address, timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.authority = f"{address[0]}:{address[1]}"
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.streams = {}
        self.received = []
        self.peer_settings = {}
        self.goaway_code = None
        # A passive connection answers no SETTINGS, PING or DATA, as in the replay of a recorded client.
        self.is_passive = False
        self.next_stream = 1
        self.window = DEFAULT_WINDOW
        self.stream_windows = {}
        self._buffer = b""
        self._header_block = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # Sending

    def start(self, settings=None):
        """Sends the preface and SETTINGS, and waits for the server's SETTINGS."""
        self.send(PREFACE)
        self.send_frame(frames.SettingsFrame(0, settings=settings or {}))
        self.read_until(lambda: any(isinstance(frame, frames.SettingsFrame) for frame in self.received))
        return self

    def send(self, data):
        self.socket.sendall(data)

    def send_frame(self, frame):
        self.send(frame.serialize())

    def open_stream(self, headers, end=False, stream=None, header_flags=(), encoded=None):
        """Sends HEADERS and returns the new stream's number."""
        number = stream or self.next_stream
        self.next_stream = max(self.next_stream, number + 2)
        self.streams[number] = Stream()
        self.stream_windows[number] = self.peer_settings.get(frames.SettingsFrame.INITIAL_WINDOW_SIZE, DEFAULT_WINDOW)
        block = encoded if encoded is not None else self.encoder.encode(headers)
        frame = frames.HeadersFrame(number, block)
        frame.flags = {"END_HEADERS", *(["END_STREAM"] if end else []), *header_flags}
        self.send_frame(frame)
        return number

    def send_data(self, number, data, end=True, padding=None, size=None):
        """Sends DATA frames within the peer's windows and frame size; reads while a window is closed.

        Stops quietly when the server answered with an end of the stream before it took everything.
        """
        limit = size or self.peer_settings.get(frames.SettingsFrame.MAX_FRAME_SIZE, 16384)
        rest = data
        while True:
            overhead = 0 if padding is None else padding + 1
            room = min(limit, self.window - overhead, self.stream_windows[number] - overhead)
            if rest and room <= 0:
                self._read_some()
                if self.streams[number].is_done:
                    return
                continue
            piece, rest = rest[: max(0, room)], rest[max(0, room) :]
            frame = frames.DataFrame(number, piece)
            if padding is not None:
                frame.flags.add("PADDED")
                frame.pad_length = padding
            if end and not rest:
                frame.flags.add("END_STREAM")
            self.window -= len(piece) + overhead
            self.stream_windows[number] -= len(piece) + overhead
            self.send_frame(frame)
            if not rest:
                return

    # Receiving

    def read_until(self, condition):
        """Reads frames until `condition` holds."""
        while not condition():
            self._read_some()

    def wait(self, number):
        """Reads until the stream is over, and returns it."""
        stream = self.streams[number]
        self.read_until(lambda: stream.is_done)
        return stream

    def wait_for_reset(self, number):
        """Reads on after the answer until the server has reset the stream."""
        stream = self.streams[number]
        self.read_until(lambda: stream.reset_code is not None)
        return stream

    def wait_for_end(self):
        """Reads until the server closes; returns the GOAWAY's error code, or None without one."""
        try:
            while True:
                self._read_some()
        except ConnectionEnded as end:
            return end.code

    def ping(self):
        """Sends a PING and waits for its answer, which shows that all frames before it were read."""
        opaque = struct.pack(">Q", len(self.received) + 1)
        self.send_frame(frames.PingFrame(0, opaque_data=opaque))
        answered = lambda frame: isinstance(frame, frames.PingFrame) and frame.opaque_data == opaque  # noqa: E731
        self.read_until(lambda: any(answered(frame) for frame in self.received))

    def _read_some(self):
        try:
            piece = self.socket.recv(65536)
        except ConnectionResetError:
            piece = b""
        if not piece:
            raise ConnectionEnded(self.goaway_code)
        self._buffer += piece
        while len(self._buffer) >= 9:
            frame, length = frames.Frame.parse_frame_header(memoryview(self._buffer[:9]))
            if len(self._buffer) < 9 + length:
                return
            frame.parse_body(memoryview(self._buffer[9 : 9 + length]))
            self._buffer = self._buffer[9 + length :]
            self.received.append(frame)
            self._handle(frame)

    def _answer(self, frame):
        if not self.is_passive:
            self.send_frame(frame)

    def _handle(self, frame):
        stream = self.streams.get(frame.stream_id)
        match frame:
            case frames.SettingsFrame() if "ACK" not in frame.flags:
                self._apply(frame.settings)
                self._answer(frames.SettingsFrame(0, flags=["ACK"]))
            case frames.PingFrame() if "ACK" not in frame.flags:
                self._answer(frames.PingFrame(0, opaque_data=frame.opaque_data, flags=["ACK"]))
            case frames.WindowUpdateFrame(stream_id=0):
                self.window += frame.window_increment
            case frames.WindowUpdateFrame() if frame.stream_id in self.stream_windows:
                self.stream_windows[frame.stream_id] += frame.window_increment
            case frames.GoAwayFrame():
                self.goaway_code = frame.error_code
            case frames.RstStreamFrame() if stream:
                stream.reset_code = frame.error_code
            case frames.HeadersFrame() | frames.ContinuationFrame():
                self._handle_headers(frame, stream)
            case frames.DataFrame():
                self._handle_data(frame, stream)

    def _apply(self, settings):
        before = self.peer_settings.get(frames.SettingsFrame.INITIAL_WINDOW_SIZE, DEFAULT_WINDOW)
        self.peer_settings.update(settings)
        after = self.peer_settings.get(frames.SettingsFrame.INITIAL_WINDOW_SIZE, DEFAULT_WINDOW)
        for number in self.stream_windows:
            self.stream_windows[number] += after - before

    def _handle_headers(self, frame, stream):
        if isinstance(frame, frames.HeadersFrame):
            self._header_block = (b"", "END_STREAM" in frame.flags)
        block, ends = self._header_block
        self._header_block = (block + frame.data, ends)
        if "END_HEADERS" not in frame.flags:
            return
        # Decoded in any case: the table that the blocks build belongs to the connection.
        fields = dict(self.decoder.decode(self._header_block[0]))
        if stream is None:
            return
        if stream.headers is None:
            stream.headers = fields
        else:
            stream.trailers = fields
        stream.ended = ends

    def _handle_data(self, frame, stream):
        if frame.flow_controlled_length:
            self._answer(frames.WindowUpdateFrame(0, window_increment=frame.flow_controlled_length))
            if stream and "END_STREAM" not in frame.flags:
                update = frames.WindowUpdateFrame(frame.stream_id, window_increment=frame.flow_controlled_length)
                self._answer(update)
        if stream:
            stream.data += frame.data
            stream.ended = "END_STREAM" in frame.flags

    # gRPC

    def grpc_headers(self, path=EXPORT, metadata=(), **changes):
        """The headers of a gRPC request. A keyword such as `content_type=None` changes or removes one."""
        fields = {
            ":method": "POST",
            ":scheme": "http",
            ":path": path,
            ":authority": self.authority,
            "te": "trailers",
            "content-type": "application/grpc",
        }
        for name, value in changes.items():
            key = ":" + name if ":" + name in fields else name.replace("_", "-")
            fields[key] = value
        return [(name, value) for name, value in fields.items() if value is not None] + list(metadata)

    def call(self, framed, path=EXPORT, metadata=(), **changes):
        """One unary call with a body that already has its prefix; returns the finished stream."""
        number = self.open_stream(self.grpc_headers(path, metadata, **changes))
        self.send_data(number, framed)
        return self.wait(number)


def grpc_message(payload, flag=0, size=None):
    """A length-prefixed gRPC message."""
    return struct.pack(">BI", flag, len(payload) if size is None else size) + payload


def connect(address, timeout=TIMEOUT_SECONDS, settings=None):
    return Connection(address, timeout).start(settings)


def grpc_call(address, framed, path=EXPORT, metadata=(), timeout=TIMEOUT_SECONDS, **changes):
    """One call on a connection of its own."""
    with connect(address, timeout) as connection:
        return connection.call(framed, path, metadata, **changes)
