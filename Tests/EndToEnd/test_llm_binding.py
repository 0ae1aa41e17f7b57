"""Where proxied calls belong: to the caller's trace, and to the rollout that a path, a header or a binding names."""

import concurrent.futures
import hashlib
import json
import os

import pytest
from harness import attribution, http1, llm_spans, llm_wire, otlp, provider, proxy, server, wire

ROLLOUT, ATTEMPT, SEQUENCE = (f"agentlightning.{name}" for name in ("rollout_id", "attempt_id", "span_sequence_id"))
CONFLICT = "agentlightning.binding.conflict"
CLIENT_KEY = "sk-binding-client"


@pytest.fixture(scope="module")
def fake():
    with provider.FakeProvider() as running:
        yield running


@pytest.fixture(scope="module")
def relay(fake, tmp_path_factory):
    """A proxy on loopback without keys: its callers are trusted."""
    upstreams = {"openai": {}, "own": {"propagate_trace_context": "true"}, "anthropic": {"api": "anthropic"}}
    arguments = proxy.arguments(fake.url, upstreams)
    with server.Fulgurite(tmp_path_factory.mktemp("binding") / "data", *arguments) as running:
        yield running


def call(running, headers=None, path=proxy.CHAT, members=None, fake=None):
    """A call, and the id of its span."""
    answer = proxy.ask(running, path, members, headers, fake)
    assert answer.status == 200, answer
    return answer.header("x-proxy-request-id")


def place_of(running, span):
    """(rollout, attempt) where the store has a span."""
    report = running.get_json(f"/api/v1/spans/{span.trace_id}/{span.span_id}/attribution")["spans"][0]
    return report["rolloutId"], report["attemptId"]


def wait_for_span(running, span_id):
    """A span that is somewhere: in a rollout or in none."""

    def found():
        spans = llm_spans.unassigned(running)
        for rollout in attribution.rollouts(running):
            spans += llm_spans.of_rollout(running, rollout)
        return [span for span in spans if span.span_id == span_id]

    return llm_spans.wait_for(found)[0]


def unique(word):
    return f"{word}-{os.urandom(4).hex()}"


# Paths


@pytest.mark.parametrize("version", ["", "/v1"])
@pytest.mark.parametrize("streams", [False, True])
def test_a_path_names_rollout_and_attempt(relay, fake, version, streams):
    rollout, attempt = unique("ro"), unique("at")
    members = proxy.chat(stream=streams)
    span_id = call(relay, path=f"/rollout/{rollout}/attempt/{attempt}{version}/chat/completions", members=members)
    [span] = llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, rollout, attempt))
    assert (span.span_id, place_of(relay, span)) == (span_id, (rollout, attempt))
    assert attribution.rule_of(relay, span.trace_id, span.span_id) == "request"
    assert fake.last().target == proxy.CHAT
    assert agl_span(relay, rollout)["sequence_id"] == 1


def agl_spans(running, rollout):
    """The spans of a rollout as Agent Lightning's clients get them."""
    body = json.dumps({"rollout_id": rollout, "limit": -1}).encode()
    headers = {"Content-Type": "application/json"}
    response = http1.request(running.api, "POST", "/v1/agl/spans/search", headers, body)
    assert response.status == 200, response
    return response.json()["items"]


def agl_span(running, rollout):
    [span] = agl_spans(running, rollout)
    return span


def test_parallel_calls_get_the_numbers_from_1_to_n(relay):
    rollout = unique("ro")
    count = 30

    def one(number):
        members = proxy.chat(stream=number % 2 == 0)
        return call(relay, path=f"/rollout/{rollout}/attempt/at{proxy.CHAT}", members=members)

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        ids = list(pool.map(one, range(count)))
    llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, rollout), count)
    spans = agl_spans(relay, rollout)
    assert sorted(span["sequence_id"] for span in spans) == list(range(1, count + 1))
    assert sorted(span["span_id"] for span in spans) == sorted(ids)


