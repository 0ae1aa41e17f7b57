"""Searches through Jaeger's two interfaces, against a reference over traces that were drawn at random."""

import datetime
import json
import random
import threading
import time
import urllib.parse

import pytest
from harness import jaeger, otlp, rows, server

START = 1_760_000_000_000_000_000
SECOND = 1_000_000_000
SERVICES = ["frontend", "backend", "db", "", None, 7]
NAMES = ["GET /", "POST /x", "query", "naïve é", ""]
ROLLOUTS = [None, None, "ro-a", "ro-b", "ro-c"]
KEYS = ["http.status_code", "user", "cached", "ratio", "list", "blob"]


def draw_value(random_numbers, key):
    match key:
        case "http.status_code":
            return {"intValue": str(random_numbers.choice([200, 404, 500, 2**60]))}
        case "user":
            return {"stringValue": random_numbers.choice(["anna", "bert", "x:y"])}
        case "cached":
            return {"boolValue": random_numbers.choice([True, False])}
        case "ratio":
            return {"doubleValue": random_numbers.choice([0.5, 2.0, 1e300])}
        case "list":
            return {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "a"}]}}
    return {"bytesValue": "AAECAw=="}


def attributes(random_numbers, chance=0.4):
    return [{"key": key, "value": draw_value(random_numbers, key)} for key in KEYS if random_numbers.random() < chance]


