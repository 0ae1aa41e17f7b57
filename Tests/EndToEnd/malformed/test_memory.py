"""Repeating bad requests costs no memory, and one bad client does not delay the others."""

import contextlib
import gzip
import struct

import pytest
from harness import http1, http2, rows, wire

# After this many repeats every pool and cache has its working size; from then on memory must stay where it is.
WARM_UP, REPEATS = 300, 1500
GROWTH_BYTES = 8 << 20

PROTOBUF, JSON = "application/x-protobuf", "application/json"
BAD_SPAN = wire.span(b"short", rows.SPAN_ID)


POST = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\n"


def http(body, content_type=PROTOBUF, **headers):
    def send(server, connection):
        connection.send_request("POST", "/v1/traces", {"Content-Type": content_type, **headers}, body)
        connection.read_response()

    return send


def on_a_new_connection(data):
    def send(server, _):
        with (
            contextlib.suppress(ConnectionResetError, BrokenPipeError),
            http1.Connection(server.otlp_http) as connection,
        ):
            connection.send(data)
            connection.read_response()

    return send


def declared_grpc_size(server, _):
    with http2.connect(server.otlp_grpc) as connection:
        number = connection.open_stream(connection.grpc_headers())
        connection.send_data(number, struct.pack(">BI", 0, 2**32 - 1), end=False)
        connection.wait(number)


def abandoned_grpc_call(server, _):
    with http2.connect(server.otlp_grpc) as connection:
        number = connection.open_stream(connection.grpc_headers())
        connection.send_data(number, http2.grpc_message(rows.GOOD_BODY)[:-1], end=False)


def abandoned_body(server, _):
    with http1.Connection(server.otlp_http) as connection:
        connection.send_request("POST", "/v1/traces", {"Content-Type": PROTOBUF, "Content-Length": "1000000"})
        connection.send(bytes(10_000))


def abandoned_chunk(server, _):
    with http1.Connection(server.otlp_http) as connection:
        connection.send(POST + b"Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n" + bytes(10_000))


# name: (what is sent, a divisor for the number of repeats where one costs more)
BAD_REQUESTS = {
    "undecodable protobuf": (http(b"\xff" * 1000), 1),
    "undecodable json": (http(b'{"resourceSpans":[' * 1000, JSON), 1),
    "a deep attribute": (http(rows.body_of("m", wire.attribute("k", wire.nested_array(2000)))), 1),
    "rejected spans": (http(wire.request(*[BAD_SPAN] * 100, wire.span(rows.GOOD_TRACE, rows.SPAN_ID))), 1),
    "invalid utf-8": (http(rows.body_of("m", wire.blob(5, b"\xff" * 100))), 1),
    "corrupt gzip": (http(gzip.compress(rows.GOOD_BODY)[:-4], **{"Content-Encoding": "gzip"}), 1),
    "a gzip bomb": (http(gzip.compress(bytes(8 << 20)), **{"Content-Encoding": "gzip"}), 10),
    "a huge declared length": (on_a_new_connection(POST + b"Content-Length: 9000000000000000000\r\n\r\n"), 1),
    "an abandoned huge chunk": (abandoned_chunk, 3),
    "a huge declared gRPC size": (declared_grpc_size, 3),
    "an abandoned gRPC call": (abandoned_grpc_call, 3),
    "an abandoned body": (abandoned_body, 3),
    "broken HTTP": (on_a_new_connection(b"POST /v1/traces HTTP/1.1\r\nbroken\r\n\r\n"), 1),
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_memory_stays_flat_over_repeated(hostile, name):
    send, divisor = BAD_REQUESTS[name]
    repeat(hostile, send, WARM_UP // divisor)
    before = hostile.resident_bytes()
    repeat(hostile, send, REPEATS // divisor)
    assert hostile.resident_bytes() - before < GROWTH_BYTES


def repeat(server, send, count):
    connection = http1.Connection(server.otlp_http)
    for _ in range(count):
        try:
            send(server, connection)
        except (ConnectionResetError, BrokenPipeError):
            # The server closes after some refusals; the next one needs a new connection.
            connection.close()
            connection = http1.Connection(server.otlp_http)
    connection.close()


def test_connections_that_send_nothing_do_not_stop_others(hostile):
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(http1.Connection(hostile.otlp_http))
        for _ in range(100):
            connection = stack.enter_context(http1.Connection(hostile.otlp_http))
            connection.send(b"POST /v1/traces HTTP/1.1\r\nHost: a\r\n")
        # All of them are open, not just on their way.
        hostile.wait_for_metric("fulgurite_connections_open", lambda value: value >= 400)
        rows.assert_serves(hostile)


def test_open_connections_are_closed_and_forgotten(hostile):
    repeat(hostile, on_a_new_connection(b"GET / HTTP/1.1\r\n\r\n"), 50)
    rows.assert_serves(hostile)
    # The request for the metrics is itself on one connection.
    hostile.wait_for_metric("fulgurite_connections_open", lambda value: value == 1)
