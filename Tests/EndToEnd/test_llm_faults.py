"""What goes wrong on either side of the LLM proxy: what clients see, what spans say, what the upstream notices."""

import contextlib
import fcntl
import gzip
import json
import os
import re
import signal
import socket
import termios
import threading
import time
import zlib

import pytest
import zstandard
from harness import http1, http2, llm_spans, llm_wire, provider, proxy, scripted, server

# Calls that are given up in the test of leaks; LLM_ABORTS=1000 for the long run.
ABORTS = int(os.environ.get("LLM_ABORTS", 100))

# How soon an upstream has to notice that its client is gone, and how many tries a busy machine gets to show it.
ABORT_SECONDS = 0.2
ABORT_TRIES = 10


@pytest.fixture(scope="module")
def fake():
    with provider.FakeProvider() as running:
        yield running


@pytest.fixture(scope="module")
def upstream():
    """An upstream whose answers each test writes itself: it sets `script`."""
    with scripted.ScriptedUpstream(None) as running:
        yield running


@pytest.fixture(scope="module")
def closed_port():
    """A port on which nobody listens, for as long as it is held."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.fixture(scope="module")
def relay(fake, upstream, closed_port, tmp_path_factory):
    """A proxy with upstreams for every kind of trouble, selected by their names at the start of paths."""
    upstreams = {
        **proxy.UPSTREAMS,
        "slow": {"ttfb_timeout": "300ms"},
        "silent": {"idle_timeout": "300ms"},
        "refused": {"base_url": f"http://127.0.0.1:{closed_port}"},
        "plain": {"base_url": fake.url.replace("http:", "https:"), "connect_timeout": "500ms"},
        "again": {"retries": 2},
        "scripted": {"base_url": upstream.url},
    }
    data = tmp_path_factory.mktemp("faults") / "data"
    with server.Fulgurite(data, *proxy.arguments(fake.url, upstreams)) as running:
        yield running


def exchange(running, path, members, fake=None, headers=None):
    """One request, its answer however it ended, and the only span of it."""
    parent = llm_spans.new_parent()
    with proxy.begin(running, path, members, {**parent.header, **(headers or {})}, fake) as connection:
        answer = llm_wire.read(connection)
    return answer, llm_spans.wait_for_one(running, parent.trace_id)


def outcome(span):
    """(status, error.type, HTTP status) of a span."""
    return span.status, span.attributes.get("error.type"), span.attributes.get("http.response.status_code")


def failed(error_type, status=None):
    return llm_spans.ERROR, error_type, status


GOOD = (llm_spans.UNSET, None, 200)
STREAM = proxy.chat(stream=True)


# The client leaves

LEAVING = {
    "before the first byte of a stream": (proxy.CHAT, STREAM, {"ttfb": 60_000}),
    "before the first byte of an answer in one piece": (proxy.CHAT, proxy.chat(), {"ttfb": 60_000}),
    "in a stream": (proxy.CHAT, STREAM, {"gap": 5, "chunks": 500}),
    "in a stream of messages": (proxy.MESSAGES, proxy.message(stream=True), {"gap": 5, "chunks": 500}),
    "in a stream of the Responses API": (proxy.RESPONSES, proxy.response(stream=True), {"gap": 5, "chunks": 500}),
    "in a body": (proxy.CHAT, proxy.chat(), {"gap": 20, "split": 8}),
}


def leave(running, fake, name, ending="close"):
    """Begins a call and leaves; returns its parent and how long the upstream went on, in seconds."""
    path, members, options = LEAVING[name]
    parent = llm_spans.new_parent()
    before = fake.counters()["aborted"]
    with proxy.begin(running, path, members, parent.header, options) as connection:
        if name.startswith("in "):
            llm_wire.read_until(connection, b'"id":' if name == "in a body" else b'"model"')
        else:
            fake.wait_for(lambda counters: counters["in_flight"] == 1)
        if ending == "reset":
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return parent, fake.wait_for(lambda counters: counters["aborted"] == before + 1)[1]


@pytest.mark.parametrize("name", LEAVING)
def test_the_upstream_is_let_go_when_the_client_leaves(relay, fake, name):
    fake.reset()
    parents, times = [], []
    while not times or (min(times) > ABORT_SECONDS and len(times) < ABORT_TRIES):
        parent, seconds = leave(relay, fake, name)
        parents.append(parent)
        times.append(seconds)
    assert min(times) <= ABORT_SECONDS
    assert fake.counters()["in_flight"] == 0
    for parent in parents:
        span = llm_spans.wait_for_one(relay, parent.trace_id)
        has_head = name.startswith("in ")
        assert outcome(span) == failed("client_disconnected", 200 if has_head else None)
        assert ("gen_ai.response.id" in span.attributes) == has_head
        if name.startswith("in a stream"):
            assert "gen_ai.response.time_to_first_chunk" in span.attributes


def test_a_reset_is_a_leave(relay, fake):
    fake.reset()
    parent, _ = leave(relay, fake, "in a stream", "reset")
    span = llm_spans.wait_for_one(relay, parent.trace_id)
    assert outcome(span) == failed("client_disconnected", 200)


def test_what_had_come_is_kept(relay, fake):
    fake.reset()
    parent = llm_spans.new_parent()
    with proxy.begin(relay, members=STREAM, headers=parent.header, fake={"gap": 20, "chunks": 500}) as connection:
        llm_wire.read_until(connection, b"bravo")
    span = llm_spans.wait_for_one(relay, parent.trace_id)
    assert "alpha bravo" in span.attributes["gen_ai.output.messages"]
    assert "Say hello." in span.attributes["gen_ai.input.messages"]
    assert "gen_ai.usage.output_tokens" not in span.attributes


def test_drain_on_disconnect_reads_to_the_end(start, fake):
    relay = start(*proxy.arguments(fake.url), *proxy.setting("llm.drain_on_disconnect", "30s"))
    fake.reset()
    found = []
    for members, options in [(STREAM, {"gap": 5, "chunks": 40}), (proxy.chat(), {"ttfb": 200})]:
        parent = llm_spans.new_parent()
        with proxy.begin(relay, members=members, headers=parent.header, fake=options) as connection:
            if "stream" in members:
                llm_wire.read_until(connection, b"alpha")
            else:
                fake.wait_for(lambda counters: counters["in_flight"] == 1)
        found.append(llm_spans.wait_for_one(relay, parent.trace_id))
    assert [outcome(span) for span in found] == [GOOD, GOOD]
    assert [span.attributes["gen_ai.response.finish_reasons"] for span in found] == [["stop"], ["stop"]]
    assert fake.counters()["aborted"] == 0


def test_drain_on_disconnect_has_an_end(start, fake):
    relay = start(*proxy.arguments(fake.url), *proxy.setting("llm.drain_on_disconnect", "300ms"))
    fake.reset()
    parent = llm_spans.new_parent()
    with proxy.begin(relay, members=STREAM, headers=parent.header, fake={"gap": 20, "chunks": 500}) as connection:
        llm_wire.read_until(connection, b"alpha")
    fake.wait_for(lambda counters: counters["aborted"] == 1)
    assert outcome(llm_spans.wait_for_one(relay, parent.trace_id)) == failed("client_disconnected", 200)


def test_calls_that_are_given_up_leave_nothing_behind(start, fake):
    """No descriptor, no memory to speak of, and a span of every call."""
    relay = start(*proxy.arguments(fake.url))
    fake.reset()
    names = [name for name in LEAVING if name != "in a body"]

    def give_up(rollout, count):
        before = fake.counters()["requests"]
        for number in range(count):
            path, members, options = LEAVING[names[number % len(names)]]
            prefix = f"/rollout/{rollout}/attempt/a"
            with proxy.begin(relay, prefix + path, members, fake=options) as connection:
                if "ttfb" in options:
                    wait_until(lambda count=before + number + 1: fake.counters()["requests"] == count)
                else:
                    llm_wire.read_until(connection, b"alpha")
        return llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, rollout), count, 100)

    give_up("warm", 20)
    descriptors, memory = descriptor_count(relay), relay.resident_bytes()
    spans = give_up("measured", ABORTS)
    assert {outcome(span)[:2] for span in spans} == {failed("client_disconnected")[:2]}
    fake.wait_for(lambda counters: counters["aborted"] == counters["requests"] == 20 + ABORTS)
    wait_until(lambda: descriptor_count(relay) <= descriptors)
    assert relay.resident_bytes() - memory < 16 << 20


def descriptor_count(running):
    """Descriptors but for files: the database opens another one when readers are many."""
    folder = f"/proc/{running.pid}/fd"
    links = []
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            links.append(os.readlink(f"{folder}/{name}"))
    return len([link for link in links if not link.startswith("/")])


def wait_until(condition):
    deadline = time.monotonic() + server.READY_SECONDS
    while not condition():
        assert time.monotonic() < deadline


# The upstream gives no answer

NO_ANSWER = {
    "refused": ("/refused", {}, 502, "connect_error"),
    "no TLS": ("/plain", {}, 502, "connect_error"),
    "late": ("/slow", {"fault": "hang_before_headers"}, 504, "timeout"),
    "closed": ("", {"fault": "close_before_headers"}, 502, "upstream_truncated"),
}


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("name", NO_ANSWER)
def test_without_an_answer_the_client_gets_an_error_in_its_shape(relay, fake, name, streams):
    prefix, options, status, error_type = NO_ANSWER[name]
    answer, span = exchange(relay, prefix + proxy.CHAT, proxy.chat(stream=streams), options)
    assert (answer.status, answer.header("content-type")) == (status, "application/json")
    error = json.loads(answer.body)["error"]
    assert (error["type"], error["code"]) == ("proxy_upstream_error", error_type)
    assert outcome(span) == failed(error_type)


def test_an_anthropic_client_gets_its_own_shape(relay):
    answer, span = exchange(relay, proxy.MESSAGES, proxy.message(), {"fault": "close_before_headers"})
    assert answer.status == 502
    document = json.loads(answer.body)
    assert (document["type"], document["error"]["type"]) == ("error", "proxy_upstream_error")
    assert outcome(span) == failed("upstream_truncated")


def test_a_name_that_is_not_known_is_that_upstreams_trouble_alone(start, fake):
    upstreams = {"openai": {}, "unknown": {"base_url": "http://nowhere.invalid", "connect_timeout": "5s"}}
    # All calls share what the loop has.
    relay = start(*proxy.arguments(fake.url, upstreams), *proxy.setting("loops", 1))
    for _ in range(2):
        answer, span = exchange(relay, "/unknown" + proxy.CHAT, proxy.chat())
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (502, "connect_error")
        assert outcome(span) == failed("connect_error")
        answer, span = exchange(relay, proxy.CHAT, proxy.chat())
        assert (answer.status, outcome(span)) == (200, GOOD)


def test_calls_do_not_wait_for_each_other(start, fake):
    """Whether an upstream can do several things on one connection is not known before its first answer."""
    relay = start(*proxy.arguments(fake.url), *proxy.setting("loops", 1))
    fake.reset()
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(proxy.begin(relay, members=proxy.chat(), fake={"ttfb": 60_000}))
        fake.wait_for(lambda counters: counters["in_flight"] == 10, 10)


def test_a_late_upstream_is_let_go(relay, fake):
    fake.reset()
    answer, _ = exchange(relay, "/slow" + proxy.CHAT, proxy.chat(), {"fault": "hang_before_headers"})
    assert answer.status == 504
    fake.wait_for(lambda counters: counters["aborted"] == 1)


# The answer breaks off

BROKEN = {
    "closed behind the head": ({"fault": "close_after_headers"}, "upstream_truncated"),
    "closed": ({"fault": "close", "at": 4}, "upstream_truncated"),
    "reset": ({"fault": "rst", "at": 4, "gap": 5}, "upstream_truncated"),
    "not a chunk": ({"fault": "bad_chunk", "at": 4}, "invalid_response"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("path", [proxy.CHAT, proxy.MESSAGES, proxy.RESPONSES])
def test_a_broken_stream_never_ends_cleanly(relay, name, path):
    options, error_type = BROKEN[name]
    answer, span = exchange(relay, path, proxy.MEMBERS[path](stream=True), options)
    assert (answer.status, answer.is_whole) == (200, False)
    assert outcome(span) == failed(error_type, 200)
    has_records = name != "closed behind the head"
    assert ("gen_ai.response.id" in span.attributes) == has_records
    assert (b"data:" in answer.body) == has_records


@pytest.mark.parametrize("fault", ["close", "rst"])
def test_a_short_body_never_ends_cleanly(relay, fault):
    answer, span = exchange(relay, proxy.CHAT, proxy.chat(), {"fault": fault, "split": 100, "gap": 5})
    assert (answer.status, answer.is_whole) == (200, False)
    assert outcome(span) == failed("upstream_truncated", 200)


def test_silence_in_a_stream_ends_it(relay, fake):
    fake.reset()
    answer, span = exchange(relay, "/silent" + proxy.CHAT, STREAM, {"fault": "hang", "at": 3})
    assert (answer.status, answer.is_whole) == (200, False)
    assert b"alpha" in answer.body
    assert outcome(span) == failed("timeout", 200)
    assert "gen_ai.response.id" in span.attributes
    fake.wait_for(lambda counters: counters["aborted"] == 1)


def test_a_stream_that_goes_on_is_not_silent(relay):
    """The limit is for each silence, not for the whole."""
    answer, span = exchange(relay, "/silent" + proxy.CHAT, STREAM, {"gap": 40, "chunks": 20})
    assert answer.is_whole
    assert outcome(span) == GOOD


# Errors that the provider reports

ERROR_EVENTS = {proxy.CHAT: "server_error", proxy.MESSAGES: "overloaded_error", proxy.RESPONSES: "server_error"}


@pytest.mark.parametrize("path", ERROR_EVENTS)
def test_an_error_inside_a_stream_is_relayed_and_recorded(relay, path):
    answer, span = exchange(relay, path, proxy.MEMBERS[path](stream=True), {"fault": "error_event", "at": 4})
    assert answer.is_whole
    assert b"error" in answer.body
    assert outcome(span) == failed(ERROR_EVENTS[path], 200)
    assert "gen_ai.response.id" in span.attributes


STATUSES = {
    (proxy.CHAT, 400): "invalid_request_error",
    (proxy.CHAT, 401): "invalid_api_key",
    (proxy.CHAT, 404): "model_not_found",
    (proxy.CHAT, 429): "rate_limit_exceeded",
    (proxy.CHAT, 500): "server_error",
    (proxy.MESSAGES, 400): "invalid_request_error",
    (proxy.MESSAGES, 413): "request_too_large",
    (proxy.MESSAGES, 429): "rate_limit_error",
    (proxy.MESSAGES, 529): "overloaded_error",
}


@pytest.mark.parametrize(("path", "status"), STATUSES)
def test_an_error_status_is_passed_on_once_and_unchanged(relay, fake, path, status):
    fake.reset()
    members = proxy.chat() if path == proxy.CHAT else proxy.message()
    answer, span = exchange(relay, path, members, {"status": status, "retry_after": 7})
    assert (answer.status, answer.header("retry-after")) == (status, "7")
    assert f"fake {status}".encode() in answer.body
    assert outcome(span) == failed(STATUSES[path, status], status)
    # Clients try again by themselves, and both would multiply.
    assert fake.counters()["requests"] == 1
    assert "http.request.resend_count" not in span.attributes


ODD_BODIES = {
    "an error under status 200": (
        scripted.answer(b'{"error":{"message":"no","type":"t","code":"model_overloaded"}}'),
        failed("model_overloaded", 200),
    ),
    "HTML as HTML": (scripted.answer(b"<html></html>", content_type="text/html"), GOOD),
    "HTML as JSON": (scripted.answer(b"<html></html>"), failed("invalid_response", 200)),
    "cut JSON": (scripted.answer(b'{"id":"x","choices":['), failed("invalid_response", 200)),
    "HTML under status 502": (
        scripted.answer(b"<html></html>", status="502 Bad Gateway", content_type="text/html"),
        failed("502", 502),
    ),
    "an empty error": (scripted.answer(b"", status="500 Oops"), failed("500", 500)),
}


@pytest.mark.parametrize("name", ODD_BODIES)
def test_an_odd_body_is_passed_on_as_it_is(relay, upstream, name):
    sent, expected = ODD_BODIES[name]
    upstream.script = lambda connection, _: connection.sendall(sent)
    answer, span = exchange(relay, "/scripted" + proxy.CHAT, proxy.chat())
    reference = llm_wire.parse(sent)
    assert (answer.status, answer.reason, answer.body) == (reference.status, reference.reason, reference.body)
    assert answer.is_whole
    assert outcome(span) == expected


# Answers that break HTTP

NO_HTTP = {
    "no status line": b"hello\r\n\r\n",
    "too many header bytes": b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 1_000_000 + b"\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
}


@pytest.mark.parametrize("name", NO_HTTP)
def test_an_answer_that_is_no_http_is_a_bad_gateway(relay, upstream, name):
    def script(connection, _):
        with contextlib.suppress(OSError):
            connection.sendall(NO_HTTP[name])
        return False

    upstream.script = script
    answer, span = exchange(relay, "/scripted" + proxy.CHAT, proxy.chat())
    assert answer.status == 502
    assert outcome(span) == failed("invalid_response")


def test_a_body_that_is_shorter_than_it_says_is_cut(relay, upstream):
    def script(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
        return False

    upstream.script = script
    answer, span = exchange(relay, "/scripted" + proxy.CHAT, proxy.chat())
    assert (answer.is_whole, answer.body) == (False, b"{")
    assert outcome(span) == failed("upstream_truncated", 200)


def test_an_interim_answer_is_not_the_answer(relay, upstream):
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    upstream.script = lambda connection, _: connection.sendall(early + scripted.answer(b'{"id":"late"}'))
    answer, span = exchange(relay, "/scripted" + proxy.CHAT, proxy.chat())
    assert (answer.status, answer.body) == (200, b'{"id":"late"}')
    assert (outcome(span), span.attributes["gen_ai.response.id"]) == (GOOD, "late")


def test_an_answer_that_ends_with_its_connection_is_whole(relay, fake):
    answer, span = exchange(relay, proxy.CHAT, STREAM, {"close": 1})
    assert (answer.is_whole, answer.body.endswith(b"data: [DONE]\n\n")) == (True, True)
    assert outcome(span) == GOOD


# Content codings


def stored_brotli(data):
    """A brotli stream that holds the data uncompressed (RFC 7932, section 9)."""
    # From the lowest bit: window of 16 bits (0), not the last block (0), 4 nibbles (00), the length, uncompressed (1).
    header = (len(data) - 1) << 4 | 1 << 20
    return header.to_bytes(3, "little") + data + b"\3"


CODINGS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": stored_brotli,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("streams", [False, True])
def test_a_coded_body_is_passed_on_coded_and_recorded_decoded(relay, upstream, coding, streams):
    message = {"role": "assistant", "content": "hi"}
    choice = {"index": 0, "delta" if streams else "message": message, "finish_reason": "stop"}
    facts = json.dumps({"id": "coded", "model": "m", "choices": [choice]}).encode()
    body = CODINGS[coding](b"data: " + facts + b"\n\ndata: [DONE]\n\n" if streams else facts)
    content_type = "text/event-stream" if streams else "application/json"
    sent = scripted.answer(body, f"content-encoding: {coding}", content_type=content_type)
    upstream.script = lambda connection, _: connection.sendall(sent)
    headers = {"Accept-Encoding": "gzip, deflate, br, zstd"}
    answer, span = exchange(relay, "/scripted" + proxy.CHAT, proxy.chat(stream=streams), headers=headers)
    assert (answer.header("content-encoding"), answer.body) == (coding, body)
    assert outcome(span) == GOOD
    assert span.attributes["gen_ai.response.id"] == "coded"
    assert '"hi"' in span.attributes["gen_ai.output.messages"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_coded_stream_arrives_record_by_record(relay, encoding):
    """What is decoded for the record does not hold the stream up."""
    with proxy.begin(relay, members=STREAM, fake={"encoding": encoding, "gap": 100, "chunks": 500}) as connection:
        head = llm_wire.read_until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")[0]
        assert f"content-encoding: {encoding}".encode() in head.lower(), connection.buffer
        text = b""
        while b"bravo" not in text:
            connection.receive_some()
            coded = llm_wire.dechunk(connection.buffer.partition(b"\r\n\r\n")[2])[0]
            text = zlib.decompressobj(wbits=47).decompress(coded)
        assert b"charlie delta echo" not in text


def test_an_unknown_coding_is_passed_on(relay, upstream):
    sent = scripted.answer(b"\x01\x02\x03", "content-encoding: x-odd")
    upstream.script = lambda connection, _: connection.sendall(sent)
    answer, span = exchange(relay, "/scripted" + proxy.CHAT, proxy.chat())
    assert (answer.status, answer.body, answer.header("content-encoding")) == (200, b"\x01\x02\x03", "x-odd")
    assert outcome(span) == GOOD


# Once more


def test_a_connection_that_was_closed_while_it_was_idle_is_not_the_clients_problem(start):
    """A kept connection may be closed by the upstream just when the next request is on its way."""
    served = set()

    def script(connection, _):
        if connection in served:
            return False
        served.add(connection)
        connection.sendall(scripted.answer(b'{"id":"kept"}'))
        return True

    with scripted.ScriptedUpstream(script) as upstream:
        relay = start(*proxy.arguments(upstream.url), *proxy.setting("loops", 1))
        for _ in range(3):
            answer, span = exchange(relay, proxy.CHAT, proxy.chat())
            assert (answer.status, answer.body) == (200, b'{"id":"kept"}')
            assert outcome(span) == GOOD
            assert "http.request.resend_count" not in span.attributes
        # What got no answer on a used connection came again on a fresh one.
        assert [number for number, _ in upstream.requests] == [1, 1, 2, 2, 3]


def reset(connection):
    """Ends a connection so that the peer gets an error and not an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return False