def draw_trace(random_numbers, number):
    """A trace of some services; its spans in one request for each service."""
    trace_id = random_numbers.randbytes(16).hex()
    start = START + number * SECOND
    rollout = random_numbers.choice(ROLLOUTS)
    documents, parent = [], None
    for _ in range(random_numbers.randint(1, 3)):
        service = random_numbers.choice(SERVICES)
        resource = attributes(random_numbers, 0.1)
        if service is not None:
            value = {"stringValue": service} if isinstance(service, str) else {"intValue": str(service)}
            resource.append({"key": "service.name", "value": value})
        if rollout:
            resource.append({"key": "agentlightning.rollout_id", "value": {"stringValue": rollout}})
            resource.append({"key": "agentlightning.attempt_id", "value": {"stringValue": f"at-{number % 2}"}})
        spans = []
        for _ in range(random_numbers.randint(1, 4)):
            begin = start + random_numbers.randint(0, 500_000_000)
            duration = random_numbers.choice([0, 900, 1_500_000, 20_000_000, 2 * SECOND, -5_000])
            span = {
                "traceId": trace_id,
                "spanId": random_numbers.randbytes(8).hex(),
                "name": random_numbers.choice(NAMES),
                "kind": random_numbers.randint(0, 5),
                "startTimeUnixNano": str(begin),
                "endTimeUnixNano": str(begin + duration),
                "attributes": attributes(random_numbers),
                "status": {"code": random_numbers.choice([0, 0, 1, 2])},
            }
            if parent:
                span["parentSpanId"] = parent
            if random_numbers.random() < 0.3:
                span["events"] = [
                    {
                        "timeUnixNano": str(begin),
                        "name": random_numbers.choice(["exception", "retry"]),
                        "attributes": attributes(random_numbers, 0.2),
                    }
                ]
            spans.append(span)
            parent = span["spanId"]
        scope = {"name": random_numbers.choice(["lib-a", "lib-b"]), "version": "1.0"}
        scope_spans = [{"scope": scope, "spans": spans}]
        documents.append({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": scope_spans}]})
    return documents


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A server with traces that were drawn at random, and its spans as the reference sees them."""
    random_numbers = random.Random(47)
    with server.Fulgurite(tmp_path_factory.mktemp("search") / "data") as running:
        spans = []
        for number in range(120):
            for document in draw_trace(random_numbers, number):
                body = json.dumps(document).encode()
                response = running.post(body, headers={"Content-Type": "application/json"})
                otlp.assert_success(response, "application/json")
                spans += jaeger.spans_of(document, len(spans) + 1)
        where = {}
        for rollout in ("ro-a", "ro-b", "ro-c"):
            for item in running.get_json(f"/v1/agl/spans?rollout_id={rollout}&limit=-1")["items"]:
                where[item["trace_id"], item["span_id"]] = (rollout, item["attempt_id"], item["sequence_id"])
        for span in spans:
            span.place = where.get((span.trace_id, span.span["spanId"]), span.place)
        assert sum(span.place[0] is not None for span in spans) > 50
        yield running, spans


def page_path(search):
    query = {"service": search.service, "limit": search.limit}
    query |= {"start": search.start // 1000, "end": search.end // 1000}
    if search.operation is not None:
        query["operation"] = search.operation
    if search.shortest:
        query["minDuration"] = f"{search.shortest}ns"
    if search.longest < 2**63:
        query["maxDuration"] = f"{search.longest / 1000}us"
    if search.tags:
        query["tags"] = json.dumps(search.tags)
    return "/api/traces?" + urllib.parse.urlencode(query)


def rfc3339(nanoseconds):
    whole = datetime.datetime.fromtimestamp(nanoseconds // SECOND, datetime.UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{nanoseconds % SECOND:09d}Z"


def newer_path(search, what="traces"):
    query = {"query.searchDepth": search.limit}
    query |= {"query.startTimeMin": rfc3339(search.start), "query.startTimeMax": rfc3339(search.end)}
    if search.service is not None:
        query["query.serviceName"] = search.service
    if search.operation is not None:
        query["query.operationName"] = search.operation
    if search.shortest:
        query["query.durationMin"] = f"{search.shortest}ns"
    if search.longest < 2**63:
        query["query.durationMax"] = f"{search.longest}ns"
    if search.tags:
        query["query.attributes"] = json.dumps(search.tags)
    return f"/api/v3/{what}?" + urllib.parse.urlencode(query)


def ids_of_newer(response):
    if response.status == 404:
        return []
    return list(dict.fromkeys(otlp.identity(entry)[0] for entry in otlp.flatten(response.json()["result"])))


MISSING, EMPTY, WRONG = "missing-service-name", "empty-service-name", "service-name-wrong-type"

SEARCHES = {
    "a service": {"service": "frontend"},
    "a service that is not there": {"service": "nobody"},
    "spans without a service": {"service": MISSING},
    "an empty service": {"service": EMPTY},
    "a service that is no text": {"service": WRONG},
    "an operation": {"service": "frontend", "operation": "GET /"},
    "an operation beyond ASCII": {"service": "db", "operation": "naïve é"},
    "an operation that is not there": {"service": "frontend", "operation": "DELETE /"},
    "an empty operation": {"service": "backend", "operation": jaeger.EMPTY_NAME},
    "a limit": {"service": "frontend", "limit": 5},
    "a limit of one": {"service": "db", "limit": 1},
    "the least duration": {"service": "frontend", "shortest": 1_500_000},
    "the least duration, just above": {"service": "frontend", "shortest": 1_500_001},
    "the greatest duration": {"service": "frontend", "longest": 1_000_000},
    "durations between": {"service": "backend", "shortest": 1_000, "longest": 20_000_000},
    "a time": {"service": "frontend", "start": START + 20 * SECOND, "end": START + 60 * SECOND},
    "a time before all": {"service": "frontend", "start": 0, "end": START - 1000},
    "a time after all": {"service": "frontend", "start": START + 1000 * SECOND},
    "a text": {"service": "frontend", "tags": {"user": "anna"}},
    "a text with a colon": {"service": "frontend", "tags": {"user": "x:y"}},
    "a number": {"service": "backend", "tags": {"http.status_code": "404"}},
    "a number beyond JavaScript": {"service": "backend", "tags": {"http.status_code": str(2**60)}},
    "a truth": {"service": "db", "tags": {"cached": "true"}},
    "a double": {"service": "db", "tags": {"ratio": "2.0"}},
    "a list": {"service": "db", "tags": {"list": '[1,"a"]'}},
    "bytes": {"service": "db", "tags": {"blob": "AAECAw=="}},
    "an error": {"service": "frontend", "tags": {"error": "true"}},
    "a status": {"service": "frontend", "tags": {"otel.status_code": "OK"}},
    "a kind": {"service": "frontend", "tags": {"span.kind": "server"}},
    "a scope": {"service": "frontend", "tags": {"otel.scope.name": "lib-b"}},
    "an event": {"service": "frontend", "tags": {"event": "exception"}},
    "some tags": {"service": "frontend", "tags": {"span.kind": "client", "user": "bert", "cached": "false"}},
    "a tag that is not there": {"service": "frontend", "tags": {"user": "nobody"}},
    "a key that is not there": {"service": "frontend", "tags": {"nothing": "anna"}},
    "a rollout": {"service": "frontend", "tags": {"agentlightning.rollout_id": "ro-a"}},
    "an attempt of a rollout": {
        "service": "backend",
        "tags": {"agentlightning.rollout_id": "ro-b", "agentlightning.attempt_id": "at-1"},
    },
    "an attempt": {"service": "frontend", "tags": {"agentlightning.attempt_id": "at-0"}},
    "a number in a rollout": {
        "service": "frontend",
        "tags": {"agentlightning.rollout_id": "ro-a", "agentlightning.span_sequence_id": "33"},
    },
    "a number alone": {"service": "db", "tags": {"agentlightning.span_sequence_id": "12"}},
    "a rollout that is not there": {"service": "frontend", "tags": {"agentlightning.rollout_id": "ro-z"}},
    "a rollout and more": {
        "service": "frontend",
        "operation": "GET /",
        "tags": {"agentlightning.rollout_id": "ro-c", "otel.scope.version": "1.0"},
        "limit": 3,
    },
    "all at once": {
        "service": "backend",
        "operation": "query",
        "start": START + 10 * SECOND,
        "end": START + 100 * SECOND,
        "shortest": 900,
        "longest": 3 * SECOND,
        "tags": {"otel.scope.version": "1.0"},
        "limit": 7,
    },
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_finds_what_the_reference_finds(world, name):
    running, spans = world
    search = jaeger.Search(**SEARCHES[name])
    expected = jaeger.found(spans, search)
    answer = running.get_json(page_path(search))
    assert answer["errors"] is None
    assert [trace["traceID"] for trace in answer["data"]] == [jaeger.short(trace_id) for trace_id in expected]
    traces = jaeger.by_trace(spans)
    for trace, trace_id in zip(answer["data"], expected, strict=True):
        jaeger.assert_same(trace, jaeger.trace(traces[trace_id]))
    assert ids_of_newer(running.get(newer_path(search))) == expected
    summaries = running.get_json(newer_path(search, "trace-summaries"))["summaries"]
    assert [summary["traceId"] for summary in summaries] == expected


def test_the_searches_find_something_where_they_should(world):
    """Guards the table above: a search for nothing tests little."""
    _, spans = world
    found = {name: len(jaeger.found(spans, jaeger.Search(**search))) for name, search in SEARCHES.items()}
    nothing = {name for name, count in found.items() if count == 0}
    assert all("not there" in name or "before all" in name or "after all" in name for name in nothing), nothing


def test_searches_drawn_at_random(world):
    running, spans = world
    random_numbers = random.Random(48)
    for _ in range(150):
        service = random_numbers.choice([None, *(span.service for span in spans)])
        search = jaeger.Search(service=service, limit=random_numbers.choice([1, 3, 20, 200]))
        if random_numbers.random() < 0.3:
            search.operation = random_numbers.choice(spans).name
        if random_numbers.random() < 0.5:
            tags = sorted(jaeger.searchable(random_numbers.choice(spans)) - {("service.name", "")})
            search.tags = dict(random_numbers.sample(tags, min(len(tags), random_numbers.randint(1, 2))))
        if random_numbers.random() < 0.4:
            search.start = START + random_numbers.randint(0, 120) * SECOND
            search.end = search.start + random_numbers.randint(0, 60) * SECOND
        if random_numbers.random() < 0.3:
            search.shortest = random_numbers.choice([1, 901, 1_500_000])
        assert ids_of_newer(running.get(newer_path(search))) == jaeger.found(spans, search), search


def test_tags_can_be_given_one_by_one(world):
    running, spans = world
    search = jaeger.Search(service="frontend", tags={"user": "x:y", "cached": "true"})
    path = page_path(jaeger.Search(service="frontend")) + "&tag=user:x:y&tag=cached:true"
    assert [trace["traceID"] for trace in running.get_json(path)["data"]] == jaeger.found(spans, search)
    loose = page_path(jaeger.Search(service="frontend")) + '&tags={"cached":true}'.replace('"', "%22")
    expected = jaeger.found(spans, jaeger.Search(service="frontend", tags={"cached": "true"}))
    assert [trace["traceID"] for trace in running.get_json(loose)["data"]] == expected


def test_the_older_names_of_parameters_do_too(world):
    running, spans = world
    search = jaeger.Search(service="frontend", operation="GET /", shortest=900, limit=4)
    path = newer_path(search)
    for name, older in [
        ("serviceName", "service_name"),
        ("operationName", "operation_name"),
        ("startTimeMin", "start_time_min"),
        ("startTimeMax", "start_time_max"),
        ("searchDepth", "num_traces"),
        ("durationMin", "duration_min"),
    ]:
        path = path.replace(name, older)
    assert ids_of_newer(running.get(path)) == jaeger.found(spans, search)


def test_a_search_without_a_time_reaches_back_two_days(world):
    running, _ = world
    assert running.get_json("/api/traces?service=frontend")["data"] == []


def test_summaries_add_up(world):
    running, spans = world
    search = jaeger.Search(limit=1000)
    traces = jaeger.by_trace(spans)
    summaries = running.get_json(newer_path(search, "trace-summaries"))["summaries"]
    assert len(summaries) == len(traces)
    for summary in summaries:
        of_trace = traces[summary["traceId"]]
        ids = {span.span["spanId"] for span in of_trace}
        roots = [span for span in of_trace if span.span.get("parentSpanId") not in ids]
        root = min(roots, key=lambda span: (span.start, span.arrival))
        services = {}
        for span in of_trace:
            # The index does not tell a name of the wrong type from none.
            service = services.setdefault(span.service.replace(WRONG, MISSING), [0, 0])
            service[0] += 1
            service[1] += span.is_error
        jaeger.assert_same(
            summary,
            {
                "traceId": of_trace[0].trace_id,
                "rootServiceName": root.service.replace(WRONG, MISSING),
                "rootOperationName": root.name,
                "minStartTimeUnixNano": str(min(span.start for span in of_trace)),
                "maxEndTimeUnixNano": str(max(span.end for span in of_trace)),
                "spanCount": len(of_trace),
                "errorSpanCount": sum(span.is_error for span in of_trace),
                "orphanSpanCount": sum("parentSpanId" in span.span for span in roots),
                "services": [
                    {"name": name, "spanCount": count, "errorSpanCount": errors}
                    for name, (count, errors) in services.items()
                ],
            },
        )


def calls(spans, start, end):
    """How often a service has called another."""
    by_id = {(span.trace_id, span.span["spanId"]): span for span in spans}
    counts = {}
    for span in spans:
        parent = by_id.get((span.trace_id, span.span.get("parentSpanId")))
        if parent and start <= span.start <= end:
            pair = (parent.service.replace(WRONG, MISSING), span.service.replace(WRONG, MISSING))
            if pair[0] != pair[1]:
                counts[pair] = counts.get(pair, 0) + 1
    return [{"parent": parent, "child": child, "callCount": count} for (parent, child), count in sorted(counts.items())]


def test_dependencies_are_counted(world):
    running, spans = world
    start, end = START, START + 60 * SECOND
    expected = calls(spans, start, end)
    assert len(expected) > 5
    path = f"/api/dependencies?endTs={end // 10**6}&lookback={(end - start) // 10**6}"
    assert running.get_json(path) == jaeger.envelope(expected)
    newer = running.get_json(f"/api/v3/dependencies?startTime={rfc3339(start)}&endTime={rfc3339(end)}")
    assert newer == {"dependencies": [{**link, "callCount": str(link["callCount"])} for link in expected]}
    of_service = [link for link in expected if "db" in (link["parent"], link["child"])]
    assert running.get_json(path + "&service=db")["data"] == of_service


# While spans arrive


def test_what_was_acknowledged_is_found_while_more_arrives(start):
    """Each search finds at least what was acknowledged before it, the open segment included."""
    running = start()
    acknowledged, failures, stop = [], [], threading.Event()
    path = "/api/traces?service=missing-service-name&start=0&limit=10000"

    def send():
        number = 0
        while not stop.is_set():
            number += 1
            otlp.assert_success(running.post(rows.body_of(f"span {number}", rows.padding(number % 5 * 2000))))
            acknowledged.append(rows.trace_of(f"span {number}").hex())

    def guarded():
        try:
            send()
        except BaseException as failure:  # noqa: BLE001
            failures.append(failure)

    sender = threading.Thread(target=guarded)
    sender.start()
    try:
        searches, deadline = 0, time.monotonic() + 30
        while searches < 40 or len(acknowledged) < 60:
            assert not failures and time.monotonic() < deadline, f"{searches}, {len(acknowledged)}, {failures}"
            searches += 1
            before = list(acknowledged)
            answer = running.get_json(path)
            found = [trace["traceID"] for trace in answer["data"]]
            assert len(set(found)) == len(found)
            assert {jaeger.short(trace_id) for trace_id in before} <= set(found)
    finally:
        stop.set()
        sender.join()
    assert not failures, failures
