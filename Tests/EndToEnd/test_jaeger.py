"""Jaeger's query interface: every field of every recorded payload, against a reference made from what was sent."""

import hashlib
import json
import subprocess
import sys
import urllib.parse

import pytest
from harness import corpus, http1, jaeger, otlp, paths, rows, sending, wire
from harness import server as program

PAYLOADS = list(corpus.PAYLOADS.values())
NAME = lambda payload: payload.name  # noqa: E731


def get(server, path, **parameters):
    """A GET; lists are parameters that are given several times."""
    return server.get(path + ("?" + urllib.parse.urlencode(parameters, doseq=True) if parameters else ""))


def get_json(server, path, **parameters):
    response = get(server, path, **parameters)
    assert response.status == 200, response
    assert response.content_type == "application/json"
    return response.json()


def places(server):
    """Where each span belongs, by its ids, as AGL's interface tells it."""
    found = {}
    for rollout in server.get_json("/api/v1/rollouts")["rollouts"]:
        for item in server.get_json(f"/v1/agl/spans?rollout_id={rollout['rolloutId']}&limit=-1")["items"]:
            place = (item["rollout_id"], item["attempt_id"] or None, item["sequence_id"])
            found[item["trace_id"], item["span_id"]] = place
    return found


def stored(server, document):
    """The spans of a document with their places."""
    spans = jaeger.spans_of(document)
    where = places(server)
    for span in spans:
        span.place = where.get((span.trace_id, span.span["spanId"]), span.place)
    return spans


# The fixtures


@pytest.mark.parametrize("payload", PAYLOADS, ids=NAME)
def test_traces_of_a_payload_are_shown_field_by_field(server, payload):
    sending.send(server, payload)
    assert_shown(server, payload.expected)


@pytest.mark.parametrize("export", corpus.AGL_EXPORTS + corpus.OPENCLAW_EXPORTS, ids=NAME)
def test_traces_of_an_agent_lightning_or_openclaw_export_are_shown_field_by_field(server, export):
    otlp.assert_success(server.post(export.body, headers={"Content-Type": export.content_type}), export.content_type)
    assert_shown(server, export.expected)


def assert_shown(server, document):
    traces = jaeger.by_trace(stored(server, document))
    for trace_id, spans in traces.items():
        path = f"/api/traces/{trace_id}"
        jaeger.assert_same(get_json(server, path), jaeger.envelope([jaeger.trace(spans)]))
        jaeger.assert_same(get_json(server, path, raw="true"), jaeger.envelope([jaeger.trace(spans, is_raw=True)]))
    expected = jaeger.envelope([jaeger.trace(spans) for spans in traces.values()])
    if traces:
        jaeger.assert_same(get_json(server, "/api/traces", traceID=list(traces)), expected)
    assert_services(server, [span for spans in traces.values() for span in spans])
    assert_newer(server, traces)


def assert_services(server, spans):
    services = sorted({span.service for span in spans})
    assert get_json(server, "/api/services") == jaeger.envelope(services, len(services))
    assert get_json(server, "/api/v3/services") == {"services": services}
    for service in services:
        kinds = sorted(
            {(span.name, span.span.get("kind", 0)) for span in spans if span.service == service},
            key=lambda one: (one[0].encode() if one[0] != jaeger.EMPTY_NAME else b"", one[1]),
        )
        names = list(dict.fromkeys(name for name, _ in kinds))
        legacy = [{"name": name, "spanKind": jaeger.KINDS.get(kind, "")} for name, kind in kinds]
        newer = [{"name": name, "spanKind": jaeger.KINDS.get(kind, "internal")} for name, kind in kinds]
        assert get_json(server, "/api/operations", service=service) == jaeger.envelope(legacy, len(legacy))
        path = f"/api/services/{urllib.parse.quote(service, safe='')}/operations"
        assert get_json(server, path) == jaeger.envelope(names, len(names))
        assert get_json(server, "/api/v3/operations", service=service) == {"operations": newer}
        clients = [one for one in legacy if one["spanKind"] == "client"]
        answer = get_json(server, "/api/operations", service=service, spanKind="client")
        assert answer == jaeger.envelope(clients, len(clients))


