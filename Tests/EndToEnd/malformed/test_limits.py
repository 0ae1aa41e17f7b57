"""docs/wire.md, "Limits": deadlines, connections, bytes in flight, each with a small configured limit."""

import contextlib
import time

import pytest
from harness import http1, http2, otlp, rows, sending

PROTOBUF = "application/x-protobuf"
HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\n"


@pytest.fixture
def impatient(start):
    return start(
        *("--set", "limits.header_timeout=200ms"),
        *("--set", "limits.body_timeout=200ms"),
        *("--set", "limits.idle_timeout=400ms"),
    )


def test_a_header_that_does_not_come_is_408(impatient):
    with http1.Connection(impatient.otlp_http) as connection:
        connection.send(HEAD)
        assert connection.read_response().status == 408
        assert connection.is_closed_by_server()
    rows.assert_serves(impatient)


def test_a_header_that_comes_byte_by_byte_is_408_all_the_same(impatient):
    """The deadline is for the whole header: a byte now and then does not extend it."""
    with http1.Connection(impatient.otlp_http) as connection:
        connection.send(HEAD + b"X-Slow: ")
        connection.socket.settimeout(0.05)
        answer, deadline = b"", time.monotonic() + 5
        while not answer and time.monotonic() < deadline:
            try:
                connection.send(b"x")
                answer = connection.socket.recv(65536)
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                break
        assert answer.startswith(b"HTTP/1.1 408")


def test_a_body_that_stops_coming_ends_the_request(impatient):
    with http1.Connection(impatient.otlp_http) as connection:
        connection.send(HEAD + b"Content-Length: 100\r\n\r\n" + b"x" * 10)
        response = connection.read_response()
        assert response.status in (400, 408)
        assert connection.is_closed_by_server()
    rows.assert_serves(impatient)


def test_a_grpc_body_that_stops_coming_ends_the_call_and_not_the_connection(impatient):
    with http2.connect(impatient.otlp_grpc) as connection:
        number = connection.open_stream(connection.grpc_headers())
        connection.send_data(number, http2.grpc_message(rows.GOOD_BODY)[:-1], end=False)
        answer = connection.wait(number)
        assert answer.reset_code is not None or answer.grpc_status not in (None, 0)


def test_an_idle_connection_is_closed_without_an_answer(impatient):
    with http1.Connection(impatient.otlp_http) as connection:
        assert connection.is_closed_by_server()
    with http1.Connection(impatient.otlp_http) as connection:
        connection.send_request("POST", "/v1/traces", {"Content-Type": PROTOBUF}, rows.GOOD_BODY)
        otlp.assert_success(connection.read_response())
        assert connection.is_closed_by_server()


def test_an_idle_http2_connection_is_closed_with_goaway(impatient):
    with http2.connect(impatient.otlp_grpc) as connection:
        assert connection.wait_for_end() == http2.NO_ERROR


def test_connections_over_the_limit_are_refused_and_served_again_later(start):
    server = start("--set", "limits.connections=4")
    held = [http1.Connection(server.otlp_http) for _ in range(4)]
    for connection in held:
        connection.send_request("POST", "/v1/traces", {"Content-Type": PROTOBUF}, rows.GOOD_BODY)
        otlp.assert_success(connection.read_response())
    with http1.Connection(server.otlp_http) as connection:
        connection.send_request("POST", "/v1/traces", {"Content-Type": PROTOBUF}, rows.GOOD_BODY)
        with contextlib.suppress(ConnectionResetError):
            assert connection.read_response().status == 503
    # Asking for a close and seeing it happen makes sure that the server has let go.
    for connection in held:
        connection.send_request("POST", "/v1/traces", {"Content-Type": PROTOBUF, "Connection": "close"}, rows.GOOD_BODY)
        otlp.assert_success(connection.read_response())
        assert connection.is_closed_by_server()
        connection.close()
    sending.post_until_accepted(server, rows.body_of("later"))


def test_requests_over_the_bytes_in_flight_are_503_with_retry_after(start):
    """Bodies that have arrived but not ended hold the budget; a further request does not get any."""
    server = start("--set", "limits.in_flight_bytes=1MiB", "--set", "limits.request_bytes=1MiB")
    body = rows.body_of("in flight", rows.padding(900_000))
    with http1.Connection(server.otlp_http) as holder, http1.Connection(server.otlp_http) as other:
        request = http1.encode_request("POST", "/v1/traces", server.otlp_http, {"Content-Type": PROTOBUF}, body)
        holder.send(request[:-1])
        server.wait_for_metric("fulgurite_in_flight_bytes", lambda value: value > 500_000)
        other.send_as_far_as_accepted(request)
        response = other.read_response()
        assert response.status == 503
        assert int(response.header("Retry-After")) >= 1
        assert otlp.status_of(response)[0] == 14
        assert rows.stored(server, "in flight") == []
        holder.send(request[-1:])
        otlp.assert_success(holder.read_response())
    otlp.assert_success(server.post(body))
    assert len(rows.stored(server, "in flight")) == 1
