"""The native query API and AGL's: filters, paging, errors, and that an acknowledged span is queryable at once."""

import json
import time

import pytest
from harness import http1, otlp, rows, wire

ROLLOUT, ATTEMPTS = "ro-0123456789ab", ("at-00000001", "at-00000002")


def span_id(number):
    return number.to_bytes(8, "big")


def body(name, attempt, numbers, rollout=ROLLOUT):
    """One request with a span per number, named `even` or `odd`."""
    spans = [wire.span(rows.trace_of(name), span_id(number), "odd" if number % 2 else "even") for number in numbers]
    return wire.request(*spans, resource=wire.rollout_resource(rollout, attempt))


def ids(entries):
    return [int(entry["span"]["spanId"], 16) for entry in entries]


@pytest.fixture
def filled(server):
    """Two attempts of one rollout, ten spans each, in two traces and four requests."""
    for numbers, attempt in [((1, 2, 3), 0), ((11, 12, 13), 1), (range(4, 11), 0), (range(14, 21), 1)]:
        otlp.assert_success(server.post(body(f"trace {attempt}", ATTEMPTS[attempt], numbers)))
    return server


SPANS = f"/api/v1/rollouts/{ROLLOUT}/spans"
ARRIVAL = [1, 2, 3, 11, 12, 13, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 19, 20]


def test_spans_of_a_rollout_come_in_order_of_arrival(filled):
    assert ids(otlp.read_pages(filled, SPANS)) == ARRIVAL


@pytest.mark.parametrize("limit", [1, 3, 19, 20, 21])
def test_pages_together_are_the_whole(filled, limit):
    assert ids(otlp.read_pages(filled, SPANS, limit)) == ARRIVAL
    first_attempt = f"{SPANS}?attempt={ATTEMPTS[0]}"
    assert ids(otlp.read_pages(filled, first_attempt, limit)) == list(range(1, 11))


def test_a_filter_by_attempt(filled):
    assert ids(otlp.read_pages(filled, f"{SPANS}?attempt={ATTEMPTS[1]}")) == list(range(11, 21))
    assert otlp.read_pages(filled, f"{SPANS}?attempt=at-unknown") == []


def test_a_filter_by_name(filled):
    assert ids(otlp.read_pages(filled, f"{SPANS}?name=odd", 2)) == [number for number in ARRIVAL if number % 2]
    assert otlp.read_pages(filled, f"{SPANS}?name=od") == []


def test_filters_are_combined(filled):
    path = f"{SPANS}?attempt={ATTEMPTS[0]}&name=even"
    assert ids(otlp.read_pages(filled, path)) == [2, 4, 6, 8, 10]


def test_a_cursor_goes_on_where_the_page_ended_although_spans_arrive(filled):
    page = filled.get_json(f"{SPANS}?limit=5")
    otlp.assert_success(filled.post(body("trace 0", ATTEMPTS[0], [21])))
    rest = otlp.read_pages(filled, f"{SPANS}?cursor={page['nextCursor']}")
    assert ids(otlp.flatten(page)) + ids(rest) == [*ARRIVAL, 21]


def test_since_gives_what_arrived_after(filled):
    """A cursor is the arrival number of the last span of its page, so it also serves as a starting point."""
    cursor = filled.get_json(f"{SPANS}?limit=5")["nextCursor"]
    assert ids(otlp.read_pages(filled, f"{SPANS}?since={cursor}", 4)) == ARRIVAL[5:]
    assert ids(otlp.read_pages(filled, f"{SPANS}?since=0")) == ARRIVAL
    assert otlp.read_pages(filled, f"{SPANS}?since={2**62}") == []


def test_a_rollout_is_followed_by_its_last_arrival(filled):
    last = filled.get_json(SPANS)["lastArrival"]
    nothing = filled.get_json(f"{SPANS}?since={last}")
    assert nothing == {"resourceSpans": [], "lastArrival": last}
    otlp.assert_success(filled.post(body("trace 0", ATTEMPTS[0], [21])))
    new = filled.get_json(f"{SPANS}?since={last}")
    assert ids(otlp.flatten(new)) == [21]
    assert int(new["lastArrival"]) > int(last)


def test_the_native_api_only_reads(filled):
    for method in ("POST", "PUT", "DELETE"):
        response = http1.request(filled.api, method, SPANS, {"Content-Type": "application/json"}, b"{}")
        assert response.status == 405
        assert "GET" in response.header("Allow")
    assert http1.request(filled.api, "HEAD", SPANS).status == 200


def test_queries_are_not_served_where_only_spans_are_taken(filled):
    assert http1.request(filled.otlp_http, "GET", SPANS).status == 404