def assert_newer(server, traces):
    """The newer interface answers with the spans as they were sent, and where they belong."""
    for trace_id, spans in traces.items():
        answer = get_json(server, f"/api/v3/traces/{trace_id}")
        assert set(answer) == {"result"}
        entries = otlp.flatten(answer["result"])
        native = {}
        for entry in otlp.read_trace(server, trace_id):
            native.setdefault(otlp.identity(entry), []).append(entry)
        for span in sorted(spans, key=lambda span: (span.start or 2**64, span.arrival)):
            entry = entries.pop(0)
            own = [attribute for attribute in span.span.get("attributes", [])]
            said = {attribute["key"] for attribute in own}
            more = [key for key, value in zip(jaeger.ROLLOUT_KEYS, span.place) if value is not None and key not in said]
            attributes = entry["span"].get("attributes", [])
            added = attributes[len(own) :]
            assert [attribute["key"] for attribute in added] == more
            if added:
                entry["span"]["attributes"] = attributes[: len(own)]
                if not own:
                    del entry["span"]["attributes"]
            assert entry in native[otlp.identity(entry)]
        assert not entries


@pytest.mark.parametrize("payload", [payload for payload in PAYLOADS if payload.facts["counts"]["spans"]], ids=NAME)
def test_a_payload_is_transformed_without_being_stored(shared_server, payload):
    body = json.dumps(payload.expected).encode()
    headers = {"Content-Type": "application/json"}
    response = http1.request(shared_server.api, "POST", "/api/transform", headers, body)
    assert response.status == 200, response
    # Nothing tells here that a span was sent twice.
    spans = [span for span in jaeger.spans_of(payload.expected)]
    traces = jaeger.by_trace(spans)
    jaeger.assert_same(response.json(), jaeger.envelope([jaeger.trace(spans) for spans in traces.values()]))
    assert shared_server.metric("fulgurite_spans_stored_total") == 0


def test_all_payloads_in_one_store(start):
    """Whatever is on one store with others is shown as it is alone; the newest traces come first."""
    server = start()
    for payload in PAYLOADS:
        sending.send(server, payload)
    found = get_json(server, "/api/v3/trace-summaries", **EVER, **{"query.searchDepth": 1000})["summaries"]
    sent = {span.trace_id for payload in PAYLOADS for span in jaeger.spans_of(payload.expected)}
    assert {summary["traceId"] for summary in found} == sent
    for summary in found:
        [trace] = get_json(server, f"/api/traces/{summary['traceId']}")["data"]
        services = {number: process["serviceName"] for number, process in trace["processes"].items()}
        counts = {}
        for span in trace["spans"]:
            counts.setdefault(services[span["processID"]], [0, 0])
            counts[services[span["processID"]]][0] += 1
            counts[services[span["processID"]]][1] += jaeger.tag("error", True, "bool") in span["tags"]
        assert summary["spanCount"] == len(trace["spans"])
        assert {one["name"]: [one["spanCount"], one["errorSpanCount"]] for one in summary["services"]} == counts
        assert summary["errorSpanCount"] == sum(errors for _, errors in counts.values())
        assert int(summary["minStartTimeUnixNano"]) // 1000 == min(span["startTime"] for span in trace["spans"])


EVER = {"query.startTimeMin": "1970-01-01T00:00:00Z", "query.startTimeMax": "2200-01-01T00:00:00Z"}


# Ids


def test_a_short_trace_id_is_padded_and_written_short(server):
    trace_id = bytes(8) + bytes.fromhex("00000000000000ab")
    otlp.assert_success(server.post(wire.request(wire.span(trace_id, rows.SPAN_ID))))
    for text in ("ab", "AB", "00000000000000ab", trace_id.hex()):
        [trace] = get_json(server, f"/api/traces/{text}")["data"]
        assert trace["traceID"] == trace["spans"][0]["traceID"] == "00000000000000ab"
    [resource_spans] = get_json(server, "/api/v3/traces/ab")["result"]["resourceSpans"]
    assert resource_spans["scopeSpans"][0]["spans"][0]["traceId"] == trace_id.hex()


def test_traces_by_ids_name_those_that_are_not_there(server):
    otlp.assert_success(server.post(rows.body_of("here")))
    here, gone = rows.trace_of("here").hex(), rows.trace_of("gone").hex()
    answer = get_json(server, "/api/traces", traceID=[gone, here, here])
    assert [trace["traceID"] for trace in answer["data"]] == [here]
    assert answer["errors"] == [{"code": 404, "msg": "trace not found", "traceID": gone}]