def test_a_connection_that_is_reset_when_it_is_used_again_is_not_the_clients_problem(start):
    served = set()

    def script(connection, _):
        if connection in served:
            return reset(connection)
        served.add(connection)
        connection.sendall(scripted.answer(b'{"id":"kept"}'))
        return True

    with scripted.ScriptedUpstream(script) as upstream:
        relay = start(*proxy.arguments(upstream.url), *proxy.setting("loops", 1))
        for _ in range(20):
            answer, span = exchange(relay, proxy.CHAT, proxy.chat())
            assert (answer.status, answer.body) == (200, b'{"id":"kept"}')
            assert outcome(span) == GOOD


@pytest.mark.parametrize("end", [lambda _: False, reset], ids=["end", "reset"])
def test_a_request_that_a_provider_has_worked_at_is_not_sent_again(start, end):
    """A time limit in front of a provider looks like a kept connection that has ended, and the work would be paid twice."""
    served = set()

    def script(connection, _):
        if connection in served:
            threading.Event().wait(1.3)
            return end(connection)
        served.add(connection)
        connection.sendall(scripted.answer(b'{"id":"kept"}'))
        return True

    with scripted.ScriptedUpstream(script) as upstream:
        relay = start(*proxy.arguments(upstream.url), *proxy.setting("loops", 1))
        assert exchange(relay, proxy.CHAT, proxy.chat())[0].status == 200
        answer, span = exchange(relay, proxy.CHAT, proxy.chat())
        assert (answer.status, outcome(span)) == (502, failed("upstream_truncated"))
        assert [number for number, _ in upstream.requests] == [1, 1]