def test_an_unknown_rollout_has_no_spans(server):
    assert otlp.read_pages(server, "/api/v1/rollouts/ro-unknown/spans") == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=x",
        "limit=",
        "limit=1.5",
        "limit=99999999999999999999",
        "cursor=x",
        "since=x",
        "unknown=1",
    ],
)
def test_a_bad_parameter_is_400_and_named(filled, query):
    response = filled.get(f"{SPANS}?{query}")
    assert response.status == 400
    assert query.partition("=")[0] in response.body.decode()


@pytest.mark.parametrize("trace_id", ["x", "00", "0" * 32, "g" * 32, "a" * 31, "a" * 33])
def test_a_trace_id_that_is_none_is_400(server, trace_id):
    assert server.get(f"/api/v1/traces/{trace_id}").status == 400


def test_a_trace_id_may_be_in_upper_case(filled):
    trace_id = rows.trace_of("trace 0").hex()
    assert otlp.read_trace(filled, trace_id.upper()) == otlp.read_trace(filled, trace_id) != []


def test_rollouts_are_listed_with_counts_and_times(filled):
    otlp.assert_success(filled.post(body("other", "at-00000003", [30], rollout="ro-other")))
    listed = {rollout["rolloutId"]: rollout for rollout in filled.get_json("/api/v1/rollouts")["rollouts"]}
    assert set(listed) == {ROLLOUT, "ro-other"}
    rollout = listed[ROLLOUT]
    assert rollout["spans"] == 20
    assert {attempt["attemptId"]: attempt["spans"] for attempt in rollout["attempts"]} == dict.fromkeys(ATTEMPTS, 10)
    now = time.time_ns()
    for entry in [rollout, *rollout["attempts"], listed["ro-other"]]:
        first, last = int(entry["firstArrivalUnixNano"]), int(entry["lastArrivalUnixNano"])
        assert now - 60 * 10**9 < first <= last <= now


def test_of_many_attempts_the_newest_are_listed(server):
    for number in range(130):
        otlp.assert_success(server.post(body(f"many {number}", f"at-{number:08x}", [number + 1], rollout="ro-many")))
    [rollout] = server.get_json("/api/v1/rollouts")["rollouts"]
    assert (rollout["attemptCount"], rollout["hasMoreAttempts"], rollout["spans"]) == (130, True, 130)
    assert [attempt["attemptId"] for attempt in rollout["attempts"]] == [f"at-{number:08x}" for number in range(30, 130)]


def test_rollouts_are_paged(server):
    names = [f"ro-{number:012x}" for number in range(7)]
    for number, name in enumerate(names):
        otlp.assert_success(server.post(body(name, "at-00000001", [number + 1], rollout=name)))
    found, cursor = [], None
    while True:
        page = server.get_json("/api/v1/rollouts?limit=3" + (f"&cursor={cursor}" if cursor else ""))
        assert 0 < len(page["rollouts"]) <= 3
        found += [rollout["rolloutId"] for rollout in page["rollouts"]]
        cursor = page.get("nextCursor")
        if cursor is None:
            break
    assert sorted(found) == names


def test_an_acknowledged_span_is_in_the_next_query(server):
    """Promise 2. Two connections, so that nothing but the store can carry the span from one to the other."""
    with http1.Connection(server.otlp_http) as writer, http1.Connection(server.api) as reader:
        for number in range(1, 200):
            request = body("promise", ATTEMPTS[0], [number])
            writer.send_request("POST", "/v1/traces", {"Content-Type": "application/x-protobuf"}, request)
            otlp.assert_success(writer.read_response())
            reader.send_request("GET", SPANS)
            assert ids(otlp.flatten(reader.read_response("GET").json())) == list(range(1, number + 1))


# Agent Lightning's API


def search(server, **fields):
    text = json.dumps({"rollout_id": ROLLOUT, **fields}).encode()
    return http1.request(server.api, "POST", "/v1/agl/spans/search", {"Content-Type": "application/json"}, text)


def items(response):
    assert (response.status, response.content_type) == (200, "application/json"), response
    return [int(item["span_id"], 16) for item in response.json()["items"]]


def test_agl_health(server):
    response = server.get("/v1/agl/health")
    assert (response.status, response.json()) == (200, {"status": "ok"})
    assert response.content_type == "application/json"


def test_agl_statistics_count_spans(filled):
    assert filled.get_json("/v1/agl/statistics")["total_spans"] == 20


def test_agl_search_orders_by_sequence_id(filled):
    """Numbers are issued per rollout in the order of arrival."""
    response = search(filled)
    assert items(response) == ARRIVAL
    assert [item["sequence_id"] for item in response.json()["items"]] == list(range(1, 21))
    assert {key: response.json()[key] for key in ("offset", "total")} == {"offset": 0, "total": 20}


