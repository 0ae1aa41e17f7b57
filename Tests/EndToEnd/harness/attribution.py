"""Facts about where spans belong, and where they ended up."""

import json
import time
from urllib.parse import quote

from . import http1, otlp, server

UNASSIGNED = (None, None)


# Registrations


def bind(running, trace_id, rollout, attempt=None, span_id=None):
    """Registers a binding of a trace, or of a span and what is below it; returns the answer's document."""
    return _register(running, "bindings", trace_id=trace_id, rollout_id=rollout, attempt_id=attempt, span_id=span_id)


def register_session(running, session, rollout, attempt=None, start=0, end=None):
    """Registers a session for the spans that begin in [start, end), in nanoseconds; returns the answer's document."""
    members = {"session": session, "rollout_id": rollout, "attempt_id": attempt, "from": start, "to": end}
    return _register(running, "sessions", **members)


def unregister(running, kind, number):
    """Takes a registration back; `kind` is `bindings` or `sessions`."""
    response = http1.request(running.api, "DELETE", f"/api/v1/{kind}/{number}")
    assert response.status == 204, response


def _register(running, kind, **members):
    body = json.dumps({key: value for key, value in members.items() if value is not None}).encode()
    response = http1.request(running.api, "POST", f"/api/v1/{kind}", {"Content-Type": "application/json"}, body)
    assert response.status in (200, 201), response
    document = response.json()
    assert (document["rolloutId"], document["attemptId"]) == (members["rollout_id"], members["attempt_id"])
    return document


# Where spans are


class SpanMoved(Exception):
    """A span was tagged anew between two of the requests that ask where all are."""


def places(running):
    """{(trace id, span id): (rollout, attempt)} of every stored span; SpanMoved when one is served in two places."""
    found = {}

    def note(entry, place):
        if found.setdefault(otlp.identity(entry), place) != place:
            raise SpanMoved(otlp.identity(entry), found[otlp.identity(entry)], place)

    for rollout, attempts in rollouts(running).items():
        for attempt in attempts:
            for entry in spans_of(running, rollout, attempt):
                note(entry, (rollout, attempt))
    for entry in unassigned_spans(running):
        note(entry, UNASSIGNED)
    return found


def rollouts(running):
    """{rollout: [attempts]}; an attempt of None stands for spans that have none."""
    page = running.get_json("/api/v1/rollouts?limit=1000")
    assert "nextCursor" not in page, "more rollouts than a page"
    return {entry["rolloutId"]: [attempt["attemptId"] for attempt in entry["attempts"]] for entry in page["rollouts"]}


def spans_of(running, rollout, attempt):
    """The spans of an attempt; of None those of the rollout that are in no attempt."""
    path = f"/api/v1/rollouts/{quote(rollout, safe='')}/spans"
    if attempt is not None:
        return otlp.read_pages(running, f"{path}?attempt={quote(attempt, safe='')}")
    in_attempts = {
        otlp.identity(entry)
        for other in rollouts(running).get(rollout, [])
        if other is not None
        for entry in spans_of(running, rollout, other)
    }
    return [entry for entry in otlp.read_pages(running, path) if otlp.identity(entry) not in in_attempts]


def unassigned_spans(running):
    return otlp.read_pages(running, "/api/v1/unassigned/spans")


def wait_for_places(running, expected):
    """Asks until every span is where it belongs: spans of a large trace move soon after what moves them.

    Then Agent Lightning's search has to say the same.
    """
    deadline = time.monotonic() + server.READY_SECONDS
    while (found := places_or_none(running)) != expected:
        if time.monotonic() > deadline:
            assert found == expected
    assert searched_places(running, {rollout for rollout, _ in expected.values()} - {None}) == {
        identity: place for identity, place in expected.items() if place != UNASSIGNED
    }


def places_or_none(running):
    try:
        return places(running)
    except SpanMoved:
        return None


def searched_places(running, names):
    """The same by Agent Lightning's `spans/search`, of these rollouts."""
    found = {}
    for name in names:
        body = json.dumps({"rollout_id": name, "limit": -1}).encode()
        headers = {"Content-Type": "application/json"}
        response = http1.request(running.api, "POST", "/v1/agl/spans/search", headers, body)
        assert response.status == 200, response
        for span in response.json()["items"]:
            # A rollout without an attempt has an empty text there: AGL's models want one.
            found[span["trace_id"], span["span_id"]] = (span["rollout_id"], span["attempt_id"] or None)
    return found


def rule_of(running, trace_id, span_id):
    """The name of the rule by which a span is where it is."""
    [report] = running.get_json(f"/api/v1/spans/{trace_id}/{span_id}/attribution")["spans"]
    return report["rule"]
