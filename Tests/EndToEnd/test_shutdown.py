"""The server ends when it is told to, after what was in flight, and one server owns a data folder."""

import contextlib
import os
import pty
import select
import signal
import time

import pytest
from harness import database, http1, http2, otlp, paths, rows, sending, wire
from harness import server as program

PROTOBUF = "application/x-protobuf"


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_cleanly(start, signal_number):
    server = start()
    otlp.assert_success(server.post(rows.body_of("kept")))
    assert server.stop(signal_number) == 0
    assert database.integrity(server.data) == ["ok"]
    # A clean stop leaves one file: the log is checkpointed into the database.
    assert not list(server.data.rglob("*-wal"))
    assert len(rows.stored(start(), "kept")) == 1


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_server_at_once(start, signal_number):
    server = start()
    otlp.assert_success(server.post(rows.body_of("kept")))
    with http1.Connection(server.otlp_http) as busy, http1.Connection(server.otlp_http) as idle:
        # What would hold it for the whole of the deadline.
        begin_request(busy, 10)
        os.kill(server.pid, signal_number)
        assert idle.is_closed_by_server()
        os.kill(server.pid, signal_number)
        assert server.wait() == 128 + signal_number
    assert len(rows.stored(start(), "kept")) == 1


def start_in_a_terminal(tmp_path, hangup):
    """A server whose only terminal is ours; returns its process id, the terminal, and its log."""
    log = tmp_path / "log"
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, hangup)
        os.dup2(os.open(log, os.O_CREAT | os.O_WRONLY), 2)
        arguments = program.with_free_ports(["serve", "--data", str(tmp_path / "data")])
        os.execve(paths.BINARY, [str(paths.BINARY), *arguments], program.clean_environment())
    output = b""
    while b'"event":"ready"' not in output:
        assert select.select([terminal], [], [], program.READY_SECONDS)[0], output
        output += os.read(terminal, 4096)
    return pid, terminal, log


def test_the_end_of_its_terminal_stops_the_server_cleanly(tmp_path):
    pid, terminal, _ = start_in_a_terminal(tmp_path, signal.SIG_DFL)
    os.close(terminal)
    # The shell tells of it as well as the kernel; that is no second request to stop.
    for _ in range(20):
        os.kill(pid, signal.SIGHUP)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert not list(tmp_path.rglob("*-wal"))