def test_numbers_follow_the_order_of_arrival_not_of_the_answers(relay, fake):
    rollout = unique("ro")
    path = f"/rollout/{rollout}/attempt/at{proxy.CHAT}"
    fake.reset()
    with proxy.begin(relay, path, proxy.chat("first"), fake={"ttfb": 400}) as connection:
        fake.wait_for(lambda counters: counters["in_flight"] == 1)
        call(relay, path=path, members=proxy.chat("second"))
        assert llm_wire.read(connection).status == 200
    llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, rollout), 2)
    numbers = {span["attributes"]["gen_ai.request.model"]: span["sequence_id"] for span in agl_spans(relay, rollout)}
    assert numbers == {"first": 1, "second": 2}


def test_numbers_go_on_where_agent_lightnings_clients_left_off(relay):
    """The counter is the store's, whoever asks for a number."""
    rollout = unique("ro")
    call(relay, path=f"/rollout/{rollout}/attempt/at{proxy.CHAT}")
    body = json.dumps({"rollout_id": rollout, "attempt_id": "at"}).encode()
    answer = http1.request(relay.api, "POST", "/v1/agl/spans/next", {"Content-Type": "application/json"}, body)
    assert (answer.status, answer.json()) == (200, {"sequence_id": 2})
    call(relay, path=f"/rollout/{rollout}/attempt/at{proxy.CHAT}")
    llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, rollout), 2)
    assert sorted(span["sequence_id"] for span in agl_spans(relay, rollout)) == [1, 3]


def test_all_spans_of_a_call_have_its_number(start, fake):
    relay = start(*proxy.arguments(fake.url), *proxy.setting("llm.span_profile", "agl"))
    for number in (1, 2):
        members = proxy.chat(return_token_ids=True)
        call(relay, path="/rollout/ro/attempt/at" + proxy.CHAT, members=members, fake={"tools": 2})
        llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, "ro"), 4 * number)
    spans = agl_spans(relay, "ro")
    assert sorted(span["sequence_id"] for span in spans) == [1] * 4 + [2] * 4
    for number in (1, 2):
        assert len({span["trace_id"] for span in spans if span["sequence_id"] == number}) == 1


# Headers of trusted callers


def test_headers_name_rollout_and_attempt(relay, fake):
    rollout = unique("ro")
    call(relay, {"x-rollout-id": rollout, "x-attempt-id": "at"})
    [span] = llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, rollout, "at"))
    assert CONFLICT not in span.attributes
    assert not fake.last().names & {"x-rollout-id", "x-attempt-id"}


def test_baggage_names_rollout_and_attempt(relay, fake):
    rollout = unique("ro")
    value = f"other=1;p=2, {ROLLOUT}={rollout[:2]}%2D{rollout[3:]}, {ATTEMPT}=a%74"
    call(relay, {"baggage": value})
    [span] = llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, rollout, "at"))
    assert place_of(relay, span) == (rollout, "at")
    assert "baggage" not in fake.last().names


def test_tracestate_names_rollout_and_attempt(relay):
    rollout = unique("ro")
    parent = llm_spans.new_parent()
    call(relay, {**parent.header, "tracestate": f"other=1,agl=r:{rollout};a:at"})
    [span] = llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, rollout, "at"))
    assert span.document["traceState"] == f"other=1,agl=r:{rollout};a:at"
    assert attribution.rule_of(relay, span.trace_id, span.span_id) == "context"


def test_a_path_counts_more_than_headers_and_the_conflict_is_noted(relay):
    first, second = unique("ro"), unique("ro")
    headers = {"x-rollout-id": second, "x-attempt-id": "other"}
    call(relay, headers, path=f"/rollout/{first}/attempt/at{proxy.CHAT}")
    [span] = llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, first, "at"))
    assert llm_spans.of_rollout(relay, second) == []
    for word in (first, second, "path", "headers"):
        assert word in span.attributes[CONFLICT]


def test_headers_count_more_than_baggage(relay):
    first, second = unique("ro"), unique("ro")
    call(relay, {"x-rollout-id": first, "x-attempt-id": "at", "baggage": f"{ROLLOUT}={second}"})
    [span] = llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, first, "at"))
    assert "baggage" in span.attributes[CONFLICT]