def test_many_connections_that_have_ended_cost_one_more_try(start):
    """libcurl would try one kept connection after the other, and each may have brought the request to the provider."""
    together = threading.Barrier(12)
    dying = threading.Event()

    def script(connection, _):
        if dying.is_set():
            return False
        together.wait(30)
        connection.sendall(scripted.answer(b'{"id":"kept"}'))
        return True

    with scripted.ScriptedUpstream(script) as upstream:
        relay = start(*proxy.arguments(upstream.url), *proxy.setting("loops", 1))
        with contextlib.ExitStack() as stack:
            calls = [stack.enter_context(proxy.begin(relay, proxy.CHAT, proxy.chat())) for _ in range(12)]
            assert [llm_wire.read(call).status for call in calls] == [200] * 12
        dying.set()
        answer, span = exchange(relay, proxy.CHAT, proxy.chat())
        assert (answer.status, outcome(span)) == (502, failed("upstream_truncated"))
        # Once over a connection that was there, once over a new one.
        assert [number for number, _ in upstream.requests[12:]][1:] == [13]


@pytest.mark.parametrize("size", [10, 100_000])
def test_an_answer_whose_connection_is_reset_behind_it_is_whole(relay, upstream, size):
    body = json.dumps({"id": "x" * size}).encode()

    def script(connection, _):
        connection.sendall(scripted.answer(body))
        # The kernel may drop what a reset overtakes, so the answer has left when it comes.
        wait_until_sent(connection)
        return reset(connection)

    upstream.script = script
    for _ in range(20):
        answer, span = exchange(relay, "/scripted" + proxy.CHAT, proxy.chat())
        assert (answer.status, answer.body) == (200, body)
        assert outcome(span) == GOOD


