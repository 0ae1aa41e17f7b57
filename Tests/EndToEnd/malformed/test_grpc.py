"""docs/wire.md, "gRPC": framing, compression, paths, metadata, deadlines."""

import gzip
import re
import struct

import pytest
from google.rpc.status_pb2 import Status
from harness import http2, rows, sending, wire
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

OK, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = 0, 3, 4, 5, 8, 12, 13

# HTTP semantics of grpc-message: printable ASCII with everything else percent-encoded.
GRPC_MESSAGE = re.compile(r"([ -$&-~]|%[0-9A-F]{2})*")


def call(server, framed, **options):
    answer = http2.grpc_call(server.otlp_grpc, framed, **options)
    assert GRPC_MESSAGE.fullmatch(answer.grpc_fields.get("grpc-message", "")), answer
    if answer.grpc_details is not None:
        details = Status.FromString(answer.grpc_details)
        assert details.code == answer.grpc_status
    return answer


def good(name):
    return http2.grpc_message(rows.body_of(name))


def flip(body, position):
    return body[:position] + bytes([body[position] ^ 0xFF]) + body[position:][1:]


# Framing. name: (the body of the call, the status that answers it)

FRAMING = {
    "undecodable": (http2.grpc_message(b"\xff\xff"), INVALID_ARGUMENT),
    "flag 1 without an encoding": (http2.grpc_message(gzip.compress(rows.GOOD_BODY), 1), INTERNAL),
    "flag 2": (http2.grpc_message(rows.GOOD_BODY, 2), INTERNAL),
    "flag 255": (http2.grpc_message(rows.GOOD_BODY, 255), INTERNAL),
    "a message cut": (http2.grpc_message(rows.GOOD_BODY)[:-1], INTERNAL),
    "a prefix cut": (http2.grpc_message(rows.GOOD_BODY)[:3], INTERNAL),
    "a prefix only": (http2.grpc_message(rows.GOOD_BODY)[:5], INTERNAL),
    "no message": (b"", INTERNAL),
    "two messages": (http2.grpc_message(rows.GOOD_BODY) * 2, INTERNAL),
    "bytes after the message": (http2.grpc_message(rows.GOOD_BODY) + b"\0", INTERNAL),
}


@pytest.mark.parametrize("name", FRAMING)
def test_a_call_is_refused_that_has(hostile, name):
    framed, expected = FRAMING[name]
    answer = call(hostile, framed)
    assert (answer.http_status, answer.grpc_status) == (200, expected)
    assert answer.grpc_message


def test_an_empty_message_is_an_empty_request(hostile):
    sending.assert_grpc_success(call(hostile, http2.grpc_message(b"")))


def test_a_prefix_and_message_may_be_split_anywhere_and_padded(hostile):
    name = "split"
    for size, padding in [(1, None), (3, 7), (5, 0), (16, 255)]:
        with http2.connect(hostile.otlp_grpc) as connection:
            number = connection.open_stream(connection.grpc_headers())
            connection.send_data(number, good(name), size=size, padding=padding)
            sending.assert_grpc_success(connection.wait(number))
    assert len(rows.stored(hostile, name)) == 1


def test_the_end_of_the_stream_may_come_on_an_empty_frame(hostile):
    with http2.connect(hostile.otlp_grpc) as connection:
        number = connection.open_stream(connection.grpc_headers())
        connection.send_data(number, good("end"), end=False)
        connection.send_data(number, b"", end=True)
        sending.assert_grpc_success(connection.wait(number))


def test_streams_may_be_interleaved(hostile):
    with http2.connect(hostile.otlp_grpc) as connection:
        bodies = {connection.open_stream(connection.grpc_headers()): good(f"interleaved {n}") for n in range(20)}
        while any(bodies.values()):
            for number, rest in bodies.items():
                if rest:
                    connection.send_data(number, rest[:10], end=len(rest) <= 10)
                    bodies[number] = rest[10:]
        for number in bodies:
            sending.assert_grpc_success(connection.wait(number))
    for number in range(20):
        assert len(rows.stored(hostile, f"interleaved {number}")) == 1


# Sizes


