"""Large answers, slow clients and a store that fails cost the LLM proxy neither memory nor an answer."""

import concurrent.futures
import contextlib
import json
import sqlite3
import time

import pytest
from harness import attribution, database, http1, llm_spans, llm_wire, provider, proxy, scripted, server

ANSWER_BYTES = 200_000_000
GROWTH_BYTES = 16 << 20

RECORD = b'data: {"id":"large","choices":[{"index":0,"delta":{"content":"' + b"x" * 65_000 + b'"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
LINE_START, LINE_END = RECORD.split(b"x" * 65_000)
HEAD = "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n"


class LargeAnswer:
    """An answer that is made while it is sent, and how far it has got."""

    def __init__(self, content_type, first, piece, last):
        count = ANSWER_BYTES // len(piece)
        self.content_type = content_type
        self.first, self.piece, self.last, self.count = first, piece, last, count
        self.length = len(first) + count * len(piece) + len(last)
        self.sent = 0

    def __call__(self, connection, _):
        self.sent = 0
        connection.sendall(HEAD.format(self.content_type, self.length).encode() + self.first)
        for _ in range(self.count):
            connection.sendall(self.piece)
            self.sent += len(self.piece)
        connection.sendall(self.last)


def large_answers():
    filler = b"x" * 65_536
    start = b'{"id":"large","choices":[{"index":0,"message":{"role":"assistant","content":"'
    return {
        "a stream of many records": LargeAnswer("text/event-stream", b"", RECORD, DONE),
        "a stream of one record": LargeAnswer("text/event-stream", LINE_START, filler, LINE_END + DONE),
        "a body": LargeAnswer("application/json", start, filler, b'"}}]}'),
    }


@pytest.fixture(scope="module")
def upstream():
    with scripted.ScriptedUpstream(None) as running:
        yield running


@pytest.fixture
def relay(upstream, start):
    """A new proxy that has done some work already, so that what it needs once is there."""
    arguments = proxy.arguments(upstream.url, {"openai": {}, "unrecorded": {"record": "none"}})
    running = start(*arguments)
    small = scripted.answer(RECORD + DONE, content_type="text/event-stream")
    upstream.script = lambda connection, _: connection.sendall(small)
    for _ in range(50):
        assert proxy.ask(running, members=proxy.chat(stream=True)).status == 200
    running.wait_for_metric("fulgurite_llm_recorded_calls_total", lambda value: value == 50)
    return running


def forget_peak(running):
    """Lets `peak_resident_bytes` count from now on."""
    with open(f"/proc/{running.pid}/clear_refs", "w") as file:
        file.write("5")


def receive(connection):
    """Reads an answer to its end without keeping it; returns the number of bytes behind its head."""
    head, _, rest = llm_wire.read_until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
    [length] = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    count = len(rest)
    buffer = bytearray(1 << 20)
    while count < length and (got := connection.socket.recv_into(buffer)):
        count += got
    return count


@pytest.mark.parametrize("name", large_answers())
def test_a_large_answer_passes_through_little_memory(relay, upstream, name):
    answer = upstream.script = large_answers()[name]
    parent = llm_spans.new_parent()
    before = relay.resident_bytes()
    forget_peak(relay)
    with proxy.begin(relay, members=proxy.chat(stream="stream" in name), headers=parent.header) as connection:
        assert receive(connection) == answer.length
    span = llm_spans.wait_for_one(relay, parent.trace_id)
    assert relay.peak_resident_bytes() - before <= GROWTH_BYTES
    assert (span.status, span.attributes.get("error.type")) == (llm_spans.UNSET, None)
    assert span.attributes["http.response.status_code"] == 200
    # What was not read is said to be missing.
    assert "fulgurite.recording.truncated" in span.attributes


@pytest.mark.parametrize("prefix", ["", "/unrecorded"])
def test_a_client_that_reads_slowly_slows_the_upstream_down(relay, upstream, prefix):
    answer = upstream.script = large_answers()["a stream of many records"]
    before = relay.resident_bytes()
    forget_peak(relay)
    with proxy.begin(relay, prefix + proxy.CHAT, proxy.chat(stream=True)) as connection:
        llm_wire.read_until(connection, b"large")
        wait_until_still(answer)
        # Sockets hold a few megabytes on each side.
        assert answer.sent < ANSWER_BYTES / 4
        assert relay.peak_resident_bytes() - before <= GROWTH_BYTES
        assert receive(connection) == answer.length


def wait_until_still(answer, seconds=0.3):
    """Waits until nothing has been sent for a while."""
    deadline = time.monotonic() + server.READY_SECONDS
    sent, since = -1, time.monotonic()
    while time.monotonic() - since < seconds:
        if answer.sent != sent:
            sent, since = answer.sent, time.monotonic()
        assert time.monotonic() < deadline