def wait_until_sent(connection):
    """Waits until the peer's kernel has everything."""
    waiting = bytearray(4)
    deadline = time.monotonic() + 30
    while fcntl.ioctl(connection, termios.TIOCOUTQ, waiting) == 0 and any(waiting):
        assert time.monotonic() < deadline
        time.sleep(0.001)


STRAY = {
    "an answer": scripted.answer(b'{"id":"of nobody"}'),
    "408": scripted.answer(b"", "connection: close", status="408 Request Timeout"),
    "three bytes": b"abc",
}


@pytest.mark.parametrize("name", STRAY)
def test_what_nobody_asked_for_is_nobodys_answer(start, name):
    """A provider that says anything on an idle connection is asked again over another one."""
    sent = threading.Event()

    def script(connection, _):
        connection.sendall(scripted.answer(b'{"id":"asked"}'))
        if not sent.is_set():
            # Not in one piece with the answer.
            answered.wait(30)
            connection.sendall(STRAY[name])
            wait_until_sent(connection)
            sent.set()
        return True

    with scripted.ScriptedUpstream(script) as upstream:
        answered = threading.Event()
        relay = start(*proxy.arguments(upstream.url), *proxy.setting("loops", 1))
        answer, _ = exchange(relay, proxy.CHAT, proxy.chat())
        assert (answer.status, answer.body) == (200, b'{"id":"asked"}')
        answered.set()
        assert sent.wait(30)
        for _ in range(3):
            answer, span = exchange(relay, proxy.CHAT, proxy.chat())
            assert (answer.status, answer.body) == (200, b'{"id":"asked"}')
            assert outcome(span) == GOOD
        assert [number for number, _ in upstream.requests] == [1, 2, 2, 2]


