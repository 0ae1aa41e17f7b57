"""DESIGN rules 1 and 2: tags on the span, on the resource, in the path, in the headers. The rest stays unassigned."""

from urllib.parse import quote

import pytest
from harness import otlp, rows, wire

ROLLOUT_KEY, ATTEMPT_KEY = "agentlightning.rollout_id", "agentlightning.attempt_id"


def request(name, resource=None, span=None):
    """A request with one span; `resource` and `span` are string attributes."""
    attributes = [wire.attribute(key, wire.string_value(value)) for key, value in (span or {}).items()]
    fields = [wire.blob(1, wire.key_value(key, wire.string_value(value))) for key, value in (resource or {}).items()]
    encoded = wire.span(rows.trace_of(name), rows.SPAN_ID, "span", *attributes)
    return wire.request(encoded, resource=b"".join(fields))


def served_under(server, name):
    """(rollout, attempt) under which the row's only span is served; (None, None) when it is unassigned."""
    trace_id = rows.trace_of(name).hex()
    found = []
    for rollout in server.get_json("/api/v1/rollouts")["rollouts"]:
        for attempt in rollout["attempts"]:
            names = [quote(rollout["rolloutId"], safe=""), quote(attempt["attemptId"], safe="")]
            path = "/api/v1/rollouts/{}/spans?attempt={}".format(*names)
            found += [
                (rollout["rolloutId"], attempt["attemptId"])
                for entry in otlp.read_pages(server, path)
                if entry["span"]["traceId"] == trace_id
            ]
    unassigned = otlp.read_pages(server, "/api/v1/unassigned/spans")
    found += [(None, None) for entry in unassigned if entry["span"]["traceId"] == trace_id]
    assert len(found) == 1, found
    return found[0]


TAGGED = {
    "on the resource": (
        {"resource": {ROLLOUT_KEY: "ro-1", ATTEMPT_KEY: "at-1"}},
        {},
        ("ro-1", "at-1"),
    ),
    "on the span": ({"span": {ROLLOUT_KEY: "ro-1", ATTEMPT_KEY: "at-1"}}, {}, ("ro-1", "at-1")),
    "on both, the span wins": (
        {"resource": {ROLLOUT_KEY: "ro-1", ATTEMPT_KEY: "at-1"}, "span": {ROLLOUT_KEY: "ro-2", ATTEMPT_KEY: "at-2"}},
        {},
        ("ro-2", "at-2"),
    ),
    "each key separately": (
        {"resource": {ROLLOUT_KEY: "ro-1", ATTEMPT_KEY: "at-1"}, "span": {ATTEMPT_KEY: "at-2"}},
        {},
        ("ro-1", "at-2"),
    ),
    "an empty text is absent": (
        {"resource": {ROLLOUT_KEY: "ro-1", ATTEMPT_KEY: "at-1"}, "span": {ROLLOUT_KEY: "", ATTEMPT_KEY: ""}},
        {},
        ("ro-1", "at-1"),
    ),
    "in the headers": ({}, {"headers": {"x-rollout-id": "ro-1", "x-attempt-id": "at-1"}}, ("ro-1", "at-1")),
    "in the path": ({}, {"path": "/rollout/ro-1/attempt/at-1/v1/traces"}, ("ro-1", "at-1")),
    "in the path, percent-encoded": (
        {},
        {"path": "/rollout/ro%20%C3%BC/attempt/at%2F1/v1/traces"},
        ("ro ü", "at/1"),
    ),
    "attributes before the request": (
        {"resource": {ROLLOUT_KEY: "ro-1", ATTEMPT_KEY: "at-1"}},
        {"headers": {"x-rollout-id": "ro-2", "x-attempt-id": "at-2"}},
        ("ro-1", "at-1"),
    ),
    "nowhere": ({}, {}, (None, None)),
    "empty everywhere": (
        {"resource": {ROLLOUT_KEY: "", ATTEMPT_KEY: ""}},
        {"headers": {"x-rollout-id": "", "x-attempt-id": ""}},
        (None, None),
    ),
}


@pytest.mark.parametrize("name", TAGGED)
def test_a_span_is_tagged(server, name):
    body, options, expected = TAGGED[name]
    otlp.assert_success(server.post(request(name, **body), **options))
    assert served_under(server, name) == expected


def test_a_rollout_without_an_attempt_is_served_by_its_rollout(server):
    otlp.assert_success(server.post(request("no attempt", resource={ROLLOUT_KEY: "ro-1"})))
    [entry] = otlp.read_pages(server, "/api/v1/rollouts/ro-1/spans")
    assert entry["span"]["traceId"] == rows.trace_of("no attempt").hex()
    assert otlp.read_pages(server, "/api/v1/unassigned/spans") == []


def test_tags_of_other_kinds_than_text_are_turned_into_text(server):
    """AGL turns any scalar into a string (agl-store contract, section 10)."""
    number = wire.attribute(ROLLOUT_KEY, wire.integer(3, 42))
    otlp.assert_success(server.post(rows.body_of("number", number)))
    [entry] = otlp.read_pages(server, "/api/v1/rollouts/42/spans")
    assert entry["span"]["traceId"] == rows.trace_of("number").hex()


def test_tags_do_not_change_what_is_stored(server):
    """Tags from a path or header are facts about the span; its attributes stay as they were sent."""
    otlp.assert_success(server.post(rows.body_of("clean"), "/rollout/ro-1/attempt/at-1/v1/traces"))
    [entry] = otlp.read_pages(server, "/api/v1/rollouts/ro-1/spans")
    assert "attributes" not in entry["span"]
    assert entry["resource"] == {}