def test_a_declared_size_over_the_limit_is_refused_at_once(hostile, request_limit):
    for size in [request_limit + 1, 2**31, 2**32 - 1]:
        with http2.connect(hostile.otlp_grpc) as connection:
            number = connection.open_stream(connection.grpc_headers())
            # The stream stays open: only a server that looks at the prefix can answer.
            connection.send_data(number, struct.pack(">BI", 0, size), end=False)
            answer = connection.wait(number)
            assert answer.grpc_status == RESOURCE_EXHAUSTED
            # A client may retry status 8 only with RetryInfo, and a retry would not help here.
            assert b"RetryInfo" not in (answer.grpc_details or b"")


def test_a_message_that_decompresses_over_the_limit_is_refused(hostile, request_limit):
    bomb = http2.grpc_message(gzip.compress(bytes(request_limit * 64)), 1)
    answer = call(hostile, bomb, grpc_encoding="gzip")
    assert answer.grpc_status == RESOURCE_EXHAUSTED
    assert b"RetryInfo" not in (answer.grpc_details or b"")


def test_an_answer_before_the_end_of_the_request_is_followed_by_a_reset(hostile):
    with http2.connect(hostile.otlp_grpc) as connection:
        number = connection.open_stream(connection.grpc_headers(path="/no.such.Service/Method"))
        assert connection.wait(number).grpc_status == UNIMPLEMENTED
        assert connection.wait_for_reset(number).reset_code == http2.NO_ERROR


# Compression


def test_gzip_is_taken(hostile):
    name = "gzip"
    answer = call(hostile, http2.grpc_message(gzip.compress(rows.body_of(name)), 1), grpc_encoding="gzip")
    sending.assert_grpc_success(answer)
    assert len(rows.stored(hostile, name)) == 1


def test_an_uncompressed_message_in_a_gzip_call_is_taken(hostile):
    sending.assert_grpc_success(call(hostile, good("mixed"), grpc_encoding="gzip"))


@pytest.mark.parametrize("encoding", ["identity", None])
def test_the_compressed_flag_without_a_compression_is_internal(hostile, encoding):
    answer = call(hostile, http2.grpc_message(gzip.compress(rows.GOOD_BODY), 1), grpc_encoding=encoding)
    assert answer.grpc_status == INTERNAL


@pytest.mark.parametrize("encoding", ["snappy", "br", "GZIP2"])
def test_an_unknown_encoding_is_unimplemented_and_says_what_is_taken(hostile, encoding):
    answer = call(hostile, http2.grpc_message(rows.GOOD_BODY, 1), grpc_encoding=encoding)
    assert answer.grpc_status == UNIMPLEMENTED
    accepted = {**answer.headers, **answer.grpc_fields}["grpc-accept-encoding"]
    assert "gzip" in accepted.split(",")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda body: flip(gzip.compress(body), -8), id="wrong checksum"),
        pytest.param(lambda body: gzip.compress(body)[:-3], id="cut"),
        pytest.param(lambda body: gzip.compress(body) + b"more", id="bytes after the end"),
        pytest.param(lambda body: body, id="no gzip at all"),
        pytest.param(lambda body: b"", id="nothing"),
    ],
)
def test_corrupt_gzip_is_internal(hostile, damage):
    answer = call(hostile, http2.grpc_message(damage(rows.GOOD_BODY), 1), grpc_encoding="gzip")
    assert answer.grpc_status == INTERNAL


# Paths, methods, metadata


@pytest.mark.parametrize(
    "path",
    [
        "/opentelemetry.proto.collector.trace.v1.TraceService/Unknown",
        "/opentelemetry.proto.collector.trace.v2.TraceService/Export",
        "/opentelemetry.proto.collector.trace.v1.TraceService",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/",
        "/x",
        "//",
    ],
)
def test_an_unknown_path_is_unimplemented(hostile, path):
    assert call(hostile, good("path"), path=path).grpc_status == UNIMPLEMENTED


@pytest.mark.parametrize("path", [http2.EXPORT_METRICS, http2.EXPORT_LOGS])
def test_other_signals_are_accepted_and_dropped(hostile, path):
    answer = call(hostile, http2.grpc_message(b""), path=path)
    assert (answer.http_status, answer.grpc_status, len(answer.messages)) == (200, OK, 1)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json", "application/octet-stream"])
