"""Where the store deliberately does better than Agent Lightning's own, and its recordings cannot show it."""

import json
import time

import pytest
from harness import http1, otlp, wire
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

JSON = {"Content-Type": "application/json"}
TRACE = "0af7651916cd43dd8448eb211c80319c"


def call(server, method, path, body=None, headers=None):
    payload = None if body is None else json.dumps(body).encode()
    return http1.request(server.api, method, "/v1/agl" + path, {**JSON, **(headers or {})}, payload)


def post(server, path, body=None):
    response = call(server, "POST", path, body)
    assert response.status in (200, 201), response
    return response.json()


def start_rollout(server, **fields):
    rollout = post(server, "/rollouts", {"input": None, **fields})
    return rollout["rollout_id"], rollout["attempt"]["attempt_id"]


def add_span(server, rollout, attempt, number):
    span = {
        "rollout_id": rollout,
        "attempt_id": attempt,
        "sequence_id": number,
        "trace_id": TRACE,
        "span_id": f"{number:016x}",
        "parent_id": None,
        "name": "late",
        "status": {"status_code": "OK"},
        "attributes": {},
        "events": [],
        "links": [],
        "start_time": 1.0,
        "end_time": 2.0,
        "context": None,
        "parent": None,
        "resource": {"attributes": {}, "schema_url": ""},
    }
    assert post(server, "/spans", span)["name"] == "late"


def export_span(server, rollout, attempt, number):
    attributes = {"agentlightning.rollout_id": rollout, "agentlightning.attempt_id": attempt}
    request = ExportTraceServiceRequest.FromString(
        wire.request(wire.span(bytes.fromhex(TRACE), number.to_bytes(8, "big")))
    )
    for key, value in attributes.items():
        request.resource_spans[0].resource.attributes.add(key=key).value.string_value = value
    otlp.assert_success(server.post(request.SerializeToString()))


@pytest.mark.parametrize("send", [add_span, export_span])
@pytest.mark.parametrize("status", ["failed", "timeout"])
def test_a_late_span_does_not_cancel_a_retry(server, send, status):
    """With AGL's store the rollout turns running, nobody runs it, and it never ends."""
    rollout, attempt = start_rollout(server, config={"max_attempts": 2, "retry_condition": ["failed", "timeout"]})
    post(server, f"/rollouts/{rollout}/attempts/{attempt}", {"status": status})
    send(server, rollout, attempt, 1)
    assert call(server, "GET", f"/rollouts/{rollout}").json()["status"] == "requeuing"
    (retried,) = post(server, "/queues/rollouts/dequeue")
    assert (retried["rollout_id"], retried["attempt"]["sequence_id"]) == (rollout, 2)


def test_rollouts_are_filtered_by_mode(server):
    for mode in ("train", "val", None, "train"):
        start_rollout(server, mode=mode)
    page = call(server, "GET", "/rollouts?mode_in=train&mode_in=test&limit=1").json()
    assert (len(page["items"]), page["total"]) == (1, 2)
    assert page["items"][0]["mode"] == "train"


def test_rollouts_are_sorted_by_duration(server):
    """The dashboard offers this column, and AGL's server answers 400. An unfinished rollout comes last."""
    rollouts = [start_rollout(server)[0] for _ in range(3)]
    for rollout in (rollouts[2], rollouts[0]):
        post(server, f"/rollouts/{rollout}", {"status": "succeeded"})
    response = call(server, "GET", "/rollouts?sort_by=duration&sort_order=asc")
    assert response.status == 200, response
    items = response.json()["items"]
    durations = [item["end_time"] - item["start_time"] for item in items if item["end_time"]]
    assert durations == sorted(durations)
    assert items[-1]["rollout_id"] == rollouts[1]


def test_errors_carry_cors_headers(start):
    """Without them a page sees a failure of the network instead of the reason."""
    server = start("--set", "agl.cors_origins=http://dash.local")
    origin = {"Origin": "http://dash.local"}
    for method, path, body in [("POST", "/rollouts/ro-none", {"status": "failed"}), ("POST", "/spans", {})]:
        response = call(server, method, path, body, origin)
        assert response.status in (404, 422), response
        assert response.header("Access-Control-Allow-Origin") == "http://dash.local"


def test_what_agl_takes_and_this_store_refuses(start):
    """Each of these is in docs/agent-lightning.md."""
    server = start("--set", "limits.request_bytes=64KiB")
    assert call(server, "POST", "/rollouts", {"input": "x" * (64 << 10)}).status == 413
    for path, body in [
        ("/queues/rollouts/dequeue", {"limit": 2**63}),
        ("/rollouts/search", {"offset": 2**63}),
        ("/rollouts", {"input": 1, "config": {"max_attempts": 2**63}}),
        ("/spans", {"sequence_id": 2**63}),
    ]:
        response = call(server, "POST", path, body)
        assert response.status == 422 and b"int_parsing_size" in response.body, (path, response)
    for method, path, allowed in [
        ("GET", "/queues/rollouts/enqueue", "POST"), ("GET", "/waits/rollouts", "POST"), ("POST", "/health", "GET"),
    ]:  # fmt: skip
        response = call(server, method, path)
        assert (response.status, response.header("Allow")) == (405, allowed), (path, response)


def test_what_is_unknown_is_said_at_once(server):
    """AGL's own server answers 500, which its client repeats for eight seconds."""
    started = time.monotonic()
    assert call(server, "GET", "/rollouts/ro-none").body == b"null"
    assert call(server, "POST", "/rollouts/ro-none/attempts").status == 404
    assert time.monotonic() - started < 5
