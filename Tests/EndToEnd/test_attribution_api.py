"""Saying where spans belong over HTTP: bindings, sessions, claims, and why a span or a rollout is as it is."""

import json

import pytest
from harness import commands, http1, otlp, rows, wire
from harness import server as program

ROOT, CHILD, OTHER = (bytes([0] * 7 + [number]) for number in (1, 2, 3))
SECOND = 10**9


def ask(server, method, path, body=None, headers=None):
    headers = {"Content-Type": "application/json", **(headers or {})} if body is not None else headers
    encoded = None if body is None else json.dumps(body).encode()
    return http1.request(server.api, method, "/api/v1/" + path, headers, encoded)


def ok(response, status=200):
    assert response.status == status, response
    return response.json() if response.body else None


def span(name, span_id, parent=None, start=None, session=None, extra=()):
    """A span of the trace of that name."""
    fields = list(extra)
    if parent:
        fields.append(wire.blob(4, parent))
    if start is not None:
        fields += [wire.fixed64(7, start), wire.fixed64(8, start + SECOND)]
    if session:
        fields.append(wire.attribute("session.id", wire.string_value(session)))
    return wire.span(rows.trace_of(name), span_id, "span", *fields)


def send(server, *spans, **options):
    otlp.assert_success(server.post(wire.request(*spans), **options))


def tree(server, name, **options):
    """A trace of a root, its child, and another child of the root."""
    send(server, span(name, ROOT, **options), span(name, CHILD, ROOT, **options), span(name, OTHER, ROOT, **options))
    return rows.trace_of(name).hex()


def spans_of(server, rollout):
    """Span ids by their last digit, in order."""
    return sorted(int(entry["span"]["spanId"], 16) for entry in otlp.read_pages(server, f"/api/v1/rollouts/{rollout}/spans"))


def unassigned(server):
    return len(otlp.read_pages(server, "/api/v1/unassigned/spans"))


# Bindings


@pytest.mark.parametrize("spans_first", [True, False])
def test_a_binding_assigns_a_trace_whenever_it_comes(server, spans_first):
    trace = rows.trace_of("bound").hex()
    if spans_first:
        tree(server, "bound")
        assert unassigned(server) == 3
    made = ok(ask(server, "POST", "bindings", {"trace_id": trace, "rollout_id": "ro-1", "attempt_id": "at-1"}), 201)
    assert (made["traceId"], made["spanId"], made["rolloutId"], made["attemptId"]) == (trace, None, "ro-1", "at-1")
    if not spans_first:
        tree(server, "bound")
    assert spans_of(server, "ro-1") == [1, 2, 3]
    assert unassigned(server) == 0
    # The same words again are the same binding.
    again = ok(ask(server, "POST", "bindings", {"traceId": trace, "rolloutId": "ro-1", "attemptId": "at-1"}))
    assert again == made
    assert ok(ask(server, "DELETE", f"bindings/{made['id']}"), 204) is None
    assert ask(server, "DELETE", f"bindings/{made['id']}").status == 404
    assert (spans_of(server, "ro-1"), unassigned(server)) == ([], 3)


def test_a_binding_of_a_span_assigns_what_is_below_it(server):
    trace = tree(server, "part")
    send(server, span("part", bytes([0] * 7 + [4]), CHILD))
    body = {"trace_id": trace, "span_id": CHILD.hex(), "rollout_id": "ro-part"}
    assert ok(ask(server, "POST", "bindings", body), 201)["spanId"] == CHILD.hex()
    report = ok(ask(server, "GET", f"spans/{trace}/{'4'.zfill(16)}/attribution"))["spans"][0]
    assert (report["rolloutId"], report["rule"]) == ("ro-part", "subtree")
    assert set(spans_of(server, "ro-part")) >= {2, 4}


def test_a_traceparent_stands_for_its_trace(server):
    trace = tree(server, "parent")
    traceparent = f"00-{trace}-{CHILD.hex()}-01"
    made = ok(ask(server, "POST", "bindings", {"trace_id": traceparent, "rollout_id": "ro-1"}), 201)
    assert (made["traceId"], made["spanId"]) == (trace, None)
    assert spans_of(server, "ro-1") == [1, 2, 3]
    assert ok(ask(server, "GET", f"bindings?trace={traceparent}"))["bindings"] == [made]
    assert len(otlp.read_pages(server, f"/api/v1/traces/{traceparent}")) == 3
    assert ask(server, "GET", f"spans/{traceparent}/{CHILD.hex()}/attribution").status == 200