def test_another_content_type_is_415(hostile, content_type):
    assert call(hostile, good("type"), content_type=content_type).http_status == 415


@pytest.mark.parametrize("content_type", ["application/grpc+proto", "application/grpc;x=y", "Application/gRPC"])
def test_a_grpc_content_type_may_be(hostile, content_type):
    sending.assert_grpc_success(call(hostile, good("type"), content_type=content_type))


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_another_method_is_405(hostile, method):
    assert call(hostile, good("method"), method=method).http_status == 405


def test_te_may_be_missing(hostile):
    sending.assert_grpc_success(call(hostile, good("te"), te=None))


@pytest.mark.parametrize("timeout", ["1", "S", "1x", "-1S", "123456789S", "1.5S", "1 S"])
def test_a_malformed_timeout_is_internal(hostile, timeout):
    assert call(hostile, good("timeout"), grpc_timeout=timeout).grpc_status == INTERNAL


@pytest.mark.parametrize("timeout", ["99999999H", "10M", "10S", "10000m", "10000000u", "99999999n"])
def test_a_timeout_may_have_every_unit(hostile, timeout):
    answer = call(hostile, good("timeout"), grpc_timeout=timeout)
    # 99,999,999 ns are 0.1 s, which a busy machine may exceed.
    assert answer.grpc_status == OK or (timeout.endswith("n") and answer.grpc_status == DEADLINE_EXCEEDED)


def test_a_deadline_of_zero_has_passed(hostile):
    name = "zero"
    answer = call(hostile, good(name), grpc_timeout="0S")
    assert answer.grpc_status == DEADLINE_EXCEEDED
    assert rows.stored(hostile, name) == []


def test_a_deadline_ends_a_call_whose_body_never_comes(hostile):
    with http2.connect(hostile.otlp_grpc) as connection:
        number = connection.open_stream(connection.grpc_headers(grpc_timeout="50m"))
        assert connection.wait(number).grpc_status == DEADLINE_EXCEEDED


def test_bad_base64_in_binary_metadata_is_ignored(hostile):
    sending.assert_grpc_success(call(hostile, good("metadata"), metadata=[("x-text-bin", "***")]))


def test_a_connection_header_is_a_protocol_error(hostile):
    with http2.connect(hostile.otlp_grpc) as connection:
        headers = connection.grpc_headers(metadata=[("connection", "close")])
        number = connection.open_stream(headers)
        assert connection.wait_for_reset(number).reset_code == http2.PROTOCOL_ERROR


# Answers


def test_rejected_spans_are_a_partial_success_with_status_ok(hostile):
    name = "partial"
    body = wire.request(wire.span(rows.trace_of(name), rows.SPAN_ID), wire.span(rows.trace_of(name), b"short"))
    answer = call(hostile, http2.grpc_message(body))
    assert answer.grpc_status == OK
    [message] = answer.messages
    partial = ExportTraceServiceResponse.FromString(message).partial_success
    assert partial.rejected_spans == 1
    assert partial.error_message
    assert len(rows.stored(hostile, name)) == 1


def test_a_request_with_bad_spans_only_is_an_invalid_argument(hostile):
    answer = call(hostile, http2.grpc_message(wire.request(wire.span(b"", rows.SPAN_ID))))
    assert answer.grpc_status == INVALID_ARGUMENT


def test_an_early_error_is_one_header_block(hostile):
    answer = call(hostile, good("trailers only"), path="/no.such.Service/Method")
    assert answer.trailers is None
    assert answer.headers["content-type"].startswith("application/grpc")
    assert answer.headers["grpc-status"] == "12"


# Health


@pytest.mark.parametrize("service", ["", "opentelemetry.proto.collector.trace.v1.TraceService"])
def test_health_says_that_a_service_is_serving(hostile, service):
    message = wire.blob(1, service) if service else b""
    answer = call(hostile, http2.grpc_message(message), path=http2.HEALTH_CHECK)
    assert (answer.grpc_status, answer.messages) == (OK, [b"\x08\x01"])


def test_health_does_not_know_other_services(hostile):
    answer = call(hostile, http2.grpc_message(wire.blob(1, "no.such.Service")), path=http2.HEALTH_CHECK)
    assert answer.grpc_status == NOT_FOUND
