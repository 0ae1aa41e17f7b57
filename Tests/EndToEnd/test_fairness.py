"""One client's large requests delay no other client of the same event loop.

Every server here has one loop, and the clients take turns: a large body is sent but for its last byte, and then its last
byte and the requests of the others. What counts is who is answered first.
"""

import contextlib
import select

import pytest
from harness import http1, http2, otlp, rows, sending, wire

PROTOBUF, JSON = "application/x-protobuf", "application/json"
SIZE = 60 << 20
# Requests of other clients while one large body is decoded.
ROUNDS = 20


def broken_json():
    """Ends in the middle, after sixty megabytes that have to be read."""
    return b'{"resourceSpans":[' + b'{"scopeSpans":[]},' * (SIZE // 18)


def json_of_bad_spans():
    span = b'{"traceId":"01","spanId":"02","attributes":[{"key":"k","value":{"intValue":"1"}}]}'
    return b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b",".join([span] * (SIZE // len(span))) + b"]}]}]}"


def spans_without_ids():
    """Every span is rejected, which takes a rewrite of the request."""
    span = wire.blob(2, wire.span(b"short", rows.SPAN_ID, "a name of a span that is rejected"))
    return wire.blob(1, wire.blob(2, span * (SIZE // len(span))))


def one_large_bad_span():
    """Nothing to stop at in between: all of it is one span."""
    attribute = wire.attribute("key", wire.string_value("value"))
    return wire.request(wire.span(b"short", rows.SPAN_ID, "large", attribute * (SIZE // len(attribute))))


# Each is refused as a whole, so that its answer waits for nothing but its decoding.
REFUSED = {
    "broken JSON": (JSON, broken_json),
    "JSON of spans without ids": (JSON, json_of_bad_spans),
    "spans without ids": (PROTOBUF, spans_without_ids),
    "one large span without ids": (PROTOBUF, one_large_bad_span),
}


@pytest.fixture
def one_loop(start):
    return start("--set", "loops=1")


def is_answered(connection):
    return bool(select.select([connection.socket], [], [], 0)[0])


@contextlib.contextmanager
def decoding(server, body, content_type):
    """A connection whose large body is complete, but for the time it takes to decode it."""
    with http1.Connection(server.otlp_http, timeout=90) as large:
        head = http1.encode_request(
            "POST", "/v1/traces", server.otlp_http, {"Content-Type": content_type, "Content-Length": str(len(body))}
        )
        large.send(head + body[:-1])
        server.wait_for_metric("fulgurite_in_flight_bytes", lambda value: value >= len(body) - 1)
        large.send(body[-1:])
        yield large


@pytest.mark.parametrize("name", REFUSED)
def test_others_are_served_while_a_large_body_is_decoded(one_loop, name):
    content_type, make = REFUSED[name]
    body = make()
    with (
        http1.Connection(one_loop.otlp_http) as exporter,
        http2.connect(one_loop.otlp_grpc) as caller,
        decoding(one_loop, body, content_type) as large,
    ):
        for _ in range(ROUNDS):
            assert one_loop.get("/healthz").status == 200
            exporter.send_request("POST", "/v1/traces", {"Content-Type": PROTOBUF}, rows.GOOD_BODY)
            otlp.assert_success(exporter.read_response())
            sending.assert_grpc_success(caller.call(http2.grpc_message(rows.GOOD_BODY)))
        assert not is_answered(large), "the others had to wait for the large request"
        assert large.read_response().status == 400
    rows.assert_serves(one_loop)


def test_others_are_served_while_a_large_body_is_cut_and_stored(one_loop):
    """Small exports wait for the transaction of the large one; what needs no store does not."""
    padding = rows.padding(2000)
    spans = [
        wire.span(rows.trace_of("cut"), number.to_bytes(8, "big"), "span", padding)
        for number in range(1, SIZE // 2100)
    ]
    with decoding(one_loop, wire.request(*spans), PROTOBUF) as large:
        for _ in range(ROUNDS):
            assert one_loop.get("/healthz").status == 200
        assert not is_answered(large), "the others had to wait for the large request"
        otlp.assert_success(large.read_response())
    rows.assert_serves(one_loop)


def test_several_large_bodies_at_once_do_not_stop_others(one_loop):
    body = json_of_bad_spans()
    with contextlib.ExitStack() as stack:
        exporter = stack.enter_context(http1.Connection(one_loop.otlp_http))
        large = [stack.enter_context(http1.Connection(one_loop.otlp_http, timeout=90)) for _ in range(3)]
        head = http1.encode_request(
            "POST", "/v1/traces", one_loop.otlp_http, {"Content-Type": JSON, "Content-Length": str(len(body))}
        )
        for connection in large:
            connection.send(head + body[:-1])
        one_loop.wait_for_metric("fulgurite_in_flight_bytes", lambda value: value >= 3 * (len(body) - 1))
        for connection in large:
            connection.send(body[-1:])
        for _ in range(ROUNDS):
            exporter.send_request("POST", "/v1/traces", {"Content-Type": PROTOBUF}, rows.GOOD_BODY)
            otlp.assert_success(exporter.read_response())
        # A medium one does not queue behind the large ones either.
        medium = b'{"resourceSpans":[' + b'{"scopeSpans":[]},' * (1 << 16) + b"{}]}"
        otlp.assert_success(one_loop.post(medium, headers={"Content-Type": JSON}), JSON)
        assert not all(is_answered(connection) for connection in large)
        for connection in large:
            assert connection.read_response().status == 400
