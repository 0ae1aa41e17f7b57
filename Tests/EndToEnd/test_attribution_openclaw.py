"""OpenClaw says nothing of rollouts: its spans find theirs by the trace (2026.8) or by the session (2026.1).

Every scenario is a set of facts, requests with spans and registrations, and where each span has to end up. The facts
come in every order, or in many where there are too many orders.
"""

import dataclasses
import itertools
import json
import random

import pytest
from harness import attribution, corpus, http1, otlp
from harness.attribution import UNASSIGNED

JSON = "application/json"
EXPORTS = {export.path.name: export for export in corpus.OPENCLAW_EXPORTS}

# The trace that the turn of 2026.8 took over from whoever asked the gateway for it.
UPSTREAM_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{UPSTREAM_TRACE}-00f067aa0ba902b7-01"
SPLIT_TRACE = "c4447403"
MAIN, DIRECT = "agent:main:main", "agent:main:telegram:dm:42"
PLACE, OTHER_PLACE = ("ro-claw", "at-claw"), ("ro-other", "at-other")


# Facts


@dataclasses.dataclass
class Export:
    """A request with spans, sent the way it came from the gateway."""

    body: bytes = dataclasses.field(repr=False)
    content_type: str
    encoding: str | None = None

    def tell(self, server):
        headers = {"Content-Type": self.content_type}
        if self.encoding:
            headers["Content-Encoding"] = self.encoding
        otlp.assert_success(server.post(self.body, headers=headers), self.content_type)


@dataclasses.dataclass
class Binding:
    trace_id: str
    place: tuple = PLACE

    def tell(self, server):
        attribution.bind(server, self.trace_id, *self.place)


@dataclasses.dataclass
class Session:
    session: str
    place: tuple = PLACE
    start: int = 0
    end: int | None = None

    def tell(self, server):
        attribution.register_session(server, self.session, *self.place, start=self.start, end=self.end)


@dataclasses.dataclass
class Scenario:
    """`documents` are the requests in their decoded form; `place_of(span)` says where one of their spans belongs."""

    exports: list
    registrations: list
    documents: list
    place_of: object

    @property
    def facts(self):
        return [*self.exports, *self.registrations]

    @property
    def spans(self):
        return [entry for document in self.documents for entry in otlp.flatten(document)]

    @property
    def expected(self):
        return {otlp.identity(entry): self.place_of(entry["span"]) for entry in self.spans}


def recorded(name, registrations, place_of):
    """A scenario with a payload of the OTLP fixtures."""
    payload = corpus.PAYLOADS[name]
    export = Export(payload.body, payload.content_type, payload.facts["content_encoding"])
    return Scenario([export], registrations, [payload.expected], place_of)


def exported(names, registrations, place_of):
    """A scenario with exports of the OpenClaw fixtures."""
    exports = [EXPORTS[name] for name in names]
    requests = [Export(export.body, export.content_type) for export in exports]
    return Scenario(requests, registrations, [export.expected for export in exports], place_of)


def in_trace(trace_id, place=PLACE):
    return lambda span: place if span["traceId"] == trace_id else UNASSIGNED


def in_session(*registrations):
    """By the session that a span names under a key that sessions are looked for under, and its start."""

    def place_of(span):
        values = {attribute["key"]: attribute["value"].get("stringValue") for attribute in span.get("attributes", [])}
        names = [values.get(key) for key in ("openclaw.session_id", "openclaw.sessionKey")]
        start = int(span["startTimeUnixNano"])
        for one in registrations:
            if one.session in names and one.start <= start and (one.end is None or start < one.end):
                return one.place
        return UNASSIGNED

    return place_of


def by_session(make, source, *registrations):
    return make(source, list(registrations), in_session(*registrations))


def turn(name):
    """A turn of 2026.8: its trace is bound, the spans around it are traces of their own."""
    trace_id = corpus.PAYLOADS[name].facts["trace_ids"][-1]
    return recorded(name, [Binding(trace_id)], in_trace(trace_id))


# The second of January's spans that name the main session, and when its last begins.
TURN_2026_1, STUCK_2026_1 = 1_772_000_000_120_000_000, 1_772_000_009_500_000_000
STUCK_LEGACY = 1_760_000_009_300_000_000


def split_trace():
    [trace_id] = {
        entry["span"]["traceId"] for entry in otlp.flatten(EXPORTS["content-capture-part1-children.json"].expected)
    }
    assert trace_id.startswith(SPLIT_TRACE)
    names = ["content-capture-part1-children.json", "content-capture-part2-parents.json"]
    return exported(names, [Binding(trace_id)], in_trace(trace_id))


