"""Agent Lightning 0.3.0's own exporter and store client work against the server, unmodified."""

import json
import subprocess

import pytest
from harness import corpus, otlp, paths
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

# What the server adds to AGL's span model (docs/wire.md); the client keeps unknown keys.
ADDED_KEYS = {
    "kind",
    "instrumentation_scope",
    "trace_state",
    "flags",
    "dropped_attributes_count",
    "dropped_events_count",
    "dropped_links_count",
}

RECORDINGS = {
    "otel": ([f"otlp-otel-step-{number:02}.bin" for number in range(1, 14)], "expected-otel.json"),
    "agentops": (["otlp-agentops-step.bin"], "expected-agentops.json"),
    "llmproxy": (["otlp-llmproxy-call-1.bin", "otlp-llmproxy-call-2.bin"], "expected-llmproxy.json"),
}


def run_client(*arguments):
    """Runs a command of agl_client.py in the environment with AGL's dependencies, and returns its JSON."""
    command = [paths.AGL_PYTHON, paths.END_TO_END / "agl_client.py", *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def root(server):
    return f"http://{server.api[0]}:{server.api[1]}"


def known_part(span):
    """The part of an answered span that AGL's model knows, so that it can be compared with a recording of AGL's store.

    The trace state is one of the deliberate differences: AGL drops it.
    """
    known = without_additions(span)
    known["context"] = {**known["context"], "trace_state": {}}
    for key in ("events", "links"):
        known[key] = [without_additions(element) for element in known[key]]
    return known


def without_additions(element):
    return {key: value for key, value in element.items() if key not in ADDED_KEYS}


@pytest.mark.parametrize("recording", RECORDINGS)
def test_query_spans_returns_what_agls_own_store_returned(server, recording):
    bodies, expected_file = RECORDINGS[recording]
    for name in bodies:
        otlp.assert_success(server.post((corpus.AGL / name).read_bytes()))
    expected = json.loads((corpus.AGL / expected_file).read_bytes())["items"]
    spans = run_client("query", root(server), expected[0]["rollout_id"])
    assert [known_part(span) for span in spans] == expected


def test_query_spans_of_one_attempt_and_of_the_latest(server):
    for name in RECORDINGS["otel"][0]:
        server.post((corpus.AGL / name).read_bytes())
    span = json.loads((corpus.AGL / "expected-otel.json").read_bytes())["items"][0]
    assert len(run_client("query", root(server), span["rollout_id"], span["attempt_id"])) == 13
    assert run_client("query", root(server), span["rollout_id"], "at-00000000") == []
    assert run_client("query", root(server), "ro-unknown") == []


def test_agls_exporter_and_client_work_together(server):
    """As in AGL's tracer: one synchronous export a span, children first, then query_spans by the algorithm."""
    spans = run_client("trace", root(server), "ro-0123456789ab", "at-01234567")
    assert [(span["name"], span["sequence_id"]) for span in spans] == [
        ("openai.chat.completion", 1),
        ("tool.call", 2),
        ("agent.run", 3),
    ]
    chat, tool, run = spans
    assert chat["attributes"]["prompt_token_ids"] == [1, 2, 3]
    assert chat["parent_id"] == tool["parent_id"] == run["span_id"]
    assert tool["events"][0]["attributes"] == {"attempt": 2}
    assert {span["rollout_id"] for span in spans} == {"ro-0123456789ab"}
    assert {span["attempt_id"] for span in spans} == {"at-01234567"}


@pytest.mark.parametrize("name", ["py_anyvalue_all", "py_basic_http_plain", "js_nonfinite_proto", "js_kinds_proto"])
def test_values_that_agls_model_refuses_are_converted(server, name):
    """One null, map or mixed list anywhere would make the whole query_spans call raise in the client."""
    payload = corpus.PAYLOADS[name]
    request = ExportTraceServiceRequest.FromString(payload.body)
    for resource_spans in request.resource_spans:
        attribute = resource_spans.resource.attributes.add(key="agentlightning.rollout_id")
        attribute.value.string_value = "ro-0123456789ab"
    otlp.assert_success(server.post(request.SerializeToString()))
    spans = run_client("query", root(server), "ro-0123456789ab")
    assert {span["span_id"] for span in spans} == {entry["span"]["spanId"] for entry in otlp.flatten(payload.expected)}


def test_statistics_reaches_the_client(server):
    server.post((corpus.AGL / "otlp-agentops-step.bin").read_bytes())
    statistics = run_client("statistics", root(server))
    assert statistics["total_spans"] == 16
    assert isinstance(statistics["name"], str)
    assert isinstance(statistics["uptime"], float)
    assert {"total_rollouts", "total_attempts", "total_resources", "total_workers"} <= set(statistics)