def test_lists_have_pages_and_survive_a_restart(start):
    server = start()
    traces = [rows.trace_of(f"page {number}").hex() for number in range(5)]
    for trace in traces:
        ok(ask(server, "POST", "bindings", {"trace_id": trace, "rollout_id": "ro-1"}), 201)
    server.stop()
    server = start()
    found, cursor = [], "0"
    while cursor:
        page = ok(ask(server, "GET", f"bindings?limit=2&cursor={cursor}"))
        found += [binding["traceId"] for binding in page["bindings"]]
        cursor = page.get("nextCursor")
    assert found == traces


# Sessions


def test_a_session_assigns_spans_that_start_in_its_time(server):
    at = 1_700_000_000 * SECOND
    for number, start in enumerate([at - 1, at, at + SECOND - 1, at + SECOND], 1):
        send(server, span(f"session {number}", bytes([0] * 7 + [number]), start=start, session="s"))
    body = {"session": "s", "rollout_id": "ro-s", "attempt_id": "at-s", "from": "2023-11-14T22:13:20Z", "to": at + SECOND}
    made = ok(ask(server, "POST", "sessions", body), 201)
    assert (made["fromUnixNano"], made["toUnixNano"]) == (str(at), str(at + SECOND))
    assert spans_of(server, "ro-s") == [2, 3]
    # With the same start it replaces; without an end it goes on.
    open_end = ok(ask(server, "POST", "sessions", {**body, "to": None}))
    assert (open_end["id"], open_end["toUnixNano"]) == (made["id"], None)
    assert spans_of(server, "ro-s") == [2, 3, 4]
    assert ok(ask(server, "GET", "sessions?session=s"))["sessions"] == [open_end]
    assert ok(ask(server, "GET", "sessions?session=other"))["sessions"] == []
    ok(ask(server, "DELETE", f"sessions/{made['id']}"), 204)
    assert (spans_of(server, "ro-s"), unassigned(server)) == ([], 4)


# Unassigned spans


def test_unassigned_spans_are_grouped_by_trace(server):
    at = 1_700_000_000 * SECOND
    first = tree(server, "first", start=at, session="s")
    second = tree(server, "second", start=at + 10 * SECOND)
    listed = ok(ask(server, "GET", "unassigned"))["traces"]
    assert [(trace["traceId"], trace["spans"], trace["sessions"]) for trace in listed] == [(first, 3, ["s"]), (second, 3, [])]
    assert (listed[0]["startTimeUnixNano"], listed[0]["endTimeUnixNano"]) == (str(at), str(at + SECOND))
    page = ok(ask(server, "GET", "unassigned?limit=1"))
    assert [trace["traceId"] for trace in page["traces"]] == [first]
    rest = ok(ask(server, "GET", f"unassigned?cursor={page['nextCursor']}"))
    assert [trace["traceId"] for trace in rest["traces"]] == [second]
    late = ok(ask(server, "GET", f"unassigned?from={at + 5 * SECOND}"))
    assert [trace["traceId"] for trace in late["traces"]] == [second]