SCENARIOS = {
    # 2026.8: no session anywhere, so that the trace has to be bound.
    **{name: turn(name) for name in corpus.PAYLOADS if name.startswith("oc_turn_")},
    "2026.8 protobuf": exported(["diagnostics-otel-2026.8.pb"], [Binding(UPSTREAM_TRACE)], in_trace(UPSTREAM_TRACE)),
    "2026.8 JSON": exported(["diagnostics-otel-2026.8.json"], [Binding(UPSTREAM_TRACE)], in_trace(UPSTREAM_TRACE)),
    "2026.8, bound by the traceparent that was sent": exported(
        ["diagnostics-otel-2026.8.pb"], [Binding(TRACEPARENT)], in_trace(UPSTREAM_TRACE)
    ),
    "2026.8, a trace in two requests": split_trace(),
    "2026.8, two bindings that differ": exported(
        ["diagnostics-otel-2026.8.pb"],
        [Binding(UPSTREAM_TRACE), Binding(UPSTREAM_TRACE, OTHER_PLACE)],
        lambda span: UNASSIGNED,
    ),
    "what the gateway says of itself": recorded(
        "oc_ops_proto", [Binding(UPSTREAM_TRACE), Session(MAIN)], lambda span: UNASSIGNED
    ),
    # 2026.1: every span is a trace of its own, and some name their session.
    **{
        name: by_session(
            recorded,
            name,
            Session(DIRECT),
            # Its only span starts when the registration ends.
            Session(MAIN, OTHER_PLACE, end=STUCK_LEGACY),
        )
        for name in ("oc_legacy_json", "oc_legacy_json_gzip")
    },
    "2026.1": by_session(exported, ["diagnostics-otel-2026.1.json"], Session(MAIN)),
    "2026.1, an attempt after the other": by_session(
        exported,
        ["diagnostics-otel-2026.1.json"],
        Session(MAIN, ("ro-claw", "at-1"), end=STUCK_2026_1),
        Session(MAIN, ("ro-claw", "at-2"), start=STUCK_2026_1),
    ),
    "2026.1, a session that begins with a span": by_session(
        exported, ["diagnostics-otel-2026.1.json"], Session(MAIN, start=TURN_2026_1)
    ),
    # The fork that Agent Lightning's bridge needs: both ways at once; what one knows does not spread to others.
    "the fork, by session": by_session(exported, ["agl-fork-otel-setup.json"], Session(MAIN)),
    "the fork, by trace and session": exported(
        ["agl-fork-otel-setup.json"],
        [
            Binding(otlp.flatten(EXPORTS["agl-fork-otel-setup.json"].expected)[0]["span"]["traceId"]),
            Session(MAIN, OTHER_PLACE),
        ],
        lambda span: PLACE,
    ),
}


def test_the_scenarios_are_about_what_they_say():
    """Guards the table: a payload that lost its sessions would make an empty expectation come true."""
    counts = {name: list(scenario.expected.values()).count(PLACE) for name, scenario in SCENARIOS.items()}
    assert {name: count for name, count in counts.items() if name.startswith("oc_turn_")} == {
        "oc_turn_proto": 14,
        "oc_turn_proto_gzip": 14,
        "oc_turn_latest_proto": 14,
        "oc_turn_latest_json": 14,
    }
    assert counts["oc_legacy_json"] == counts["oc_legacy_json_gzip"] == 2
    assert counts["2026.8 protobuf"] == counts["2026.8 JSON"] == 10
    assert counts["2026.8, a trace in two requests"] == 5
    assert (counts["2026.1"], counts["2026.1, a session that begins with a span"]) == (3, 2)
    places = list(SCENARIOS["2026.1, an attempt after the other"].expected.values())
    assert (places.count(("ro-claw", "at-1")), places.count(("ro-claw", "at-2"))) == (2, 1)
    assert (counts["the fork, by session"], counts["the fork, by trace and session"]) == (2, 6)


ORDERS = [
    pytest.param(name, order, id=f"{name}-{'-'.join(map(str, order))}")
    for name, scenario in SCENARIOS.items()
    for order in itertools.permutations(range(len(scenario.facts)))
]


@pytest.mark.parametrize("name, order", ORDERS)
def test_spans_end_where_they_belong_in_every_order_of_the_facts(server, name, order):
    scenario = SCENARIOS[name]
    for index in order:
        scenario.facts[index].tell(server)
    attribution.wait_for_places(server, scenario.expected)