AGL_SEARCHES = {
    "by attempt": ({"attempt_id": ATTEMPTS[0]}, list(range(1, 11))),
    "by the latest attempt": ({"attempt_id": "latest"}, list(range(11, 21))),
    "by name": ({"name": "even", "attempt_id": ATTEMPTS[0]}, [2, 4, 6, 8, 10]),
    "by a part of the name": ({"name_contains": "dd", "attempt_id": ATTEMPTS[0]}, [1, 3, 5, 7, 9]),
    "by trace": ({"trace_id": rows.trace_of("trace 1").hex()}, list(range(11, 21))),
    "by a part of the trace": ({"trace_id_contains": rows.trace_of("trace 0").hex()[3:20]}, list(range(1, 11))),
    "by span": ({"span_id": span_id(7).hex()}, [7]),
    "by a part of the span": ({"span_id_contains": "0014"}, [20]),
    "by a parent that nobody has": ({"parent_id": "0000000000000001"}, []),
    "all conditions": ({"name": "even", "span_id": span_id(7).hex()}, []),
    "any condition": (
        {"name": "odd", "span_id": span_id(8).hex(), "filter_logic": "or", "attempt_id": ATTEMPTS[0]},
        [1, 3, 5, 7, 8, 9],
    ),
    "any of no conditions": ({"filter_logic": "or"}, ARRIVAL),
    "the first page": ({"limit": 4}, ARRIVAL[:4]),
    "a later page": ({"limit": 4, "offset": 6}, ARRIVAL[6:10]),
    "past the end": ({"offset": 100}, []),
    "without a limit": ({"limit": -1}, ARRIVAL),
    "descending": ({"sort_by": "sequence_id", "sort_order": "desc"}, ARRIVAL[::-1]),
    "by span id": ({"sort_by": "span_id"}, list(range(1, 21))),
    "with nulls for absent filters": ({"name": None, "attempt_id": None, "trace_id": None}, ARRIVAL),
    "with unknown fields": ({"unknown": 1}, ARRIVAL),
    "an unknown rollout": ({"rollout_id": "ro-unknown"}, []),
    "an unknown attempt": ({"attempt_id": "at-unknown"}, []),
}


@pytest.mark.parametrize("name", AGL_SEARCHES)
def test_agl_search(filled, name):
    fields, expected = AGL_SEARCHES[name]
    assert items(search(filled, **fields)) == expected


def test_agl_search_by_get_is_the_same(filled):
    path = f"/v1/agl/spans?rollout_id={ROLLOUT}&attempt_id=latest&name_contains=odd&limit=2&offset=1&sort_order=desc"
    assert items(filled.get(path)) == [17, 15]


AGL_REFUSED = {
    "no rollout": (b"{}", 422),
    "a rollout of a wrong type": (b'{"rollout_id":1}', 422),
    "no JSON": (b"{", 422),
    "no object": (b"[]", 422),
    "a bad order": (b'{"rollout_id":"r","sort_order":"up"}', 422),
    "a bad logic": (b'{"rollout_id":"r","filter_logic":"xor"}', 422),
    "an unknown sort field": (b'{"rollout_id":"r","sort_by":"color"}', 400),
    "a limit of zero": (b'{"rollout_id":"r","limit":0}', 400),
    "a limit of -2": (b'{"rollout_id":"r","limit":-2}', 400),
    "a negative offset": (b'{"rollout_id":"r","offset":-1}', 400),
}


@pytest.mark.parametrize("name", AGL_REFUSED)
def test_agl_search_refuses_as_agl_does(server, name):
    text, status = AGL_REFUSED[name]
    response = http1.request(server.api, "POST", "/v1/agl/spans/search", {"Content-Type": "application/json"}, text)
    assert (response.status, response.content_type) == (status, "application/json")
    # AGL's client shows `detail`; validation errors are a list of objects with type, loc and msg.
    detail = response.json()["detail"]
    if status == 422:
        assert {"type", "loc", "msg"} <= set(detail[0])
        assert detail[0]["loc"][0] == "body"
    else:
        assert isinstance(detail, str)


def test_agl_routes_that_do_not_exist_answer_json(server):
    response = server.get("/v1/agl/unknown")
    assert (response.status, response.json()) == (404, {"detail": "Not Found"})
    assert server.get("/v1/agl/health/").status == 404


# Health and metrics


def test_health_and_readiness(server):
    assert server.get("/healthz").status == 200
    assert server.get("/readyz").status == 200


def test_the_metrics_are_prometheus_text_and_count(filled):
    response = filled.get("/metrics")
    assert response.content_type == "text/plain"
    assert "version=0.0.4" in response.header("Content-Type")
    text = response.body.decode()
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    assert filled.metric("fulgurite_spans_stored_total") == 20
    samples = filled.metrics()
    assert all(any(key.startswith(family) for family in families) for key in samples)