def test_sources_that_agree_are_no_conflict(relay):
    rollout = unique("ro")
    headers = {"x-rollout-id": rollout, "x-attempt-id": "at", "baggage": f"{ROLLOUT}={rollout},{ATTEMPT}=at"}
    call(relay, headers, path=f"/rollout/{rollout}/attempt/at{proxy.CHAT}")
    [span] = llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, rollout, "at"))
    assert CONFLICT not in span.attributes


@pytest.mark.parametrize("value", ["a b", "ä", "x" * 129, "", "a/b"])
def test_an_id_in_a_header_that_is_none_is_passed_over(relay, value):
    headers = {"x-rollout-id": value.encode().decode("latin-1"), "x-attempt-id": "at"}
    span = wait_for_span(relay, call(relay, headers))
    assert value == "" or span.attributes.get(ROLLOUT) != value


@pytest.fixture(scope="module")
def distrustful(fake, tmp_path_factory):
    """A proxy that goes on with nobody's trace."""
    arguments = [*proxy.arguments(fake.url), *proxy.setting("llm.trust_trace_context", "never")]
    with server.Fulgurite(tmp_path_factory.mktemp("never") / "data", *arguments) as running:
        yield running


def test_a_caller_that_is_not_trusted_begins_a_trace_with_a_link(distrustful):
    parent = llm_spans.new_parent()
    span = wait_for_span(distrustful, call(distrustful, parent.header))
    assert (span.trace_id != parent.trace_id, span.parent_id) == (True, None)
    [link] = span.document["links"]
    assert (link["traceId"], link["spanId"]) == (parent.trace_id, parent.span_id)
    assert llm_spans.in_trace(distrustful, parent.trace_id) == []


# Sessions


@pytest.mark.parametrize("header", ["agent-session-id", "x-session-id"])
def test_a_session_header_assigns_calls_to_the_sessions_rollout(relay, header):
    rollout, session = unique("ro"), unique("session")
    attribution.register_session(relay, session, rollout, "at")
    call(relay, {header: session})
    [span] = llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, rollout, "at"))
    assert session in span.attributes.values()


def test_the_session_headers_are_configurable(start, fake):
    relay = start(*proxy.arguments(fake.url), *proxy.setting("llm.session_header", "x-my-session"))
    attribution.register_session(relay, "s", "ro", "at")
    call(relay, {"x-session-id": "s"})
    mine = call(relay, {"x-my-session": "s"})
    [span] = llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, "ro"))
    assert span.span_id == mine


# Trace context

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALID = {
    "sampled": f"00-{TRACE}-{SPAN}-01",
    "not sampled": f"00-{TRACE}-{SPAN}-00",
    "random": f"00-{TRACE}-{SPAN}-03",
    "flags of the future": f"00-{TRACE}-{SPAN}-fd",
    "a later version": f"cc-{TRACE}-{SPAN}-01",
    "a later version that goes on": f"cc-{TRACE}-{SPAN}-01-what-the-future-brings",
}
INVALID = {
    "empty": "",
    "short": f"00-{TRACE}-{SPAN}-0",
    "no flags": f"00-{TRACE}-{SPAN}",
    "upper case": f"00-{TRACE.upper()}-{SPAN}-01",
    "upper-case span": f"00-{TRACE}-{SPAN.upper()}-01",
    "zero trace": f"00-{'0' * 32}-{SPAN}-01",
    "zero span": f"00-{TRACE}-{'0' * 16}-01",
    "version ff": f"ff-{TRACE}-{SPAN}-01",
    "no hex": f"00-{TRACE[:-1]}x-{SPAN}-01",
    "flags that are no hex": f"00-{TRACE}-{SPAN}-0x",
    "version that is no hex": f"0x-{TRACE}-{SPAN}-01",
    "a long trace": f"00-{TRACE}0-{SPAN}-01",
    "version 0 that goes on": f"00-{TRACE}-{SPAN}-01-more",
    "a later version that goes on without a dash": f"cc-{TRACE}-{SPAN}-01.more",
    "underscores": f"00_{TRACE}_{SPAN}_01",
    "spaces inside": f"00-{TRACE} -{SPAN}-01",
}