def test_unassigned_spans_are_grouped_by_session(server):
    at = 1_700_000_000 * SECOND

    def named(trace, span_id, start, **sessions):
        extra = [wire.attribute(key.replace("_", "."), wire.string_value(value)) for key, value in sessions.items()]
        send(server, span(trace, span_id, start=start, extra=extra))

    def listed(query=""):
        page = ok(ask(server, "GET", "unassigned?by=session" + query))
        found = [(one["attribute"], one["session"], one["spans"], one["traces"]) for one in page["sessions"]]
        return found, page.get("withoutSession"), page.get("nextCursor")

    assert listed() == ([], {"spans": 0, "traces": 0}, None)
    named("one", ROOT, at + SECOND, session_id="s")
    named("one", CHILD, at, session_id="s", openclaw_sessionKey="s")
    named("two", ROOT, at + 10 * SECOND, session_id="s")
    named("two", CHILD, at, openclaw_sessionKey="t")
    tree(server, "three", start=at)
    send(server, span("two", OTHER, start=at))
    # Spans that belong somewhere are of no concern, whatever they name.
    resource = wire.rollout_resource("ro-1", "at-1")
    otlp.assert_success(server.post(wire.request(span("four", ROOT, session="s"), resource=resource)))
    whole = [("session.id", "s", 3, 2), ("openclaw.sessionKey", "s", 1, 1), ("openclaw.sessionKey", "t", 1, 1)]
    rest = {"spans": 4, "traces": 2}
    assert listed() == (whole, rest, None)
    first = ok(ask(server, "GET", "unassigned?by=session"))["sessions"][0]
    assert first["firstStartTimeUnixNano"] == str(at)
    assert first["lastStartTimeUnixNano"] == str(at + 10 * SECOND)
    # Pages: the rest is counted with the first.
    found, count, cursor = listed("&limit=2")
    assert (found, count) == (whole[:2], rest)
    assert listed(f"&limit=2&cursor={cursor}") == (whole[2:], None, None)
    assert listed(f"&from={at + 5 * SECOND}") == (whole[:1], rest, None)
    # What is claimed or registered is no longer there.
    ok(ask(server, "POST", "unassigned/claim", {"session": "t", "rollout_id": "ro-t"}))
    assert listed()[0] == [("session.id", "s", 2, 1), ("openclaw.sessionKey", "s", 1, 1)]
    ok(ask(server, "POST", "sessions", {"session": "s", "rollout_id": "ro-s", "from": at}), 201)
    assert listed() == ([], {"spans": 3, "traces": 1}, None)
    response = ask(server, "GET", "unassigned?by=rollout")
    assert (response.status, response.json()["error"]["message"]) == (400, "by must be trace or session")


AT = 1_700_000_000 * SECOND
CLAIMSAT = 1_700_000_000 * SECOND
CLAIMS = {
    "traces": lambda traces: {"trace_ids": traces},
    "a session": lambda traces: {"session": "s"},
    "a window": lambda traces: {"from": AT, "to": AT + 1},
}


@pytest.mark.parametrize("name", CLAIMS)
def test_unassigned_spans_can_be_claimed(server, name):
    traces = [tree(server, f"claimed {number}", start=AT, session="s") for number in range(2)]
    tree(server, "not claimed", start=AT + 10 * SECOND)
    body = {**CLAIMS[name](traces), "rollout_id": "ro-c", "attempt_id": "at-c"}
    claimed = ok(ask(server, "POST", "unassigned/claim", body))
    assert sorted(binding["traceId"] for binding in claimed["bindings"]) == sorted(traces)
    assert claimed["hasMore"] is False
    assert spans_of(server, "ro-c") == [1, 1, 2, 2, 3, 3]
    assert unassigned(server) == 3
    # A claim is of what is there: later traces are not concerned.
    tree(server, "later", start=AT, session="s")
    assert unassigned(server) == 6


# Why


def test_a_span_is_explained(server):
    trace = tree(server, "explained")
    first, second = (
        ok(ask(server, "POST", "bindings", {"trace_id": trace, "rollout_id": "ro-1", **more}), 201)
        for more in ({}, {"span_id": CHILD.hex(), "attempt_id": "at-1"})
    )
    report = ok(ask(server, "GET", f"spans/{trace}/{CHILD.hex()}/attribution"))["spans"][0]
    assert (report["rule"], report["rolloutId"], report["attemptId"]) == ("subtree", "ro-1", "at-1")
    assert report["findings"][0]["evidence"] == {"kind": "bindings", "bindings": [second]}
    assert report["otherwise"]["rule"] == "binding"
    assert f"binding {second['id']}" in report["explanation"]
    ok(ask(server, "DELETE", f"bindings/{first['id']}"), 204)
    ok(ask(server, "DELETE", f"bindings/{second['id']}"), 204)
    report = ok(ask(server, "GET", f"spans/{trace}/{CHILD.hex()}/attribution"))["spans"][0]
    assert (report["rule"], report["rolloutId"], report["findings"]) == ("none", None, [])
    assert ask(server, "GET", f"spans/{'11' * 16}/{CHILD.hex()}/attribution").status == 404