def test_many_slow_clients_do_not_grow_the_proxy(relay, upstream):
    answers = [large_answers()["a stream of many records"] for _ in range(8)]
    waiting = list(answers)
    upstream.script = lambda connection, request: waiting.pop()(connection, request)
    before = relay.resident_bytes()
    forget_peak(relay)
    with contextlib.ExitStack() as stack:
        for answer in reversed(answers):
            # What is recorded is bounded on its own.
            path = "/unrecorded" + proxy.CHAT
            connection = stack.enter_context(proxy.begin(relay, path, proxy.chat(stream=True)))
            llm_wire.read_until(connection, b"large")
            wait_until_still(answer, 0.1)
        assert relay.peak_resident_bytes() - before <= GROWTH_BYTES


# A store that fails


@pytest.fixture(scope="module")
def fake():
    with provider.FakeProvider() as running:
        yield running


@contextlib.contextmanager
def locked(running):
    """Another process has the database for itself, so that nothing can be stored."""
    with contextlib.closing(sqlite3.connect(database.find(running.data), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_store_that_fails_is_no_clients_problem(start, fake):
    relay = start(*proxy.arguments(fake.url), *proxy.setting("store.busy_timeout", "100ms"))
    count = 60

    def call(number):
        members = proxy.chat(f"model-{number}", stream=number % 2 == 0)
        path = f"/rollout/ro-{number % 3}/attempt/at{proxy.CHAT}" if number % 4 else proxy.CHAT
        answer = proxy.ask(relay, path, members)
        return answer.status, number % 2 == 1 or answer.body.endswith(b"data: [DONE]\n\n")

    with locked(relay), concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(call, range(count))) == {(200, True)}
        relay.wait_for_log("recorded calls wait for the store")
        assert relay.metric("fulgurite_llm_recorded_calls_total") == 0
    relay.wait_for_metric("fulgurite_llm_recorded_calls_total", lambda value: value == count)
    assert relay.metric("fulgurite_llm_dropped_calls_total") == 0
    spans = llm_spans.unassigned(relay)
    for rollout in attribution.rollouts(relay):
        found = llm_spans.of_rollout(relay, rollout, "at")
        assert len(set(sequence_numbers(relay, rollout))) == len(found)
        spans += found
    assert sorted(span.name for span in spans) == sorted(f"chat model-{number}" for number in range(count))


def sequence_numbers(running, rollout):
    body = json.dumps({"rollout_id": rollout, "limit": -1}).encode()
    headers = {"Content-Type": "application/json"}
    response = http1.request(running.api, "POST", "/v1/agl/spans/search", headers, body)
    return [span["sequence_id"] for span in response.json()["items"]]


def test_what_waits_for_the_store_is_bounded_and_what_is_dropped_is_counted(start, fake):
    limits = {
        "store.busy_timeout": "100ms",
        "llm.request_bytes": "4KiB",
        "llm.recorded_answer_bytes": "4KiB",
        "llm.recording_bytes": "64KiB",
    }
    relay = start(*proxy.arguments(fake.url), *[word for pair in limits.items() for word in proxy.setting(*pair)])
    count = 200
    with locked(relay), concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = pool.map(lambda _: proxy.ask(relay, members=proxy.chat(user="u" * 1000)).status, range(count))
        assert set(statuses) == {200}
        relay.wait_for_metric("fulgurite_llm_dropped_calls_total", lambda value: value > 0)
        assert relay.metric("fulgurite_llm_recording_bytes") <= 64 << 10
    relay.wait_for_metric("fulgurite_llm_recorded_calls_total", lambda value: value > 0)
    names = ("fulgurite_llm_recorded_calls_total", "fulgurite_llm_dropped_calls_total")
    deadline = time.monotonic() + server.READY_SECONDS
    while sum(relay.metric(name) for name in names) != count:
        assert time.monotonic() < deadline, [relay.metric(name) for name in names]
    assert len(llm_spans.unassigned(relay)) == relay.metric(names[0])
    # With room again, calls are recorded again.
    parent = llm_spans.new_parent()
    assert proxy.ask(relay, headers=parent.header).status == 200
    llm_spans.wait_for_one(relay, parent.trace_id)


def test_what_waits_is_stored_before_a_stop(start, fake):
    """What was recorded when the server is told to end is there after the next start."""
    relay = start(*proxy.arguments(fake.url))
    count = 100
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert {answer.status for answer in pool.map(lambda _: proxy.ask(relay), range(count))} == {200}
    assert relay.stop() == 0
    assert len(llm_spans.unassigned(start())) == count