@pytest.mark.parametrize("name", VALID)
def test_a_call_is_a_child_of_the_span_that_a_valid_traceparent_names(relay, fake, name):
    trace = os.urandom(16).hex()
    span_id = call(relay, {"traceparent": VALID[name].replace(TRACE, trace)}, "/own" + proxy.CHAT)
    span = llm_spans.wait_for_one(relay, trace)
    assert (span.span_id, span.parent_id) == (span_id, SPAN)
    flags = int(VALID[name][53:55], 16) & 3
    assert fake.last().header("traceparent") == f"00-{trace}-{span_id}-{flags:02x}"


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_traceparent_begins_a_trace(relay, fake, name):
    value = INVALID[name]
    span_id = call(relay, {"traceparent": value, "tracestate": "a=b"}, "/own" + proxy.CHAT)
    # The upstream of this path is told the trace.
    trace = fake.last().header("traceparent").split("-")[1]
    span = llm_spans.wait_for_one(relay, trace)
    assert (span.span_id, span.parent_id) == (span_id, None)
    assert trace not in (TRACE, "0" * 32)
    assert span.document.get("traceState", "") == ""
    assert not span.document.get("links")


def test_two_traceparents_begin_a_trace(relay):
    parents = [llm_spans.new_parent() for _ in range(2)]
    body = json.dumps(proxy.chat()).encode()
    fields = "".join(f"traceparent: {parent.header['traceparent']}\r\n" for parent in parents)
    with http1.Connection(relay.llm_proxy) as connection:
        head = f"POST {proxy.CHAT} HTTP/1.1\r\nHost: x\r\n{fields}Content-Length: {len(body)}\r\n\r\n"
        connection.send(head.encode() + body)
        span = wait_for_span(relay, llm_wire.read(connection).header("x-proxy-request-id"))
    assert span.parent_id is None
    assert span.trace_id not in [parent.trace_id for parent in parents]


def test_trace_headers_stay_here_unless_the_upstream_is_ones_own(relay, fake):
    parent = llm_spans.new_parent()
    call(relay, {**parent.header, "tracestate": "a=b,c=d"})
    assert not fake.last().names & {"traceparent", "tracestate"}
    span_id = call(relay, {**parent.header, "tracestate": "a=b,c=d"}, "/own" + proxy.CHAT)
    assert fake.last().header("traceparent") == f"00-{parent.trace_id}-{span_id}-01"
    assert fake.last().header("tracestate").replace(" ", "").endswith("a=b,c=d")


STATES = {
    "one": (["a=1"], "a=1"),
    "two fields in order": (["a=1,b=2", "c=3"], "a=1,b=2,c=3"),
    "empty members": (["a=1,,b=2, "], "a=1,b=2"),
    "too many members": ([",".join(f"k{number}=v" for number in range(33))], ""),
    "a long member goes first": ([f"a=1,b={'x' * 200},c={'y' * 400}"], None),
}


@pytest.mark.parametrize("name", STATES)
def test_the_tracestate_goes_into_the_span(relay, name):
    values, expected = STATES[name]
    parent = llm_spans.new_parent()
    body = json.dumps(proxy.chat()).encode()
    fields = "".join(f"tracestate: {value}\r\n" for value in values)
    with http1.Connection(relay.llm_proxy) as connection:
        lines = f"Host: x\r\ntraceparent: {parent.header['traceparent']}\r\n{fields}Content-Length: {len(body)}"
        connection.send(f"POST {proxy.CHAT} HTTP/1.1\r\n{lines}\r\n\r\n".encode() + body)
        assert llm_wire.read(connection).status == 200
    state = llm_spans.wait_for_one(relay, parent.trace_id).document.get("traceState", "")
    if expected is None:
        # Whole members only, and at least 512 characters where there are so many.
        assert state.startswith("a=1") and len(state) <= 700
        assert set(state.split(",")) <= set(values[0].split(","))
    else:
        assert state == expected


# Bindings of traces, before and after


