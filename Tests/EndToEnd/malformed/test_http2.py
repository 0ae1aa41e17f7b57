"""docs/wire.md, "HTTP/2": what a connection tolerates, what ends it, and that floods stay bounded."""

import contextlib
import struct

import pytest
from harness import http2, rows, sending
from harness.http2 import frames

# What one flooding client may cost: its own buffers, not a queue that grows with what it sends.
FLOOD_BYTES = 16 << 20


def raw_frame(kind, flags, stream, payload):
    """Any frame, legal or not."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def good():
    return http2.grpc_message(rows.GOOD_BODY)


# Tolerated

TOLERATED = {
    "an unknown frame type": raw_frame(0xEE, 0xFF, 0, b"text"),
    "an unknown frame type on a stream": raw_frame(0xEE, 0, 1, b"text"),
    "a PRIORITY frame": raw_frame(0x2, 0, 1, struct.pack(">IB", 0, 10)),
    "a PRIORITY_UPDATE frame": raw_frame(0x10, 0, 0, struct.pack(">I", 1) + b"u=1"),
    "an unknown setting": raw_frame(0x4, 0, 0, struct.pack(">HI", 0xFFFF, 1)),
    "SETTINGS again": raw_frame(0x4, 0, 0, b""),
    "a PING answer nobody asked for": raw_frame(0x6, 1, 0, bytes(8)),
    "a WINDOW_UPDATE": raw_frame(0x8, 0, 0, struct.pack(">I", 1000)),
}


@pytest.mark.parametrize("name", TOLERATED)
def test_tolerates(hostile, name):
    with http2.connect(hostile.otlp_grpc) as connection:
        connection.send(TOLERATED[name])
        sending.assert_grpc_success(connection.call(good()))


def test_settings_and_pings_are_acknowledged(hostile):
    with http2.connect(hostile.otlp_grpc) as connection:
        connection.ping()
        assert any(isinstance(frame, frames.SettingsFrame) and "ACK" in frame.flags for frame in connection.received)


def test_headers_may_be_padded_prioritised_and_continued(hostile):
    with http2.connect(hostile.otlp_grpc) as connection:
        block = connection.encoder.encode(connection.grpc_headers())
        connection.streams[1] = http2.Stream()
        connection.stream_windows[1] = http2.DEFAULT_WINDOW
        first = frames.HeadersFrame(1, block[:10], flags=["PADDED", "PRIORITY"])
        first.pad_length, first.depends_on, first.stream_weight, first.exclusive = 9, 0, 15, False
        connection.send_frame(first)
        connection.send_frame(frames.ContinuationFrame(1, block[10:20]))
        connection.send_frame(frames.ContinuationFrame(1, block[20:], flags=["END_HEADERS"]))
        connection.send_data(1, good())
        sending.assert_grpc_success(connection.wait(1))


# Ends the connection. name: (what is sent after a good start, the acceptable GOAWAY codes)

FATAL = {
    "DATA on stream 0": (raw_frame(0x0, 1, 0, b"x"), http2.PROTOCOL_ERROR),
    "HEADERS on stream 0": (raw_frame(0x1, 5, 0, b"\x82"), http2.PROTOCOL_ERROR),
    "HEADERS on an even stream": (raw_frame(0x1, 5, 2, b"\x82\x86\x84"), http2.PROTOCOL_ERROR),
    "DATA on an idle stream": (raw_frame(0x0, 1, 99, b"x"), http2.PROTOCOL_ERROR),
    "a header block that does not decode": (raw_frame(0x1, 5, 1, b"\xff" * 20), http2.COMPRESSION_ERROR),
    "CONTINUATION without HEADERS": (raw_frame(0x9, 4, 1, b"\x82"), http2.PROTOCOL_ERROR),
    "another frame inside a header block": (
        raw_frame(0x1, 1, 1, b"\x82") + raw_frame(0x6, 0, 0, bytes(8)),
        http2.PROTOCOL_ERROR,
    ),
    "PING of a wrong size": (raw_frame(0x6, 0, 0, b"short"), http2.FRAME_SIZE_ERROR),
    "SETTINGS of a wrong size": (raw_frame(0x4, 0, 0, b"short"), http2.FRAME_SIZE_ERROR),
    "SETTINGS on a stream": (raw_frame(0x4, 0, 1, b""), http2.PROTOCOL_ERROR),
    "a setting out of range": (raw_frame(0x4, 0, 0, struct.pack(">HI", 2, 2)), http2.PROTOCOL_ERROR),
    "an initial window out of range": (
        raw_frame(0x4, 0, 0, struct.pack(">HI", 4, 1 << 31)),
        http2.FLOW_CONTROL_ERROR,
    ),
    "a window over 2^31": (raw_frame(0x8, 0, 0, struct.pack(">I", (1 << 31) - 1)), http2.FLOW_CONTROL_ERROR),
    "a frame over the announced size": (raw_frame(0x0, 0, 1, bytes((1 << 24) - 1)), http2.FRAME_SIZE_ERROR),
    "PUSH_PROMISE from a client": (raw_frame(0x5, 4, 1, struct.pack(">I", 2) + b"\x82"), http2.PROTOCOL_ERROR),
    "RST_STREAM on an idle stream": (raw_frame(0x3, 0, 99, bytes(4)), http2.PROTOCOL_ERROR),
}


@pytest.mark.parametrize("name", FATAL)
def test_ends_the_connection_with_goaway(hostile, name):
    data, code = FATAL[name]
    with http2.connect(hostile.otlp_grpc) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.send(data)
        assert connection.wait_for_end() == code


@pytest.mark.parametrize("preface", [http2.PREFACE[:-1] + b"X", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"])
def test_a_wrong_preface_is_not_http2(hostile, preface):
    with http2.Connection(hostile.otlp_grpc) as connection:
        connection.send(preface + raw_frame(0x4, 0, 0, b""))
        with contextlib.suppress(http2.ConnectionEnded, ValueError, frames.InvalidFrameError):
            connection.read_until(lambda: False)
        assert not any(isinstance(frame, frames.HeadersFrame) for frame in connection.received)


# Limits


def limit_of_streams(server):
    with http2.connect(server.otlp_grpc) as connection:
        return connection.peer_settings[frames.SettingsFrame.MAX_CONCURRENT_STREAMS]


def test_streams_over_a_limit_that_the_client_did_not_know_yet_are_refused(hostile):
    limit = limit_of_streams(hostile)
    with http2.Connection(hostile.otlp_grpc) as connection:
        # Passive: the server's SETTINGS stay unacknowledged, so it cannot blame the client.
        connection.is_passive = True
        connection.send(http2.PREFACE)
        connection.send_frame(frames.SettingsFrame(0))
        opened = [connection.open_stream(connection.grpc_headers()) for _ in range(limit + 5)]
        for number in opened[limit:]:
            assert connection.wait_for_reset(number).reset_code == http2.REFUSED_STREAM
        for number in opened[:limit]:
            connection.send_data(number, good())
        for number in opened[:limit]:
            sending.assert_grpc_success(connection.wait(number))


def test_streams_over_the_acknowledged_limit_are_refused_and_nothing_else(hostile):
    """gRPC clients send a refused call again; the end of the connection fails all calls that it carries."""
    limit = limit_of_streams(hostile)
    assert limit <= 1000
    with http2.connect(hostile.otlp_grpc) as connection:
        # An answer to a ping shows that the server has seen the acknowledgement before it.
        connection.ping()
        opened = [connection.open_stream(connection.grpc_headers()) for _ in range(limit + 5)]
        for number in opened[limit:]:
            assert connection.wait_for_reset(number).reset_code == http2.REFUSED_STREAM
        for number in opened[:limit]:
            connection.send_data(number, good())
        for number in opened[:limit]:
            sending.assert_grpc_success(connection.wait(number))
        # There is room again.
        sending.assert_grpc_success(connection.call(good()))
        assert connection.goaway_code is None


def test_a_flood_of_streams_over_the_limit_ends_the_connection(hostile):
    limit = limit_of_streams(hostile)
    with http2.connect(hostile.otlp_grpc) as connection:
        connection.ping()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, http2.ConnectionEnded):
            for _ in range(limit + 20_000):
                connection.open_stream(connection.grpc_headers())
        assert connection.wait_for_end() in (http2.ENHANCE_YOUR_CALM, http2.PROTOCOL_ERROR, None)


def test_headers_over_the_limit_are_refused(hostile):
    with http2.connect(hostile.otlp_grpc) as connection:
        headers = connection.grpc_headers(metadata=[(f"x-{number}", "x" * 1000) for number in range(120)])
        block = connection.encoder.encode(headers)
        assert len(block) > 65536
        connection.streams[1] = http2.Stream()
        pieces = [block[start : start + 16000] for start in range(0, len(block), 16000)]
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.send_frame(frames.HeadersFrame(1, pieces[0]))
            for piece in pieces[1:]:
                last = ["END_HEADERS"] if piece is pieces[-1] else []
                connection.send_frame(frames.ContinuationFrame(1, piece, flags=last))
        try:
            answer = connection.wait(1)
            assert answer.http_status == 431 or answer.reset_code is not None
        except http2.ConnectionEnded as end:
            assert end.code is not None


def test_a_batch_larger_than_every_window_is_taken_before_the_client_reads(hostile):
    """A client that first writes all it may and only then reads must not wait for ever."""
    name = "windows"
    with http2.connect(hostile.otlp_grpc) as connection:
        number = connection.open_stream(connection.grpc_headers())
        body = http2.grpc_message(rows.body_of(name, rows.padding(900_000)))
        connection.send_data(number, body)
        sending.assert_grpc_success(connection.wait(number))
    assert len(rows.stored(hostile, name)) == 1


# Floods


def send_until_stopped(connection, piece, pieces):
    """Sends without reading until all is sent, the server takes no more, or it ends the connection."""
    timeout = connection.socket.gettimeout()
    connection.socket.settimeout(2)
    with contextlib.suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
        for _ in range(pieces):
            connection.socket.sendall(piece)
    connection.socket.settimeout(timeout)


@contextlib.contextmanager
def flooded(server, piece, pieces, start=b""):
    """A connection that sent the flood after `start`; the server's memory did not grow with it."""
    before = server.resident_bytes()
    with http2.connect(server.otlp_grpc) as connection:
        connection.send(start)
        send_until_stopped(connection, piece, pieces)
        assert server.resident_bytes() - before < FLOOD_BYTES
        yield connection


