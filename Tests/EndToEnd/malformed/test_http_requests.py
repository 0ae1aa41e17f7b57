"""docs/wire.md, "Requests over HTTP": paths, methods, content types, encodings, sizes, transfer, empty bodies."""

import gzip
import zlib

import pytest
import zstandard
from harness import http1, otlp, rows

PROTOBUF, JSON = "application/x-protobuf", "application/json"


# Paths and methods


@pytest.mark.parametrize("listener", ["otlp_http", "otlp_grpc", "api"])
@pytest.mark.parametrize("path", ["/v1/traces", "/v1/traces?tenant=a", "/any/prefix/v1/traces", "/"])
def test_traces_are_taken_on_every_listener_under(hostile, listener, path):
    name = f"{listener} {path}"
    headers = {"Content-Type": PROTOBUF}
    response = http1.request(getattr(hostile, listener), "POST", path, headers, rows.body_of(name))
    otlp.assert_success(response)
    assert len(rows.stored(hostile, name)) == 1


@pytest.mark.parametrize("path", ["/v1/trace", "/v1/traces/", "/v1/tracesx", "/unknown", "/v1/"])
def test_an_unknown_path_is_404(hostile, path):
    assert hostile.post(rows.body_of(path), path).status == 404
    assert rows.stored(hostile, path) == []


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize("path", ["/v1/metrics", "/v1/logs", "/v1/development/profiles"])
def test_other_signals_are_accepted_and_dropped(hostile, path, content_type):
    body = b"" if content_type == PROTOBUF else b"{}"
    response = hostile.post(body, path, {"Content-Type": content_type})
    assert (response.status, response.content_type) == (200, content_type)


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/metrics", "/v1/logs"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_405_with_allow(hostile, method, path):
    response = http1.request(hostile.otlp_http, method, path, {"Content-Type": PROTOBUF})
    assert response.status == 405
    assert "POST" in response.header("Allow")


# Content types


@pytest.mark.parametrize(
    "content_type",
    [PROTOBUF, "Application/X-Protobuf", PROTOBUF + "; charset=utf-8", PROTOBUF + ";messageType=x"],
)
def test_protobuf_is_recognised_as(hostile, content_type):
    otlp.assert_success(hostile.post(rows.body_of(content_type), headers={"Content-Type": content_type}))
    assert len(rows.stored(hostile, content_type)) == 1


@pytest.mark.parametrize("content_type", [JSON, "APPLICATION/JSON", JSON + "; charset=utf-8"])
def test_json_is_recognised_as(hostile, content_type):
    otlp.assert_success(hostile.post(b"{}", headers={"Content-Type": content_type}), JSON)


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/protobuf", "application/octet-stream", "x"]
)
def test_an_unusable_content_type_is_415(hostile, content_type):
    name = f"type {content_type}"
    assert hostile.post(rows.body_of(name), headers={"Content-Type": content_type}).status == 415
    assert rows.stored(hostile, name) == []


def test_grpc_over_http_1_1_is_refused(hostile):
    """gRPC needs HTTP/2; both statuses say so, and neither makes an exporter try again."""
    response = hostile.post(rows.body_of("grpc"), headers={"Content-Type": "application/grpc"})
    assert response.status in (415, 505)
    assert rows.stored(hostile, "grpc") == []


# Content encodings


def raw_deflate(body):
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


def two_members(body):
    return gzip.compress(body[:20]) + gzip.compress(body[20:])


def two_frames(body):
    return zstandard.compress(body[:20]) + zstandard.compress(body[20:])


