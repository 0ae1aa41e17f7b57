"""docs/wire.md, "Limits": deadlines, connections, bytes in flight, each with a small configured limit."""

import contextlib
import select
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
        # Senders of OTLP try again after 503, and not after 408.
        assert (response.status, response.header("Retry-After")) == (503, "1")
        assert connection.is_closed_by_server()
    rows.assert_serves(impatient)


def test_a_grpc_body_that_stops_coming_ends_the_call_and_not_the_connection(impatient):
    with http2.connect(impatient.otlp_grpc) as connection:
        number = connection.open_stream(connection.grpc_headers())
        connection.send_data(number, http2.grpc_message(rows.GOOD_BODY)[:-1], end=False)
        answer = connection.wait(number)
        assert answer.reset_code is not None or answer.grpc_status not in (None, 0)


@pytest.fixture
def strict(start):
    """Bodies may pause for as long as they like, but not last."""
    return start("--set", "limits.body_deadline=300ms")


def until_answered(connection, piece, seconds=10):
    """Sends a piece again and again until the server answers; returns how many it took."""
    pieces, deadline = 0, time.monotonic() + seconds
    while not select.select([connection.socket], [], [], 0.01)[0]:
        assert time.monotonic() < deadline, "the server takes a trickle for ever"
        connection.send(piece)
        pieces += 1
    return pieces


def test_a_body_that_trickles_is_503_and_gives_its_bytes_back(strict):
    with http1.Connection(strict.otlp_http) as connection:
        connection.send(HEAD + b"Content-Length: 60000000\r\n\r\n" + bytes(1 << 20))
        strict.wait_for_metric("fulgurite_in_flight_bytes", lambda value: value >= 1 << 20)
        assert until_answered(connection, b"x") > 1
        response = connection.read_response()
        assert (response.status, response.header("Connection")) == (503, "close")
        assert otlp.status_of(response)[0] == 4
        assert connection.is_closed_by_server()
    assert strict.metric("fulgurite_in_flight_bytes") == 0
    assert strict.metrics()['fulgurite_requests_refused_total{reason="timeout"}'] == 1
    assert strict.metric("fulgurite_connection_timeouts_total") == 1
    rows.assert_serves(strict)


def test_a_chunked_body_of_a_discarded_signal_that_trickles_is_503(strict):
    with http1.Connection(strict.otlp_http) as connection:
        connection.send(HEAD.replace(b"traces", b"metrics") + b"Transfer-Encoding: chunked\r\n\r\n")
        until_answered(connection, b"1\r\nx\r\n")
        assert connection.read_response().status == 503
        assert connection.is_closed_by_server()


def test_a_grpc_body_that_trickles_ends_the_call_and_not_the_connection(strict):
    with http2.connect(strict.otlp_grpc) as connection:
        number = connection.open_stream(connection.grpc_headers())
        piece = http2.frames.DataFrame(number, b"\0").serialize()
        connection.send_data(number, http2.grpc_message(b"", size=60_000_000), end=False)
        until_answered(connection, piece)
        answer = connection.wait(number)
        assert (answer.grpc_status, answer.reset_code) in [(4, None), (4, http2.NO_ERROR)]
        sending.assert_grpc_success(connection.call(http2.grpc_message(rows.GOOD_BODY)))
    assert strict.metrics()['fulgurite_requests_refused_total{reason="timeout"}'] == 1


def test_large_bodies_leave_room_for_small_ones(start):
    """A few slow senders of large bodies cannot hold all that may be in flight, so small exports go on."""
    server = start("--set", "limits.in_flight_bytes=8MiB", "--set", "limits.request_bytes=2MiB")
    body = rows.body_of("large", rows.padding(1_900_000))
    request = http1.encode_request("POST", "/v1/traces", server.otlp_http, {"Content-Type": PROTOBUF}, body)
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(http1.Connection(server.otlp_http)) for _ in range(3)]
        for connection in slow:
            connection.send(request[:-1])
        server.wait_for_metric("fulgurite_in_flight_bytes", lambda value: value >= 3 * 1_900_000)
        # One more is too many, over both transports.
        assert server.post(body).status == 503
        answer = http2.grpc_call(server.otlp_grpc, http2.grpc_message(body))
        assert answer.grpc_status == 14
        # There is room for small ones, also for several at once.
        small = rows.body_of("small", rows.padding(1_000_000))
        held = http1.encode_request("POST", "/v1/traces", server.otlp_http, {"Content-Type": PROTOBUF}, small)
        holder = stack.enter_context(http1.Connection(server.otlp_http))
        holder.send(held[:-1])
        server.wait_for_metric("fulgurite_in_flight_bytes", lambda value: value >= 3 * 1_900_000 + 1_000_000)
        otlp.assert_success(server.post(small))
        sending.assert_grpc_success(http2.grpc_call(server.otlp_grpc, http2.grpc_message(small)))
        for connection, piece in [(holder, held), *[(connection, request) for connection in slow]]:
            connection.send(piece[-1:])
            otlp.assert_success(connection.read_response())
    otlp.assert_success(server.post(body))


def test_trickling_bodies_hold_the_bytes_in_flight_for_no_longer_than_the_deadline(start):
    server = start(
        *("--set", "limits.in_flight_bytes=4MiB"),
        *("--set", "limits.request_bytes=1MiB"),
        *("--set", "limits.body_deadline=500ms"),
    )
    body = rows.body_of("deadline", rows.padding(1_000_000))
    request = http1.encode_request("POST", "/v1/traces", server.otlp_http, {"Content-Type": PROTOBUF}, body)
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(http1.Connection(server.otlp_http)).send(request[:-1])
        server.wait_for_metric("fulgurite_in_flight_bytes", lambda value: value >= 4_000_000)
        sending.post_until_accepted(server, rows.body_of("other", rows.padding(500_000)), attempts=100_000)


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