def test_retries_are_one_call_with_one_span(relay, fake):
    fake.reset()
    members = proxy.chat("again-works")
    answer, span = exchange(relay, "/again" + proxy.CHAT, members, {"flaky": 2, "status": 503, "retry_after": 0})
    assert answer.status == 200
    assert outcome(span) == GOOD
    assert span.attributes["http.request.resend_count"] == 2
    assert [request.body for request in fake.requests()] == [fake.last().body] * 3


def test_the_last_answer_is_passed_on_when_retries_are_used_up(relay, fake):
    fake.reset()
    members = proxy.chat("again-fails")
    answer, span = exchange(relay, "/again" + proxy.CHAT, members, {"flaky": 9, "status": 429, "retry_after": 0})
    assert (answer.status, answer.header("retry-after")) == (429, "0")
    assert outcome(span) == failed("rate_limit_exceeded", 429)
    assert span.attributes["http.request.resend_count"] == 2
    assert fake.counters()["requests"] == 3


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_what_would_fail_again_is_not_tried_again(relay, fake, status):
    fake.reset()
    answer, span = exchange(relay, "/again" + proxy.CHAT, proxy.chat(), {"status": status, "retry_after": 0})
    assert answer.status == status
    assert fake.counters()["requests"] == 1
    assert "http.request.resend_count" not in span.attributes