ENCODINGS = {
    "gzip": ("gzip", gzip.compress),
    "gzip in capitals": ("GZIP", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "gzip with two members": ("gzip", two_members),
    "identity": ("identity", bytes),
    "empty": ("", bytes),
    "deflate": ("deflate", zlib.compress),
    "deflate without zlib framing": ("deflate", raw_deflate),
    "zstd": ("zstd", zstandard.compress),
    "zstd with two frames": ("zstd", two_frames),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_body_is_decoded_as(hostile, name):
    encoding, encode = ENCODINGS[name]
    otlp.assert_success(hostile.post(encode(rows.body_of(name)), headers={"Content-Encoding": encoding}))
    assert len(rows.stored(hostile, name)) == 1


@pytest.mark.parametrize("encoding", ["br", "lz4", "snappy", "compress", "gzip, gzip", "unknown"])
def test_an_unknown_encoding_is_415_and_says_what_is_taken(hostile, encoding):
    response = hostile.post(rows.body_of(encoding), headers={"Content-Encoding": encoding})
    assert response.status == 415
    assert {"gzip", "zstd"} <= {word.strip() for word in response.header("Accept-Encoding").split(",")}
    assert rows.stored(hostile, encoding) == []


def flip(body, position):
    return body[:position] + bytes([body[position] ^ 0xFF]) + body[position:][1:]


DAMAGED = {
    "gzip with a wrong checksum": ("gzip", lambda body: flip(gzip.compress(body), -8)),
    "gzip with a wrong size": ("gzip", lambda body: flip(gzip.compress(body), -4)),
    "gzip without its trailer": ("gzip", lambda body: gzip.compress(body)[:-8]),
    "gzip cut in the middle": ("gzip", lambda body: gzip.compress(body)[:20]),
    "gzip cut in the header": ("gzip", lambda body: gzip.compress(body)[:5]),
    "gzip with bytes after the last member": ("gzip", lambda body: gzip.compress(body) + b"more"),
    "gzip with a zero byte after the last member": ("gzip", lambda body: gzip.compress(body) + b"\0"),
    "gzip of nothing at all": ("gzip", lambda body: b""),
    "gzip that is none": ("gzip", bytes),
    "deflate cut in the middle": ("deflate", lambda body: zlib.compress(body)[:20]),
    "deflate with a wrong checksum": ("deflate", lambda body: flip(zlib.compress(body), -1)),
    "deflate that is none": ("deflate", lambda body: b"\xff" * 40),
    "zstd cut in the middle": ("zstd", lambda body: zstandard.compress(body)[:20]),
    "zstd that is none": ("zstd", bytes),
    "zstd with bytes after the last frame": ("zstd", lambda body: zstandard.compress(body) + b"more"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_body_is_400(hostile, name):
    encoding, damage = DAMAGED[name]
    response = hostile.post(damage(rows.body_of(name)), headers={"Content-Encoding": encoding})
    assert response.status == 400
    assert otlp.status_of(response)[0] == 3
    assert rows.stored(hostile, name) == []


# Sizes


def test_a_declared_length_over_the_limit_is_413_before_the_body(hostile, request_limit):
    with http1.Connection(hostile.otlp_http) as connection:
        headers = {"Content-Type": PROTOBUF, "Content-Length": str(request_limit + 1)}
        connection.send_request("POST", "/v1/traces", headers)
        response = connection.read_response()
        assert response.status == 413
        assert otlp.status_of(response)[0] == 8
        assert connection.is_closed_by_server()


def test_a_declared_length_over_the_limit_gets_no_100_continue(hostile, request_limit):
    with http1.Connection(hostile.otlp_http) as connection:
        headers = {"Content-Type": PROTOBUF, "Content-Length": str(request_limit + 1), "Expect": "100-continue"}
        connection.send_request("POST", "/v1/traces", headers)
        assert connection.read_interim().status == 413
        assert connection.is_closed_by_server()


@pytest.mark.parametrize("length", [2**31, 2**32, 2**63 - 1])
def test_a_huge_declared_length_is_413(hostile, length):
    with http1.Connection(hostile.otlp_http) as connection:
        connection.send_request("POST", "/v1/traces", {"Content-Type": PROTOBUF, "Content-Length": str(length)})
        assert connection.read_response().status == 413


def test_a_chunked_body_over_the_limit_is_413_while_it_arrives(hostile, request_limit):
    with http1.Connection(hostile.otlp_http) as connection:
        headers = {"Content-Type": PROTOBUF, "Transfer-Encoding": "chunked"}
        connection.send_request("POST", "/v1/traces", headers)
        # There is no last chunk: only a server that counts while it reads can answer.
        connection.send_as_far_as_accepted(http1.chunked(bytes(request_limit + 65536), 65536)[:-5])
        assert connection.read_response().status == 413


@pytest.mark.parametrize(
    "encoding, encode", [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstandard.compress)]
)
def test_a_body_that_decompresses_over_the_limit_is_413(hostile, request_limit, encoding, encode):
    response = hostile.post(encode(bytes(request_limit * 64)), headers={"Content-Encoding": encoding})
    assert response.status == 413
    assert otlp.status_of(response)[0] == 8


def test_a_body_of_exactly_the_limit_is_taken(hostile, request_limit):
    name = "exactly"
    frame = len(rows.body_of(name, rows.padding(1 << 16))) - (1 << 16)
    body = rows.body_of(name, rows.padding(request_limit - frame))
    # A length prefix can grow by a byte on the way to the limit.
    body = rows.body_of(name, rows.padding(request_limit - frame - (len(body) - request_limit)))
    assert len(body) == request_limit
    otlp.assert_success(hostile.post(body))
    otlp.assert_success(hostile.post(gzip.compress(body), headers={"Content-Encoding": "gzip"}))
    assert len(rows.stored(hostile, name)) == 1


# Transfer


def test_chunks_may_be_of_any_size_and_carry_extensions_and_trailers(hostile):
    name = "chunks"
    body = http1.chunked(rows.body_of(name), 7, ';name="quoted; text"', b"X-Checksum: 1\r\n")
    otlp.assert_success(hostile.post(body, headers={"Transfer-Encoding": "chunked"}))
    assert len(rows.stored(hostile, name)) == 1


def test_a_body_may_arrive_byte_by_byte(hostile):
    name = "bytes"
    with http1.Connection(hostile.otlp_http) as connection:
        for byte in http1.encode_request(
            "POST", "/v1/traces", hostile.otlp_http, {"Content-Type": PROTOBUF}, rows.body_of(name)
        ):
            connection.send(bytes([byte]))
        otlp.assert_success(connection.read_response())
    assert len(rows.stored(hostile, name)) == 1


def test_a_connection_is_kept_for_further_requests(hostile):
    with http1.Connection(hostile.otlp_http) as connection:
        for number in range(20):
            connection.send_request("POST", "/v1/traces", {"Content-Type": PROTOBUF}, rows.body_of(f"kept {number}"))
            otlp.assert_success(connection.read_response())


def test_pipelined_requests_are_answered_in_order(hostile):
    with http1.Connection(hostile.otlp_http) as connection:
        for path in ["/v1/traces", "/unknown", "/v1/traces", "/v1/traces?x"] * 10:
            connection.send_request("POST", path, {"Content-Type": PROTOBUF}, rows.body_of("pipelined"))
        answers = [connection.read_response().status for _ in range(40)]
    assert answers == [200, 404, 200, 200] * 10


def test_http_1_0_is_answered_and_closed(hostile):
    name = "http/1.0"
    body = rows.body_of(name)
    head = f"POST /v1/traces HTTP/1.0\r\nContent-Type: {PROTOBUF}\r\nContent-Length: {len(body)}\r\n\r\n"
    with http1.Connection(hostile.otlp_http) as connection:
        connection.send(head.encode() + body)
        otlp.assert_success(connection.read_response())
        assert connection.is_closed_by_server()
    assert len(rows.stored(hostile, name)) == 1


def test_http_1_0_may_ask_to_keep_the_connection(hostile):
    body = rows.body_of("http/1.0")
    headers = f"Connection: keep-alive\r\nContent-Type: {PROTOBUF}\r\nContent-Length: {len(body)}\r\n"
    head = f"POST /v1/traces HTTP/1.0\r\n{headers}\r\n"
    with http1.Connection(hostile.otlp_http) as connection:
        for _ in range(2):
            connection.send(head.encode() + body)
            response = connection.read_response()
            otlp.assert_success(response)
            assert response.header("Connection").lower() == "keep-alive"


def test_connection_close_is_obeyed(hostile):
    with http1.Connection(hostile.otlp_http) as connection:
        headers = {"Content-Type": PROTOBUF, "Connection": "close"}
        connection.send_request("POST", "/v1/traces", headers, rows.body_of("close"))
        otlp.assert_success(connection.read_response())
        assert connection.is_closed_by_server()


def test_expect_100_continue_is_answered_before_the_body(hostile):
    name = "expect"
    body = rows.body_of(name)
    with http1.Connection(hostile.otlp_http) as connection:
        headers = {"Content-Type": PROTOBUF, "Expect": "100-continue", "Content-Length": str(len(body))}
        connection.send_request("POST", "/v1/traces", headers)
        assert connection.read_interim().status == 100
        connection.send(body)
        otlp.assert_success(connection.read_response())
    assert len(rows.stored(hostile, name)) == 1


def test_an_absolute_target_is_reduced_to_its_path(hostile):
    name = "absolute"
    target = f"http://{hostile.otlp_http[0]}:{hostile.otlp_http[1]}/v1/traces"
    otlp.assert_success(hostile.post(rows.body_of(name), target))
    assert len(rows.stored(hostile, name)) == 1


def test_a_request_to_upgrade_to_h2c_is_served_as_http_1_1(hostile):
    headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"}
    otlp.assert_success(hostile.post(rows.body_of("upgrade"), headers=headers))


def test_a_client_that_leaves_in_the_middle_of_a_body_stores_nothing(hostile):
    name = "leaves"
    body = rows.body_of(name)
    with http1.Connection(hostile.otlp_http) as connection:
        request = http1.encode_request("POST", "/v1/traces", hostile.otlp_http, {"Content-Type": PROTOBUF}, body)
        connection.send(request[:-1])
    rows.assert_serves(hostile)
    assert rows.stored(hostile, name) == []


# Empty requests


@pytest.mark.parametrize(
    "content_type, body", [(PROTOBUF, b""), (JSON, b"{}"), (JSON, b'{"resourceSpans":[]}'), (JSON, b" \r\n{ }\t")]
)
def test_an_empty_request_is_a_success(hostile, content_type, body):
    otlp.assert_success(hostile.post(body, headers={"Content-Type": content_type}), content_type)


@pytest.mark.parametrize("body", [b"", b" ", b"\r\n"])
def test_a_json_body_without_a_document_is_400(hostile, body):
    response = hostile.post(body, headers={"Content-Type": JSON})
    assert response.status == 400
    assert otlp.status_of(response)[0] == 3