@pytest.mark.parametrize("call_first", [True, False])
def test_a_binding_of_the_trace_assigns_the_call_whenever_it_comes(relay, call_first):
    rollout = unique("ro")
    parent = llm_spans.new_parent()
    if call_first:
        call(relay, parent.header)
        span = llm_spans.wait_for_one(relay, parent.trace_id)
        assert place_of(relay, span) == (None, None)
        attribution.bind(relay, parent.trace_id, rollout, "at")
    else:
        attribution.bind(relay, parent.trace_id, rollout, "at")
        call(relay, parent.header)
    [span] = llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, rollout, "at"))
    assert span.trace_id == parent.trace_id


def callers_span(parent, *fields):
    """A request with the caller's own span."""
    trace, span = bytes.fromhex(parent.trace_id), bytes.fromhex(parent.span_id)
    return wire.request(wire.span(trace, span, "agent", *fields))


@pytest.mark.parametrize("call_first", [True, False])
def test_the_callers_span_decides_whenever_it_comes(relay, call_first):
    """An agent exports its spans when they end, which is after the calls that they made."""
    rollout = unique("ro")
    parent = llm_spans.new_parent()
    attributes = [wire.attribute(ROLLOUT, wire.string_value(rollout)), wire.attribute(ATTEMPT, wire.string_value("at"))]
    if call_first:
        call(relay, parent.header)
        llm_spans.wait_for_one(relay, parent.trace_id)
    otlp.assert_success(relay.post(callers_span(parent, *attributes)))
    if not call_first:
        call(relay, parent.header)
    spans = llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, rollout, "at"), 2)
    assert llm_spans.tree(spans)["agent"] == ["chat fake-model"]


def test_a_bound_call_assigns_the_agents_own_spans_of_its_trace(relay):
    """One call with a path tells where the whole trace belongs."""
    rollout = unique("ro")
    parent = llm_spans.new_parent()
    call(relay, parent.header, f"/rollout/{rollout}/attempt/at{proxy.CHAT}")
    llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, rollout, "at"))
    otlp.assert_success(relay.post(callers_span(parent)))
    spans = llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, rollout), 2)
    assert {span.name for span in spans} == {"agent", "chat fake-model"}


def test_a_call_that_nothing_names_is_kept_unassigned(relay):
    span = wait_for_span(relay, call(relay))
    assert place_of(relay, span) == (None, None)


def test_a_key_makes_a_caller_trusted_and_none_makes_nobody_on_another_machine(start, fake):
    """With keys a caller has shown one, and its headers count."""
    hashed = "sha256:" + hashlib.sha256(CLIENT_KEY.encode()).hexdigest()
    relay = start(*proxy.arguments(fake.url), *proxy.setting("auth.llm.tokens", hashed))
    parent = llm_spans.new_parent()
    headers = {"Authorization": f"Bearer {CLIENT_KEY}", "x-rollout-id": "ro", "x-attempt-id": "at", **parent.header}
    call(relay, headers)
    [span] = llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, "ro", "at"))
    assert span.parent_id == parent.span_id


# Session keys


def test_a_session_key_binds_whatever_is_called_with_it(start, fake):
    relay = start(*proxy.arguments(fake.url))
    begun = http1.request(relay.llm_proxy, "POST", "/rl/start_session", None, b'{"task_id":"t"}').json()
    [session] = begun["sessions"]
    headers = {"Authorization": f"Bearer {begun['api_key']}"}
    call(relay, headers)
    call(relay, {"x-api-key": begun["api_key"]}, proxy.MESSAGES, proxy.message())
    place = session["rollout_id"], session["attempt_id"]
    spans = llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, *place), 2)
    assert [place_of(relay, span) for span in spans] == [place, place]
    # The key is ours, not the provider's.
    received = fake.requests(2)
    assert begun["api_key"] not in json.dumps([request.fields for request in received])
    # What the path or a header says counts less, and is noted.
    call(relay, {**headers, "x-rollout-id": "other"}, f"/rollout/elsewhere/attempt/at{proxy.CHAT}")
    spans = llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, *place), 3)
    assert len([span for span in spans if "elsewhere" in span.attributes.get(CONFLICT, "")]) == 1
    ended = http1.request(relay.llm_proxy, "POST", "/rl/end_session", headers, b"{}")
    assert ended.status == 200
    assert proxy.ask(relay, headers=headers).status in (401, 410)