def test_server_spans_with_the_id_of_their_client_span_get_ids_of_their_own(server):
    trace = rows.trace_of("zipkin")
    parent = wire.blob(4, rows.SPAN_ID)
    spans = [
        wire.span(trace, rows.SPAN_ID, "client", wire.integer(6, 3)),
        wire.span(trace, rows.SPAN_ID, "server", wire.integer(6, 2)),
        wire.span(trace, bytes.fromhex("00000000000000ff"), "below", parent),
    ]
    otlp.assert_success(server.post(wire.request(*spans)))
    [shown] = get_json(server, f"/api/traces/{trace.hex()}")["data"]
    ids = {span["operationName"]: span["spanID"] for span in shown["spans"]}
    parents = {
        span["operationName"]: [one["spanID"] for one in span["references"] if one["refType"] == "CHILD_OF"]
        for span in shown["spans"]
    }
    assert ids == {"client": rows.SPAN_ID.hex(), "server": "0000000000000001", "below": "00000000000000ff"}
    assert parents == {"client": [], "server": [ids["client"]], "below": [ids["server"]]}
    [raw] = get_json(server, f"/api/traces/{trace.hex()}", raw="1")["data"]
    assert [span["spanID"] for span in raw["spans"]].count(rows.SPAN_ID.hex()) == 2


# Rollouts


def test_a_span_that_is_tagged_later_shows_its_rollout_and_is_found_by_it(server):
    otlp.assert_success(server.post(rows.body_of("late")))
    trace = rows.trace_of("late").hex()
    search = {"service": "missing-service-name", "start": 0, "tags": json.dumps({"agentlightning.rollout_id": "ro-1"})}
    assert get_json(server, "/api/traces", **search)["data"] == []
    body = json.dumps({"trace_id": trace, "rollout_id": "ro-1", "attempt_id": "at-1"}).encode()
    http1.request(server.api, "POST", "/api/v1/bindings", {"Content-Type": "application/json"}, body)
    [shown] = get_json(server, "/api/traces", **search)["data"]
    assert shown["traceID"] == trace
    expected = [
        jaeger.tag("agentlightning.rollout_id", "ro-1"),
        jaeger.tag("agentlightning.attempt_id", "at-1"),
        jaeger.tag("agentlightning.span_sequence_id", 1, "int64"),
    ]
    assert shown["spans"][0]["tags"] == expected
    attributes = get_json(server, f"/api/v3/traces/{trace}")["result"]["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert attributes["attributes"] == [
        {"key": "agentlightning.rollout_id", "value": {"stringValue": "ro-1"}},
        {"key": "agentlightning.attempt_id", "value": {"stringValue": "at-1"}},
        {"key": "agentlightning.span_sequence_id", "value": {"intValue": "1"}},
    ]


# Size


def test_a_large_trace_comes_whole(server):
    """12,000 spans in many requests; twice, of which the second time changes nothing."""
    trace = rows.trace_of("large")
    count, at_once = 12_000, 1_000
    bodies = []
    for start in range(1, count + 1, at_once):
        numbers = range(start, start + at_once)
        spans = [wire.span(trace, number.to_bytes(8, "big"), f"n{number % 7}") for number in numbers]
        bodies.append(wire.request(*spans))
    for body in bodies + bodies:
        otlp.assert_success(server.post(body))
    response = get(server, f"/api/traces/{trace.hex()}")
    [shown] = response.json()["data"]
    assert [int(span["spanID"], 16) for span in shown["spans"]] == list(range(1, count + 1))
    pretty = get(server, f"/api/traces/{trace.hex()}", prettyPrint="true")
    assert pretty.body.decode() == json.dumps(response.json(), indent=4, ensure_ascii=False)
    newer = get_json(server, f"/api/v3/traces/{trace.hex()}")["result"]
    assert len(otlp.flatten(newer)) == count


# What is not there, and what is no request


@pytest.mark.parametrize("query", ["", "?raw=true", "?start=1&end=2"])
def test_a_trace_that_is_not_there_is_404_in_the_envelope(shared_server, query):
    trace = "ab" * 16
    response = shared_server.get(f"/api/traces/{trace}{query}")
    assert response.status == 404
    error = {"code": 404, "msg": "trace not found", "traceID": trace}
    assert response.json() == jaeger.envelope(None, errors=[error])
    response = shared_server.get(f"/api/v3/traces/{trace}")
    assert response.status == 404
    assert response.json() == {"error": {"httpCode": 404, "message": "No traces found"}}