def test_places_that_contradict_each_other_are_named(server):
    trace = tree(server, "contradicted")
    for rollout in ("ro-1", "ro-2"):
        ok(ask(server, "POST", "bindings", {"trace_id": trace, "rollout_id": rollout}), 201)
    report = ok(ask(server, "GET", f"spans/{trace}/{ROOT.hex()}/attribution"))["spans"][0]
    assert report["rule"] == "none"
    assert sorted(place["rolloutId"] for place in report["contradictions"]) == ["ro-1", "ro-2"]


def doctor(server, rollout):
    completed = program.run("doctor", "--rollout", rollout, "--data", server.data, "--format", "json")
    assert completed.returncode == 0, completed.stderr
    return json.loads(completed.stdout)


def codes(diagnosis):
    return [finding["code"] for finding in diagnosis["findings"]]


def agl(server, path, body):
    headers = {"Content-Type": "application/json"}
    response = http1.request(server.api, "POST", "/v1/agl" + path, headers, json.dumps(body).encode())
    assert response.status in (200, 201), response
    return response.json()


def test_an_empty_rollout_is_explained_by_the_server_and_the_doctor(server):
    made = agl(server, "/rollouts", {"input": 1})
    rollout, attempt = made["rollout_id"], made["attempt"]["attempt_id"]
    diagnosis = ok(ask(server, "GET", f"rollouts/{rollout}/diagnosis"))
    assert codes(diagnosis) == ["empty"]
    trace = tree(server, "its own", start=int(made["attempt"]["start_time"] * SECOND) + 1)
    diagnosis = ok(ask(server, "GET", f"rollouts/{rollout}/diagnosis"))
    assert codes(diagnosis)[0] == "unassigned"
    assert [found["traceId"] for found in diagnosis["unassigned"]["traces"]] == [trace]
    # The text has the request that helps.
    _, _, request = diagnosis["findings"][0]["text"].partition("/api/v1/unassigned/claim ")
    assert json.loads(request) == {"trace_ids": [trace], "rollout_id": rollout, "attempt_id": attempt}
    ok(ask(server, "POST", "unassigned/claim", json.loads(request)))
    diagnosis = ok(ask(server, "GET", f"rollouts/{rollout}/diagnosis"))
    assert diagnosis["rules"] == {"binding": 3}
    assert "unassigned" not in codes(diagnosis)
    # What was refused is known to the server alone, and a rollout that has not ended goes on.
    seen = doctor(server, rollout)
    assert (diagnosis.pop("refused"), seen.pop("refused")) == ([], None)
    for one in (diagnosis, seen):
        one["unassigned"].pop("toUnixNano")
    assert diagnosis == seen


def test_the_doctor_speaks_to_people(server):
    made = agl(server, "/rollouts", {"input": 1})
    completed = program.run("doctor", "--rollout", made["rollout_id"], "--data", server.data)
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout.startswith("problem: no span names this rollout")
    assert made["attempt"]["attempt_id"] in completed.stdout
    unknown = program.run("doctor", "--rollout", "ro-nobody", "--data", server.data)
    assert "is the id right?" in unknown.stdout
    assert program.run("doctor", "--data", server.data).returncode == 64


@pytest.mark.parametrize("width", [70, 80, 120])
def test_the_doctor_fits_the_terminal(server, width):
    made = agl(server, "/rollouts", {"input": 1})
    rollout = made["rollout_id"]
    tree(server, "its own", start=int(made["attempt"]["start_time"] * SECOND) + 1)
    lines = commands.lines_on_a_terminal(width, "doctor", "--rollout", rollout, "--data", server.data)
    assert all(len(line) <= width for line in lines), lines
    # Nothing is cut, and in a pipe nothing is broken either.
    piped = program.run("doctor", "--rollout", rollout, "--data", server.data).stdout.splitlines()
    fields = piped.index("")
    text = "".join("".join(lines).split())
    for line in piped[:fields]:
        assert "".join(line.split()) in text
    assert max(map(len, piped)) > 120
    assert f"/api/v1/rollouts/{rollout}/diagnosis" in text


