"""Values of metrics that nothing else looks at."""

import contextlib
import os
import struct

from harness import http1, http2, otlp, rows, wire
from harness import server as program


def test_the_database_has_the_size_of_its_file(start):
    server = start()
    otlp.assert_success(server.post(rows.body_of("size", wire.blob(999, os.urandom(2 << 20)))))
    # The end of a server moves everything from the log into the file.
    assert server.stop() == 0
    server = start()
    file = server.data / "fulgurite.db"
    server.wait_for_metric("fulgurite_database_bytes", lambda value: value == file.stat().st_size)
    assert file.stat().st_size > 1 << 20


def test_commits_are_counted_and_timed(server):
    before = server.metric("fulgurite_commit_seconds_count")
    for number in range(5):
        otlp.assert_success(server.post(rows.body_of(f"commit {number}")))
    # Each was acknowledged before the next was sent, so that no two share a commit.
    assert server.metric("fulgurite_commit_seconds_count") >= before + 5
    assert 0 < server.metric("fulgurite_commit_seconds_sum") < 60 * server.metric("fulgurite_commit_seconds_count")


def test_refused_connections_are_counted(start):
    server = start("--set", "limits.connections=5")

    def metrics_over(connection):
        connection.send_request("GET", "/metrics")
        return program.parse_metrics(connection.read_response().body.decode())

    # A connection of its own would be refused, until the server has seen the others end.
    with http1.Connection(server.api) as probe:
        metrics_over(probe)
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(http1.Connection(server.otlp_http))
            with http1.Connection(server.otlp_http) as surplus:
                assert surplus.read_response().status == 503
        while metrics_over(probe)["fulgurite_connections_open"] > 1:
            pass
        assert metrics_over(probe)["fulgurite_connections_refused_total"] == 1


def test_malformed_requests_are_counted(server):
    for _ in range(3):
        with http1.Connection(server.otlp_http) as connection:
            connection.send(b"GET / HTTP/1.1\r\nHost : a\r\n\r\n")
            assert connection.read_response().status == 400
    assert server.metric("fulgurite_malformed_requests_total") == 3


def test_floods_are_counted(server):
    with http2.connect(server.otlp_grpc) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for number in range(1, 20_001, 2):
                block = connection.encoder.encode(connection.grpc_headers())
                reset = http2.frames.RstStreamFrame(number, error_code=8).serialize()
                connection.send(struct.pack(">I", len(block))[1:] + bytes([1, 4]) + struct.pack(">I", number) + block + reset)
        assert connection.wait_for_end() == http2.ENHANCE_YOUR_CALM
    assert server.metric("fulgurite_http2_floods_total") == 1