def test_a_long_wait_is_the_clients_decision(relay, fake):
    fake.reset()
    answer, _ = exchange(relay, "/again" + proxy.CHAT, proxy.chat(), {"status": 429, "retry_after": 3600})
    assert (answer.status, answer.header("retry-after")) == (429, "3600")
    assert fake.counters()["requests"] == 1


def test_an_answer_that_has_begun_is_not_asked_for_again(relay, fake):
    fake.reset()
    answer, span = exchange(relay, "/again" + proxy.CHAT, STREAM, {"fault": "close", "at": 3})
    assert (answer.status, answer.is_whole) == (200, False)
    assert outcome(span) == failed("upstream_truncated", 200)
    assert fake.counters()["requests"] == 1


# Bytes that can be read in two ways


def test_a_length_beside_chunks_is_not_passed_on(relay, upstream):
    """[RFC 9112, section 6.3](https://www.rfc-editor.org/rfc/rfc9112#section-6.3)"""
    begun = threading.Event()

    def script(connection, _):
        connection.sendall(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\n"
            b'transfer-encoding: chunked\r\n\r\n3\r\n{"i\r\n'
        )
        begun.wait(30)
        connection.sendall(b'5\r\nd":1}\r\n0\r\n\r\n')

    upstream.script = script
    parent = llm_spans.new_parent()
    with proxy.begin(relay, "/scripted" + proxy.CHAT, proxy.chat(), parent.header) as connection:
        llm_wire.read_until(connection, b'{"i')
        begun.set()
        answer = llm_wire.read(connection)
    assert (answer.status, answer.is_whole, answer.body) == (200, True, b'{"id":1}')
    assert answer.header("content-length") is None
    assert outcome(llm_spans.wait_for_one(relay, parent.trace_id)) == GOOD


@pytest.mark.parametrize("length", ["8, 5", "0x8", "-8", "+8", ""])
def test_a_length_that_is_none_is_no_answer(relay, upstream, length):
    upstream.script = lambda connection, _: connection.sendall(
        f'HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{{"id":1}}'.encode()
    )
    answer, span = exchange(relay, "/scripted" + proxy.CHAT, proxy.chat())
    assert answer.status == 502
    assert span.attributes["error.type"] in ("invalid_response", "upstream_truncated")