def test_a_flood_of_pings_costs_no_memory(hostile):
    with flooded(hostile, raw_frame(0x6, 0, 0, bytes(8)) * 1000, 2000):
        rows.assert_serves(hostile)


def test_a_flood_of_settings_costs_no_memory(hostile):
    with flooded(hostile, raw_frame(0x4, 0, 0, struct.pack(">HI", 3, 100)) * 1000, 2000):
        rows.assert_serves(hostile)


ENDLESS_HEADERS = {
    # A literal header that is never indexed, again and again, and never END_HEADERS.
    "large continuations": raw_frame(0x9, 0, 1, (b"\x00\x01a\x7f\x81\x07" + b"b" * 256) * 60),
    "empty continuations": raw_frame(0x9, 0, 1, b"") * 1000,
}


@pytest.mark.parametrize("name", ENDLESS_HEADERS)
def test_an_endless_header_block_ends_the_connection(hostile, name):
    with flooded(hostile, ENDLESS_HEADERS[name], 4000, raw_frame(0x1, 0, 1, b"\x82\x86\x84")) as connection:
        # GOAWAY may be lost when the server resets a connection that still sends. It does not stay open.
        connection.wait_for_end()


def test_rapid_resets_end_the_connection(hostile):
    with http2.connect(hostile.otlp_grpc) as connection:
        block = connection.encoder.encode(connection.grpc_headers())
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for number in range(1, 20_001, 2):
                connection.send(raw_frame(0x1, 4, number, block) + raw_frame(0x3, 0, number, struct.pack(">I", 8)))
                block = connection.encoder.encode(connection.grpc_headers())
        assert connection.wait_for_end() == http2.ENHANCE_YOUR_CALM


def test_empty_data_frames_do_not_starve_others(hostile):
    with http2.connect(hostile.otlp_grpc) as connection:
        number = connection.open_stream(connection.grpc_headers())
        flood = raw_frame(0x0, 0, number, b"") * 1000
        served = 0
        for round_number in range(200):
            # The server may end the connection at any time.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.send(flood)
            if round_number % 50 == 0:
                rows.assert_serves(hostile)
                served += 1
        assert served == 4