def test_a_server_under_nohup_outlives_its_terminal(tmp_path):
    pid, terminal, log = start_in_a_terminal(tmp_path, signal.SIG_IGN)
    os.close(terminal)
    deadline = time.monotonic() + program.STOP_SECONDS
    while "read again" not in log.read_text() and time.monotonic() < deadline:
        os.kill(pid, signal.SIGHUP)
    assert "read again" in log.read_text()
    os.kill(pid, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert "SIGTERM" in log.read_text()


def begin_request(connection, length):
    """Sends a head and waits until the server asks for the body: from then on the request is in flight."""
    headers = {"Content-Type": PROTOBUF, "Content-Length": str(length), "Expect": "100-continue"}
    connection.send_request("POST", "/v1/traces", headers)
    assert connection.read_interim().status == 100


def test_a_request_in_flight_is_finished_before_the_server_ends(start):
    server = start()
    body = rows.body_of("in flight")
    with http1.Connection(server.otlp_http) as busy, http1.Connection(server.otlp_http) as idle:
        begin_request(busy, len(body))
        os.kill(server.pid, signal.SIGTERM)
        # The idle connection is closed at once, which shows that the shutdown has begun.
        assert idle.is_closed_by_server()
        busy.send(body)
        otlp.assert_success(busy.read_response())
    assert server.wait() == 0
    assert len(rows.stored(start(), "in flight")) == 1


def test_a_grpc_client_gets_goaway_and_its_call_is_finished(start):
    server = start()
    with http2.connect(server.otlp_grpc) as connection:
        number = connection.open_stream(connection.grpc_headers())
        framed = http2.grpc_message(rows.body_of("goaway"))
        connection.send_data(number, framed[:-1], end=False)
        connection.ping()
        os.kill(server.pid, signal.SIGTERM)
        connection.read_until(lambda: connection.goaway_code is not None)
        assert connection.goaway_code == http2.NO_ERROR
        connection.send_data(number, framed[-1:])
        sending.assert_grpc_success(connection.wait(number))
    assert server.wait() == 0
    assert len(rows.stored(start(), "goaway")) == 1


def test_a_large_request_that_is_being_decoded_is_finished_before_the_server_ends(start):
    server = start()
    padding = rows.padding(2000)
    spans = [wire.span(rows.trace_of("large"), number.to_bytes(8, "big"), "s", padding) for number in range(1, 5001)]
    body = wire.request(*spans)
    with http1.Connection(server.otlp_http) as busy, http1.Connection(server.otlp_http) as idle:
        request = http1.encode_request("POST", "/v1/traces", server.otlp_http, {"Content-Type": PROTOBUF}, body)
        busy.send(request[:-1])
        server.wait_for_metric("fulgurite_in_flight_bytes", lambda value: value >= len(body) - 1)
        busy.send(request[-1:])
        os.kill(server.pid, signal.SIGTERM)
        assert idle.is_closed_by_server()
        otlp.assert_success(busy.read_response())
    assert server.wait() == 0
    assert len(rows.stored(start(), "large")) == 5000


def test_a_client_that_never_ends_its_request_does_not_hold_the_server(start):
    server = start("--set", "shutdown.deadline=200ms")
    with http1.Connection(server.otlp_http) as connection:
        begin_request(connection, 10)
        assert server.stop() == 0


def test_a_sender_that_is_cut_off_by_the_end_is_told_to_try_again(start):
    """Nobody sent anything malformed, and what was not stored comes again to the next server."""
    server = start("--set", "shutdown.deadline=1s")
    with http1.Connection(server.otlp_http) as connection, http2.connect(server.otlp_grpc) as call:
        begin_request(connection, 10)
        connection.send(b"half")
        number = call.open_stream(call.grpc_headers())
        call.send_data(number, http2.grpc_message(rows.GOOD_BODY)[:-1], end=False)
        call.ping()
        os.kill(server.pid, signal.SIGTERM)
        response = connection.read_response()
        assert (response.status, response.header("Retry-After")) == (503, "1")
        assert otlp.status_of(response)[0] == 14
        assert call.wait(number).grpc_status == 14
    assert server.wait() == 0
    assert "reason=shutdown" in server.log()
    assert "malformed" not in server.log()


def test_a_sender_of_half_a_head_is_told_to_try_again(start):
    server = start("--set", "shutdown.deadline=300ms")
    with http1.Connection(server.otlp_http) as connection:
        connection.send(b"POST /v1/traces HTTP/1.1\r\nho")
        # The server has read it: a connection behind it was served.
        assert http1.request(server.otlp_http, "GET", "/healthz").status in (200, 404)
        os.kill(server.pid, signal.SIGTERM)
        response = connection.read_response()
    assert (response.status, response.header("Retry-After")) == (503, "1")
    assert server.wait() == 0


def test_a_sender_that_goes_away_has_sent_nothing_malformed(server):
    with http1.Connection(server.otlp_http) as connection:
        begin_request(connection, 10)
        connection.send(b"half")
    server.wait_for_metric('fulgurite_requests_refused_total{reason="disconnected"}', lambda value: value == 1)
    assert server.metric('fulgurite_requests_refused_total{reason="malformed"}') == 0


def test_queries_do_not_hold_the_server_after_the_deadline(start):
    """Both readers run a query, and many more wait; all of them together would take several times longer."""
    readers, queries = 2, 200
    server = start("--set", "shutdown.deadline=0", "--set", f"store.readers={readers}")
    for name in ("one", "two"):
        spans = [wire.span(rows.trace_of(name), number.to_bytes(8, "big"), "s") for number in range(1, 50_001)]
        otlp.assert_success(server.post(wire.request(*spans, resource=wire.rollout_resource("ro-many", "at-1"))))
    path = "/api/v1/rollouts/ro-many/spans?name=none"
    started = time.monotonic()
    assert server.get_json(path)["resourceSpans"] == []
    all_of_them = (time.monotonic() - started) * queries / readers
    with contextlib.ExitStack() as stack:
        for _ in range(queries):
            stack.enter_context(http1.Connection(server.api)).send_request("GET", path)
        server.wait_for_metric("fulgurite_http1_requests_total", lambda value: value >= queries)
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < all_of_them / 2
    assert database.integrity(server.data) == ["ok"]


def test_a_second_server_on_the_same_folder_is_refused(start):
    first = start()
    with pytest.raises(program.StartFailure) as failure:
        start(log=first.data.with_name("second.log"))
    assert failure.value.code > 0
    assert str(first.data) in failure.value.log
    rows.assert_serves(first)


def test_a_folder_is_free_again_after_a_crash(start):
    first = start()
    otlp.assert_success(first.post(rows.body_of("crash")))
    first.kill()
    assert len(rows.stored(start(), "crash")) == 1
