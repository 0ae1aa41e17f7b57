"""docs/wire.md, "HTTP safety": requests that could be read in two ways are refused and the connection closed."""

import pytest
from harness import http1, otlp, rows

POST = b"POST /v1/traces HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"
TYPE = b"Content-Type: application/x-protobuf\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
END = b"\r\n"

# name: (the exact bytes, the status that answers them)
ROWS = {
    "two different lengths": (POST + HOST + TYPE + b"Content-Length: 0\r\nContent-Length: 5\r\n" + END, 400),
    "two lengths in one header": (POST + HOST + TYPE + b"Content-Length: 0, 5\r\n" + END, 400),
    "a negative length": (POST + HOST + TYPE + b"Content-Length: -1\r\n" + END, 400),
    "a length with a plus sign": (POST + HOST + TYPE + b"Content-Length: +0\r\n" + END, 400),
    "a length in hexadecimal": (POST + HOST + TYPE + b"Content-Length: 0x0\r\n" + END, 400),
    "a length that is no number": (POST + HOST + TYPE + b"Content-Length: ten\r\n" + END, 400),
    "a length beyond 64 bits": (POST + HOST + TYPE + b"Content-Length: 99999999999999999999\r\n" + END, 400),
    "length and chunked": (POST + HOST + TYPE + b"Content-Length: 5\r\n" + CHUNKED + END + b"0\r\n\r\n", 400),
    "chunked and length": (POST + HOST + TYPE + CHUNKED + b"Content-Length: 5\r\n" + END + b"0\r\n\r\n", 400),
    "a space before the colon": (POST + HOST + TYPE + b"Content-Length : 0\r\n" + END, 400),
    "a NUL in a value": (POST + HOST + TYPE + b"X-Text: a\0b\r\n" + END, 400),
    "a NUL in a name": (POST + HOST + TYPE + b"X-\0: a\r\n" + END, 400),
    "no Host": (POST + TYPE + b"Content-Length: 0\r\n" + END, 400),
    "a header without a colon": (POST + HOST + TYPE + b"broken\r\n" + END, 400),
    "a header without a name": (POST + HOST + TYPE + b": value\r\n" + END, 400),
    "a folded header": (POST + HOST + TYPE + b"X-Text: a\r\n b\r\nContent-Length: 0\r\n" + END, 400),
    "a bare line feed in the headers": (POST + HOST + TYPE + b"X-Text: a\nContent-Length: 0\r\n" + END, 400),
    "an unknown transfer coding": (POST + HOST + TYPE + b"Transfer-Encoding: gzip\r\n" + END, 501),
    "chunked is not the last coding": (POST + HOST + TYPE + b"Transfer-Encoding: chunked, gzip\r\n" + END, (400, 501)),
    "a chunk size that is no number": (POST + HOST + TYPE + CHUNKED + END + b"xyz\r\n", 400),
    "a negative chunk size": (POST + HOST + TYPE + CHUNKED + END + b"-1\r\n", 400),
    "a chunk size beyond 64 bits": (POST + HOST + TYPE + CHUNKED + END + b"fffffffffffffffff\r\n", 400),
    "a chunk longer than its size": (POST + HOST + TYPE + CHUNKED + END + b"1\r\nab\r\n0\r\n\r\n", 400),
    "version 2.0 in a request line": (b"POST /v1/traces HTTP/2.0\r\n" + HOST + END, 505),
    "version 3.0 in a request line": (b"POST /v1/traces HTTP/3.0\r\n" + HOST + END, 505),
    "an unknown method": (b"BREW /v1/traces HTTP/1.1\r\n" + HOST + END, 501),
    "a method in lower case": (b"post /v1/traces HTTP/1.1\r\n" + HOST + TYPE + END, 501),
    "a method that is no token": (b"P@ST /v1/traces HTTP/1.1\r\n" + HOST + TYPE + END, 400),
    # Without a version it is HTTP/0.9.
    "no version in a request line": (b"POST /v1/traces\r\n" + HOST + END, (400, 505)),
    "no request at all": (b"\0\1\2\3\4\5\6\7\r\n\r\n", 400),
    "a TLS client hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32), 400),
    "a space in the target": (b"POST /v1 /traces HTTP/1.1\r\n" + HOST + END, 400),
}


@pytest.mark.parametrize("name", ROWS)
def test_is_refused_and_closed(hostile, name):
    request, expected = ROWS[name]
    with http1.Connection(hostile.otlp_http) as connection:
        connection.send(request)
        response = connection.read_response()
        assert response.status in (expected if isinstance(expected, tuple) else (expected,))
        assert connection.is_closed_by_server()


def test_the_same_length_twice_means_that_length(hostile):
    """RFC 9110 8.6 lets a recipient take repeated equal lengths or refuse them; a second reading it may not have."""
    body = rows.body_of("twice")
    length = f"Content-Length: {len(body)}\r\n".encode()
    with http1.Connection(hostile.otlp_http) as connection:
        connection.send(POST + HOST + TYPE + length + length + END + body)
        response = connection.read_response()
        if response.status == 200:
            assert len(rows.stored(hostile, "twice")) == 1
        else:
            assert response.status == 400
            assert connection.is_closed_by_server()


def test_what_follows_a_refused_request_is_not_read_as_a_request(hostile):
    """The body of the first could hold a second request that a proxy in front did not see."""
    smuggled = http1.encode_request(
        "POST", "/v1/traces", hostile.otlp_http, {"Content-Type": "application/x-protobuf"}, rows.body_of("smuggled")
    )
    with http1.Connection(hostile.otlp_http) as connection:
        connection.send(POST + HOST + TYPE + b"Content-Length: 5\r\n" + CHUNKED + END + b"0\r\n\r\n" + smuggled)
        assert connection.read_response().status == 400
        assert connection.is_closed_by_server()
    assert rows.stored(hostile, "smuggled") == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({f"X-{number}": "x" for number in range(300)}, id="too many"),
        pytest.param({"X-Long": "x" * 100_000}, id="one too long"),
        pytest.param({f"X-{number}": "x" * 1000 for number in range(100)}, id="too long together"),
    ],
)
def test_headers_over_the_limit_are_431(hostile, headers):
    with http1.Connection(hostile.otlp_http) as connection:
        connection.send_as_far_as_accepted(http1.encode_request("POST", "/v1/traces", hostile.otlp_http, headers, b""))
        assert connection.read_response().status == 431
        assert connection.is_closed_by_server()


def test_a_target_over_the_limit_is_refused(hostile):
    with http1.Connection(hostile.otlp_http) as connection:
        connection.send_as_far_as_accepted(b"POST /" + b"x" * 200_000 + b" HTTP/1.1\r\n")
        assert connection.read_response().status in (414, 431)
        assert connection.is_closed_by_server()


def test_headers_within_the_limit_are_taken(hostile):
    headers = {f"X-{number}": "x" * 200 for number in range(150)}
    otlp.assert_success(hostile.post(rows.body_of("headers"), headers=headers))