def one_span_a_request(documents):
    """The same spans in a request each, as a gateway sends them that flushes often."""
    requests = []
    for document in documents:
        for resource_spans in document["resourceSpans"]:
            for scope_spans in resource_spans["scopeSpans"]:
                for span in scope_spans["spans"]:
                    one = {**resource_spans, "scopeSpans": [{**scope_spans, "spans": [span]}]}
                    requests.append(Export(json.dumps({"resourceSpans": [one]}).encode(), JSON))
    return requests


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "name",
    ["oc_turn_proto", "oc_turn_latest_json", "2026.8 JSON", "2026.8, a trace in two requests", "oc_legacy_json"]
    + ["2026.1, an attempt after the other", "2026.8, two bindings that differ", "the fork, by trace and session"],
)
def test_spans_that_come_one_by_one_end_in_the_same_place(server, name, seed):
    scenario = SCENARIOS[name]
    facts = [*one_span_a_request(scenario.documents), *scenario.registrations]
    random.Random(seed).shuffle(facts)
    for fact in facts:
        fact.tell(server)
    attribution.wait_for_places(server, scenario.expected)


@pytest.mark.parametrize("name", ["oc_turn_proto", "oc_legacy_json", "2026.8, two bindings that differ"])
def test_a_restart_and_the_same_facts_again_change_nothing(start, name):
    scenario = SCENARIOS[name]
    server = start()
    for fact in scenario.facts:
        fact.tell(server)
    attribution.wait_for_places(server, scenario.expected)
    assert server.stop() == 0

    server = start()
    attribution.wait_for_places(server, scenario.expected)
    for fact in reversed(scenario.facts):
        fact.tell(server)
    attribution.wait_for_places(server, scenario.expected)
    assert server.metric("fulgurite_spans_stored_total") == 0
    assert server.metric("fulgurite_spans_duplicates_total") == len(scenario.spans)


def test_each_generation_goes_by_its_own_rule(server):
    # Both fixtures of 2026.8 would share the upstream trace.
    for name in ("oc_turn_proto", "oc_legacy_json"):
        for fact in SCENARIOS[name].facts:
            fact.tell(server)
    expected = {**SCENARIOS["oc_turn_proto"].expected, **SCENARIOS["oc_legacy_json"].expected}
    attribution.wait_for_places(server, expected)
    [turn_trace] = {fact.trace_id for fact in SCENARIOS["oc_turn_proto"].registrations}
    for (trace_id, span_id), place in expected.items():
        rule = "none" if place == UNASSIGNED else "binding" if trace_id == turn_trace else "session"
        assert attribution.rule_of(server, trace_id, span_id) == rule


def test_a_registration_that_is_taken_back_was_never_made(server):
    bound, other = SCENARIOS["2026.8 protobuf"], SCENARIOS["2026.8, two bindings that differ"]
    for fact in bound.facts:
        fact.tell(server)
    attribution.wait_for_places(server, bound.expected)
    contradiction = attribution.bind(server, UPSTREAM_TRACE, *OTHER_PLACE)
    attribution.wait_for_places(server, other.expected)
    attribution.unregister(server, "bindings", contradiction["id"])
    attribution.wait_for_places(server, bound.expected)

    sessions = SCENARIOS["oc_legacy_json"]
    for fact in sessions.exports:
        fact.tell(server)
    registered = attribution.register_session(server, DIRECT, *PLACE)
    attribution.wait_for_places(server, {**bound.expected, **sessions.expected})
    attribution.unregister(server, "sessions", registered["id"])
    nothing = dict.fromkeys(sessions.expected, UNASSIGNED)
    attribution.wait_for_places(server, {**bound.expected, **nothing})


# A gateway's spans of one trace, far more than the transaction of a binding moves.
LARGE_TRACE = 20_000


def test_a_large_trace_that_is_bound_late_moves_as_a_whole(server):
    trace_id = "1a5e" * 8
    for first in range(0, LARGE_TRACE, 5000):
        otlp.assert_success(server.post(large_request(trace_id, first), headers={"Content-Type": JSON}), JSON)
    attribution.bind(server, trace_id, *PLACE)
    small = SCENARIOS["2026.8 protobuf"]
    # Others are served meanwhile.
    for fact in small.facts:
        fact.tell(server)
    expected = {(trace_id, f"{number + 1:016x}"): PLACE for number in range(LARGE_TRACE)}
    attribution.wait_for_places(server, {**expected, **small.expected})


def large_request(trace_id, first):
    spans = [
        {"traceId": trace_id, "spanId": f"{number + 1:016x}", "name": "openclaw.model.call"}
        | ({"parentSpanId": f"{number // 2 + 1:016x}"} if number else {})
        for number in range(first, first + 5000)
    ]
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()


@pytest.mark.parametrize("kind", ["bindings", "sessions"])
def test_a_registration_without_its_members_is_refused(server, kind):
    response = http1.request(server.api, "POST", f"/api/v1/{kind}", {"Content-Type": JSON}, b"{}")
    assert response.status == 400