PAGE = [
    ("/api/traces", "service"),
    ("/api/traces?service=", "service"),
    ("/api/traces?service=s&start=x", "start"),
    ("/api/traces?service=s&end=1.5", "end"),
    ("/api/traces?service=s&start=2&end=1", "start"),
    ("/api/traces?service=s&limit=x", "limit"),
    ("/api/traces?service=s&limit=0", "limit"),
    ("/api/traces?service=s&limit=-1", "limit"),
    ("/api/traces?service=s&limit=1000000", "limit"),
    ("/api/traces?service=s&minDuration=1", "minDuration"),
    ("/api/traces?service=s&maxDuration=x", "maxDuration"),
    ("/api/traces?service=s&minDuration=2s&maxDuration=1s", "maxDuration"),
    ("/api/traces?service=s&tag=x", "tag"),
    ("/api/traces?service=s&tags=x", "tags"),
    ("/api/traces?service=s&tags=[]", "tags"),
    ('/api/traces?service=s&tags={"a":[1]}', "tags"),
    ("/api/traces?service=s&raw=maybe", "raw"),
    ("/api/traces?traceID=x", "trace id"),
    ("/api/traces/x", "trace id"),
    ("/api/traces/" + "0" * 33, "trace id"),
    ("/api/traces/1?start=x", "start"),
    ("/api/traces/1?raw=x", "raw"),
    ("/api/traces/1?prettyPrint=x", "prettyPrint"),
    ("/api/operations", "service"),
    ("/api/dependencies?endTs=x", "endTs"),
    ("/api/dependencies?lookback=x", "lookback"),
]
NEWER = [
    ("/api/v3/traces", "query.startTimeMin"),
    ("/api/v3/traces?query.startTimeMin=2026-01-01T00:00:00Z", "query.startTimeMax"),
    ("/api/v3/traces?query.startTimeMin=1&query.startTimeMax=2", "query.startTimeMin"),
    (
        "/api/v3/traces?query.startTimeMin=2026-01-02T00:00:00Z&query.startTimeMax=2026-01-01T00:00:00Z",
        "query.startTimeMin",
    ),
    ("/api/v3/traces/x", "trace id"),
    ("/api/v3/traces/1?startTime=x", "startTime"),
    ("/api/v3/traces/1?rawTraces=x", "rawTraces"),
    ("/api/v3/operations", "service"),
    ("/api/v3/dependencies", "startTime"),
    ("/api/v3/dependencies?startTime=2026-01-01T00:00:00Z", "endTime"),
]
NEWER += [
    (f"{path}?{urllib.parse.urlencode(EVER)}&query.{query}", query.partition("=")[0].replace("Min", "").replace("Max", ""))
    for path in ("/api/v3/traces", "/api/v3/trace-summaries")
    for query in ("searchDepth=x", "searchDepth=0", "durationMin=1", "durationMax=x", "attributes=x")
]


@pytest.mark.parametrize("path, named", PAGE, ids=lambda value: value)
def test_a_bad_request_is_400_in_the_envelope_and_named(shared_server, path, named):
    response = shared_server.get(path.replace('"', "%22").replace("{", "%7B").replace("}", "%7D"))
    assert response.status == 400, response
    [error] = response.json()["errors"]
    assert response.json() == jaeger.envelope(None, errors=[error])
    assert error["code"] == 400 and named in error["msg"]


@pytest.mark.parametrize("path, named", NEWER, ids=lambda value: value[:120])
def test_a_bad_request_to_the_newer_interface_is_400_and_named(shared_server, path, named):
    response = shared_server.get(path)
    assert response.status == 400, response
    assert set(response.json()) == {"error"}
    assert response.json()["error"]["httpCode"] == 400
    assert named in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "path", ["metrics/latencies", "metrics/calls", "metrics/errors", "metrics/minstep", "quality-metrics"]
)
def test_metrics_are_a_clear_no(shared_server, path):
    """501 is what Jaeger's page takes for metrics that nobody has set up."""
    response = shared_server.get(f"/api/{path}?service=s")
    assert response.status == 501
    [error] = response.json()["errors"]
    assert response.json() == jaeger.envelope(None, errors=[error])
    assert "metrics" in error["msg"]