def test_what_was_refused_and_named_the_rollout_is_told(server):
    bad = wire.span(rows.trace_of("refused"), b"\1", "bad")
    body = wire.request(bad, span("refused", ROOT), resource=wire.rollout_resource("ro-r", "at-r"))
    assert server.post(body).status == 200
    assert server.post(b"\xff", headers={"x-rollout-id": "ro-r"}).status == 400
    diagnosis = ok(ask(server, "GET", "rollouts/ro-r/diagnosis"))
    assert [refusal["rolloutIds"] for refusal in diagnosis["refused"]] == [["ro-r"], ["ro-r"]]
    assert codes(diagnosis)[0] == "refused"


def test_spans_that_come_after_the_end_are_late(server):
    made = agl(server, "/rollouts", {"input": 1})
    rollout, attempt = made["rollout_id"], made["attempt"]["attempt_id"]
    resource = wire.rollout_resource(rollout, attempt)
    otlp.assert_success(server.post(wire.request(span("late", ROOT), resource=resource)))
    agl(server, f"/rollouts/{rollout}/attempts/{attempt}", {"status": "succeeded"})
    otlp.assert_success(server.post(wire.request(span("late", CHILD), resource=resource)))
    diagnosis = ok(ask(server, "GET", f"rollouts/{rollout}/diagnosis"))
    assert diagnosis["lateSpans"] == 1
    assert "late" in codes(diagnosis)


# Requests that are refused; the Swift tests have the whole table


GOOD = {"trace_id": "11" * 16, "rollout_id": "ro-1"}
BAD = [
    ("bindings", {**GOOD, "trace_id": "11"}, "trace_id"),
    ("bindings", {**GOOD, "surely_unknown": 1}, "surely_unknown"),
    ("bindings", {**GOOD, "rollout_id": "x" * 1025}, "rollout_id"),
    ("sessions", {"session": "s", "rollout_id": "ro-1", "from": 2, "to": 1}, "later"),
    ("unassigned/claim", {"rollout_id": "ro-1"}, "one of"),
]


@pytest.mark.parametrize("path, body, word", BAD, ids=lambda value: str(value)[:40])
def test_bad_requests_name_what_is_wrong(shared_server, path, body, word):
    response = ask(shared_server, "POST", path, body)
    assert response.status == 400
    assert word in response.json()["error"]["message"]


def test_bodies_are_bounded(shared_server):
    headers = {"Content-Type": "application/json"}
    large = json.dumps(GOOD).encode() + b" " * (1 << 20)
    assert http1.request(shared_server.api, "POST", "/api/v1/bindings", headers, large).status == 413
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert http1.request(shared_server.api, "POST", "/api/v1/bindings", form, b"{}").status == 415


def test_pages_of_strangers_change_nothing(server):
    foreign = {"Origin": "http://evil.example"}
    assert ask(server, "POST", "bindings", GOOD, foreign).status == 403
    assert ask(server, "DELETE", "bindings/1", headers=foreign).status == 403
    assert ask(server, "GET", "bindings", headers=foreign).json()["bindings"] == []
    own = {"Origin": "http://{}:{}".format(*server.api)}
    assert ask(server, "POST", "bindings", GOOD, own).status == 201


def test_methods(shared_server):
    for method, path, allowed in [("PUT", "bindings", "GET, HEAD, POST"), ("GET", "unassigned/claim", "POST"), ("GET", "bindings/1", "DELETE")]:
        response = ask(shared_server, method, path)
        assert (response.status, response.header("Allow")) == (405, allowed)


# Rollouts that are made


@pytest.mark.parametrize("option, rollout", [("trace", "trace-{trace}"), ("session", "session-s"), ("off", None)])
def test_rollouts_can_be_made_for_what_nothing_assigns(start, option, rollout):
    server = start("--set", f"attribution.auto_rollout={option}")
    trace = tree(server, "auto", session="s")
    if rollout is None:
        assert unassigned(server) == 3
    else:
        assert spans_of(server, rollout.format(trace=trace)) == [1, 2, 3]
        report = ok(ask(server, "GET", f"spans/{trace}/{ROOT.hex()}/attribution"))["spans"][0]
        assert report["findings"][0]["evidence"] == {"kind": "option", "autoRollout": option}