def test_a_cut_stream_is_no_whole_answer_for_http_1_0(relay, upstream):
    """There the end of the connection is the end of the body, so a cut is a reset."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    seen = threading.Event()

    def script(connection, _):
        connection.sendall(head + b"9\r\ndata: {}\n\r\n")
        seen.wait(30)
        return False

    upstream.script = script
    body = json.dumps(STREAM).encode()
    with socket.create_connection(relay.llm_proxy, timeout=30) as client:
        request = f"POST /scripted{proxy.CHAT} HTTP/1.0\r\ncontent-type: application/json\r\n"
        client.sendall(f"{request}content-length: {len(body)}\r\n\r\n".encode() + body)
        received = b""
        while b"data: {}" not in received:
            received += client.recv(4096)
        seen.set()
        with pytest.raises(ConnectionResetError):
            while client.recv(4096):
                pass


def test_a_stream_that_a_stop_cuts_is_no_whole_answer_for_http_1_0(start, fake):
    relay = start(*proxy.arguments(fake.url), *proxy.setting("shutdown.deadline", "500ms"))
    fake.reset()
    body = json.dumps(STREAM).encode()
    with socket.create_connection(relay.llm_proxy, timeout=30) as client:
        request = f"POST {proxy.CHAT} HTTP/1.0\r\ncontent-type: application/json\r\nx-fake: gap=20&chunks=5000\r\n"
        client.sendall(f"{request}content-length: {len(body)}\r\n\r\n".encode() + body)
        received = b""
        while b"data: " not in received:
            received += client.recv(4096)
        os.kill(relay.pid, signal.SIGTERM)
        with pytest.raises(ConnectionResetError):
            while client.recv(4096):
                pass
    assert relay.wait() == 0


def test_a_head_says_the_length_of_the_provider(relay, upstream):
    upstream.script = lambda connection, _: connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 55\r\n\r\n")
    answer = http1.request(relay.llm_proxy, "HEAD", "/scripted/v1/responses/resp_1")
    assert (answer.status, answer.header("content-length")) == (200, "55")


def test_fields_of_the_providers_connection_stay_there(relay, upstream):
    fields = ["connection: x-hop, keep-alive", "x-hop: 1", "x-far: 2", "x-proxy-request-id: theirs", "x-folded: a", "\tb"]
    upstream.script = lambda connection, _: connection.sendall(scripted.answer(b"{}", *fields))
    answer, _ = exchange(relay, "/scripted" + proxy.CHAT, proxy.chat())
    assert (answer.header("x-hop"), answer.header("x-far"), answer.header("x-folded")) == (None, "2", "a b")
    assert answer.header("x-proxy-request-id") != "theirs"


def test_bytes_of_fields_pass_unchanged_in_both_directions(relay, upstream):
    """Also those that are not UTF-8, or stand for such a byte inside the proxy."""
    value = b"caf\xe9 \xff\x80 \xc3\xa9 \xee\xbe\x80 \xef\xbf\xbd"
    lines = [b"HTTP/1.1 200 OK", b"content-type: application/json", b"content-length: 2", b"x-odd: " + value]
    upstream.requests.clear()
    upstream.script = lambda connection, _: connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n{}")
    body = json.dumps(proxy.chat()).encode()
    head = f"POST /scripted{proxy.CHAT} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n".encode()
    with http1.Connection(relay.llm_proxy) as client:
        client.send(head + b"x-ours: " + value + b"\r\nconnection: close\r\n\r\n" + body)
        raw = b""
        while piece := client.socket.recv(1 << 16):
            raw += piece
    assert b"\r\nx-odd: " + value + b"\r\n" in raw
    ((_, request),) = upstream.requests
    assert b"\r\nx-ours: " + value + b"\r\n" in request


# The proxy ends


def test_a_stream_finishes_while_the_server_stops(start, fake):
    relay = start(*proxy.arguments(fake.url))
    parent = llm_spans.new_parent()
    with proxy.begin(relay, members=STREAM, headers=parent.header, fake={"gap": 20, "chunks": 40}) as connection:
        llm_wire.read_until(connection, b"alpha")
        os.kill(relay.pid, signal.SIGTERM)
        answer = llm_wire.read(connection)
    assert relay.wait() == 0
    assert answer.is_whole
    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert outcome(llm_spans.wait_for_one(start(), parent.trace_id)) == GOOD


@pytest.mark.parametrize("members", [proxy.chat(), STREAM])
def test_a_call_without_an_answer_yet_finishes_while_the_server_stops(start, fake, members):
    relay = start(*proxy.arguments(fake.url))
    fake.reset()
    parent = llm_spans.new_parent()
    with proxy.begin(relay, members=members, headers=parent.header, fake={"ttfb": 800}) as connection:
        fake.wait_for(lambda counters: counters["in_flight"] == 1)
        os.kill(relay.pid, signal.SIGTERM)
        answer = llm_wire.read(connection)
    assert relay.wait() == 0
    assert (answer.status, answer.is_whole) == (200, True)
    assert outcome(llm_spans.wait_for_one(start(), parent.trace_id)) == GOOD


def test_a_call_without_an_answer_at_the_deadline_of_a_stop_is_no_disconnect(start, fake):
    relay = start(*proxy.arguments(fake.url), *proxy.setting("shutdown.deadline", "500ms"))
    fake.reset()
    parent = llm_spans.new_parent()
    with proxy.begin(relay, members=STREAM, headers=parent.header, fake={"ttfb": 60_000}) as connection:
        fake.wait_for(lambda counters: counters["in_flight"] == 1)
        os.kill(relay.pid, signal.SIGTERM)
        assert llm_wire.read(connection) is None
    assert relay.wait() == 0
    assert outcome(llm_spans.wait_for_one(start(), parent.trace_id)) == failed("_OTHER")


def test_a_stream_that_is_too_long_for_a_stop_is_cut_and_recorded(start, fake):
    relay = start(*proxy.arguments(fake.url), *proxy.setting("shutdown.deadline", "500ms"))
    fake.reset()
    parent = llm_spans.new_parent()
    with proxy.begin(relay, members=STREAM, headers=parent.header, fake={"gap": 20, "chunks": 500}) as connection:
        llm_wire.read_until(connection, b"alpha")
        os.kill(relay.pid, signal.SIGTERM)
        assert not llm_wire.read(connection).is_whole
    assert relay.wait() == 0
    fake.wait_for(lambda counters: counters["aborted"] == 1)
    span = llm_spans.wait_for_one(start(), parent.trace_id)
    assert outcome(span) == failed("_OTHER", 200)
    assert "alpha" in span.attributes["gen_ai.output.messages"]


def test_a_stream_has_a_longest_time(start, fake):
    relay = start(*proxy.arguments(fake.url), *proxy.setting("llm.max_stream_duration", "300ms"))
    fake.reset()
    answer, span = exchange(relay, proxy.CHAT, STREAM, {"gap": 20, "chunks": 500})
    assert (answer.status, answer.is_whole) == (200, False)
    assert outcome(span) == failed("timeout", 200)
    fake.wait_for(lambda counters: counters["aborted"] == 1)


# HTTP/2 clients


def http2_request(connection, members, fake, parent=None):
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": proxy.CHAT,
        ":authority": connection.authority,
        "content-type": "application/json",
        "x-fake": "&".join(f"{key}={value}" for key, value in fake.items()),
        **(parent.header if parent else {}),
    }
    number = connection.open_stream(list(fields.items()))
    connection.send_data(number, json.dumps(members).encode())
    return number


def test_an_http2_client_gets_the_same_bytes(relay):
    parent = llm_spans.new_parent()
    with http2.connect(relay.llm_proxy) as connection:
        stream = connection.wait(http2_request(connection, STREAM, {"chunks": 100}, parent))
    direct = proxy.ask(relay, members=STREAM, fake={"chunks": 100}).body
    assert (stream.http_status, stream.reset_code) == (200, None)
    assert without_ids(stream.data) == without_ids(direct)
    assert outcome(llm_spans.wait_for_one(relay, parent.trace_id)) == GOOD


def without_ids(body):
    return re.sub(rb'"id":"[^"]*"', b'"id":""', body)


@pytest.mark.parametrize("fault", ["close", "rst", "bad_chunk"])
def test_a_cut_answer_resets_the_stream_and_leaves_the_others(relay, fault):
    with http2.connect(relay.llm_proxy) as connection:
        good = http2_request(connection, STREAM, {"gap": 10, "chunks": 20})
        cut = connection.wait(http2_request(connection, STREAM, {"fault": fault, "at": 4, "gap": 5}))
        assert (cut.ended, cut.reset_code is not None) == (False, True)
        assert connection.wait(good).data.endswith(b"data: [DONE]\n\n")


def test_a_reset_of_a_stream_lets_the_upstream_go(relay, fake):
    fake.reset()
    parents = [llm_spans.new_parent() for _ in range(2)]
    with http2.connect(relay.llm_proxy) as connection:
        running = http2_request(connection, STREAM, {"gap": 20, "chunks": 500}, parents[0])
        waiting = http2_request(connection, STREAM, {"ttfb": 60_000}, parents[1])
        connection.read_until(lambda: b"alpha" in connection.streams[running].data)
        fake.wait_for(lambda counters: counters["in_flight"] == 2)
        for number in (running, waiting):
            connection.send_frame(http2.frames.RstStreamFrame(number, error_code=8))
        fake.wait_for(lambda counters: counters["aborted"] == 2)
        # The connection goes on.
        assert connection.wait(http2_request(connection, proxy.chat(), {})).http_status == 200
    statuses = [outcome(llm_spans.wait_for_one(relay, parent.trace_id)) for parent in parents]
    assert statuses == [failed("client_disconnected", 200), failed("client_disconnected")]


# All of it, again and again

FAULTS = [
    {"fault": "close_before_headers"},
    {"fault": "close_after_headers"},
    {"fault": "close", "at": 3},
    {"fault": "rst", "at": 3},
    {"fault": "bad_chunk", "at": 3},
    {"fault": "bad_json"},
    {"fault": "html"},
    {"fault": "error_event", "at": 3},
    {"fault": "hang", "at": 3},
    {"fault": "hang_before_headers"},
    {"status": 500},
]


def test_faults_leave_nothing_behind(start, fake):
    """Each fault in turn, as often as calls are given up above: no descriptor, no memory, a span each."""
    limits = {"ttfb_timeout": "30ms", "idle_timeout": "30ms"}
    relay = start(*proxy.arguments(fake.url, **limits))
    fake.reset()

    def suffer(rollout, count):
        path = f"/rollout/{rollout}/attempt/a{proxy.CHAT}"
        for number in range(count):
            with proxy.begin(relay, path, STREAM, fake=FAULTS[number % len(FAULTS)]) as connection:
                llm_wire.read(connection)
        return llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, rollout), count, 100)

    suffer("warm", 2 * len(FAULTS))
    descriptors, memory = descriptor_count(relay), relay.resident_bytes()
    suffer("measured", ABORTS)
    fake.wait_for(lambda counters: counters["in_flight"] == 0)
    wait_until(lambda: descriptor_count(relay) <= descriptors)
    assert relay.resident_bytes() - memory < 16 << 20