def test_an_archive_is_a_clear_no(shared_server):
    response = http1.request(shared_server.api, "POST", f"/api/archive/{'ab' * 16}", {}, b"")
    assert response.status == 501
    assert "no archive" in response.json()["errors"][0]["msg"]


@pytest.mark.parametrize("path", ["/api/services", "/api/traces/1", "/api/v3/services"])
def test_what_is_read_cannot_be_written(shared_server, path):
    response = http1.request(shared_server.api, "POST", path, {"Content-Type": "application/json"}, b"{}")
    assert response.status == 405
    assert "GET" in response.header("Allow")
    assert shared_server.get("/api/transform").status == 405


def test_an_empty_store_is_answered_in_shape(shared_server):
    assert get_json(shared_server, "/api/services") == jaeger.envelope([])
    assert get_json(shared_server, "/api/services/none/operations") == jaeger.envelope([])
    assert get_json(shared_server, "/api/traces", service="none") == jaeger.envelope([])
    assert get_json(shared_server, "/api/dependencies") == jaeger.envelope([])
    assert get_json(shared_server, "/api/v3/services") == {"services": []}
    assert get_json(shared_server, "/api/v3/operations", service="none") == {"operations": []}
    assert get_json(shared_server, "/api/v3/trace-summaries", **EVER) == {"summaries": []}
    assert get(shared_server, "/api/v3/traces", **EVER).status == 404


def test_jaegers_paths_are_also_below_a_base_path(server):
    otlp.assert_success(server.post(rows.body_of("based")))
    for path in ("/api/services", f"/api/traces/{rows.trace_of('based').hex()}", "/api/v3/services"):
        assert get_json(server, "/jaeger" + path) == get_json(server, path)


def test_jaegers_interface_needs_the_token_of_the_api(start):
    digest = hashlib.sha256(b"api-token-0123456789").hexdigest()
    server = start("--set", f"auth.api.tokens=sha256:{digest}")
    for path in ("/api/services", "/api/traces?service=s", "/api/v3/services", "/jaeger/api/services"):
        assert server.get(path).status == 401
        headers = {"Authorization": "Bearer api-token-0123456789"}
        assert http1.request(server.api, "GET", path, headers).status == 200
    assert http1.request(server.otlp_http, "GET", "/api/services").status == 404


HTML = "<script>alert(1)</script>"


def test_html_in_names_stays_text(server):
    resource = wire.blob(1, wire.key_value("service.name", wire.string_value(HTML)))
    span = wire.span(rows.trace_of("html"), rows.SPAN_ID, HTML, wire.attribute(HTML, wire.string_value(HTML)))
    otlp.assert_success(server.post(wire.request(span, resource=resource)))
    for path in (
        "/api/services",
        f"/api/services/{urllib.parse.quote(HTML, safe='')}/operations",
        f"/api/traces?start=0&service={urllib.parse.quote(HTML)}",
        f"/api/traces/{rows.trace_of('html').hex()}",
        f"/api/traces?service={urllib.parse.quote(HTML)}&tag={urllib.parse.quote(HTML)}",
        "/api/v3/services",
        f"/api/v3/traces/{rows.trace_of('html').hex()}",
    ):
        response = server.get(path)
        assert HTML in response.body.decode()
        assert response.content_type == "application/json"
        assert response.header("X-Content-Type-Options") == "nosniff"


# The document

COMMANDS = [
    line
    for line in (paths.REPOSITORY / "docs" / "jaeger.md").read_text().splitlines()
    if line.startswith("curl ")
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A server with the spans of the documents' example agent."""
    with program.Fulgurite(tmp_path_factory.mktemp("demo") / "data") as running:
        subprocess.run(
            [sys.executable, paths.REPOSITORY / "docs" / "examples" / "agent.py", "ro-demo"],
            env={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{running.otlp_http[0]}:{running.otlp_http[1]}"},
            check=True,
            capture_output=True,
            timeout=60,
        )
        yield running


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_document_work(demo, command):
    host, port = demo.api
    completed = subprocess.run(
        ["sh", "-c", command.replace("localhost:4747", f"{host}:{port}")], capture_output=True, text=True, timeout=60
    )
    answer = json.loads(completed.stdout)
    assert "error" not in answer and answer.get("errors") is None
    if "dependencies" not in command and "transform" not in command:
        assert "example-" in completed.stdout or "agent.run" in completed.stdout
