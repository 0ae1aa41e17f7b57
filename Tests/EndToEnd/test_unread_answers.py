"""Clients that ask and do not read: what is rendered for them is bounded over all of them, and others are served."""

import contextlib
import json

import pytest
from harness import http1, http2, otlp, rows, wire

CONNECTIONS, STREAMS = 4, 256
# As many spans as make an answer of several pieces.
SPANS, SPAN_BYTES = 120, 20_000
PATH = "/api/v1/rollouts/slow/spans"


def fill(server):
    extra = [wire.attribute("text", wire.string_value("x" * SPAN_BYTES))]
    spans = [wire.span(rows.trace_of("slow"), number.to_bytes(8, "big"), "s", *extra) for number in range(1, SPANS + 1)]
    otlp.assert_success(server.post(wire.request(*spans, resource=wire.rollout_resource("slow", "at-1"))))
    return len(server.get(PATH).body)


def ask_without_reading(stack, server):
    """Streams whose windows stay closed."""
    connection = stack.enter_context(http2.Connection(server.api))
    connection.start({http2.frames.SettingsFrame.INITIAL_WINDOW_SIZE: 0})
    head = [(":method", "GET"), (":scheme", "http"), (":authority", "x"), (":path", PATH)]
    for _ in range(STREAMS):
        connection.open_stream(head, end=True)
    connection.ping()
    return connection


@pytest.mark.parametrize("limit", [64 << 20, 16 << 20])
def test_answers_that_nobody_reads_are_bounded_and_others_are_served(start, limit):
    server = start("--set", f"limits.answer_bytes={limit}")
    size = fill(server)
    before = server.resident_bytes()
    with contextlib.ExitStack() as stack:
        # Begun before, and read after.
        early = stack.enter_context(http1.Connection(server.api))
        early.send_request("GET", PATH)
        for _ in range(CONNECTIONS):
            ask_without_reading(stack, server)
        server.wait_for_metric("fulgurite_unsent_answer_bytes", lambda value: value >= limit // 4)
        # One that reads, on a connection of its own, while the others read nothing.
        for _ in range(5):
            assert len(server.get(PATH).body) == size
        assert len(early.read_response().body) == size
        # An eighth for each connection, and an answer with its pieces ahead beyond.
        assert server.metric("fulgurite_unsent_answer_bytes") <= limit * CONNECTIONS // 8 + CONNECTIONS * (2 << 20)
        # Without a bound it was 1 MB for each of the streams.
        assert server.peak_resident_bytes() - before < 160_000_000
    server.wait_for_metric("fulgurite_unsent_answer_bytes", lambda value: value == 0)
    assert len(server.get(PATH).body) == size


def test_when_everything_is_taken_a_query_is_told_to_come_again(start):
    server = start("--set", "limits.answer_bytes=1MiB")
    size = fill(server)
    with contextlib.ExitStack() as stack:
        connections = [ask_without_reading(stack, server) for _ in range(CONNECTIONS)]
        server.wait_for_metric("fulgurite_unsent_answer_bytes", lambda value: value >= 1 << 20)
        refused = server.get(PATH)
        assert (refused.status, refused.header("Retry-After")) == (503, "1")
        assert "clients that do not read" in refused.json()["error"]["message"]
        # Those who send are none of this.
        otlp.assert_success(server.post(rows.GOOD_BODY))
        # An answer that has begun goes on as soon as it is read, and the others of its connection after it.
        begun = connections[0]
        begun.send_frame(http2.frames.WindowUpdateFrame(1, window_increment=size))
        assert len(begun.wait(1).data) == size
    server.wait_for_metric("fulgurite_unsent_answer_bytes", lambda value: value == 0)
    assert len(server.get(PATH).body) == size


RESOURCE_BYTES, ASKED = 8 << 20, 60
RESOURCE = "/v1/agl/resources/latest"


def fill_resource(server):
    """One set of resources of eight megabytes, which an answer holds as a whole."""
    template = {"resource_type": "prompt_template", "template": "x" * RESOURCE_BYTES, "engine": "f-string"}
    body = json.dumps({"main": template}).encode()
    added = http1.request(server.api, "POST", "/v1/agl/resources", {"Content-Type": "application/json"}, body)
    assert added.status == 201, added.body[:200]


@pytest.mark.parametrize("path", [RESOURCE, "/healthz"])
def test_requests_behind_unread_answers_wait(start, path):
    """A client of HTTP/1 that asks on and on and reads nothing: a hundred thousand requests fit into some megabytes."""
    server = start()
    fill_resource(server)
    before = server.resident_bytes()
    request = http1.encode_request("GET", path, server.api)
    count = ASKED if path == RESOURCE else 100_000
    with http1.Connection(server.api) as client, contextlib.suppress(BlockingIOError):
        client.socket.setblocking(False)
        pending = memoryview(request * count)
        while pending:
            pending = pending[client.socket.send(pending) :]
    # The server has taken what it would: what it answers others comes behind that.
    with http1.Connection(server.api) as client:
        client.send(request * ASKED)
        for _ in range(20):
            assert server.get("/healthz").status == 200
        assert server.peak_resident_bytes() - before < 120_000_000
        for _ in range(ASKED):
            assert client.read_response().status == 200
    assert server.peak_resident_bytes() - before < 120_000_000


def test_whole_answers_that_nobody_reads_are_bounded_and_counted(start):
    server = start()
    fill_resource(server)
    before = server.resident_bytes()
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(http2.Connection(server.api))
        connection.start({http2.frames.SettingsFrame.INITIAL_WINDOW_SIZE: 0})
        head = [(":method", "GET"), (":scheme", "http"), (":authority", "x"), (":path", RESOURCE)]
        for _ in range(ASKED):
            connection.open_stream(head, end=True)
        server.wait_for_metric("fulgurite_unsent_answer_bytes", lambda value: value >= RESOURCE_BYTES)
        for _ in range(5):
            assert len(server.get(RESOURCE).body) > RESOURCE_BYTES
        # Two at a time, where sixty were made side by side.
        assert server.metric("fulgurite_unsent_answer_bytes") < 3 * RESOURCE_BYTES
        assert server.peak_resident_bytes() - before < 200_000_000
    server.wait_for_metric("fulgurite_unsent_answer_bytes", lambda value: value == 0)


def test_small_answers_are_made_when_everything_is_taken(start):
    server = start("--set", "limits.answer_bytes=1MiB")
    fill(server)
    with contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS):
            ask_without_reading(stack, server)
        server.wait_for_metric("fulgurite_unsent_answer_bytes", lambda value: value >= 1 << 20)
        assert server.get(PATH).status == 503
        assert len(server.get(PATH + "?limit=3").json()["resourceSpans"]) == 1
        assert server.get("/api/v1/rollouts").json()["rollouts"][0]["attemptCount"] == 1
        assert http1.request(server.api, "POST", "/v1/agl/queues/rollouts/dequeue", {}, b"").status == 200
