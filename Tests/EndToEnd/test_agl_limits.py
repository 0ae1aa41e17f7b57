"""What a client of Agent Lightning's store can make the server hold, and what it is told beyond that."""

import json

import pytest
from harness import http1, otlp, rows, wire

HEADERS = {"Content-Type": "application/json"}


def ask(started, method, path, body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    return http1.request(started.api, method, "/v1/agl" + path, {**HEADERS, **(headers or {})}, data)


def started_rollout(started, value):
    made = ask(started, "POST", "/rollouts", {"input": value}).json()
    ask(started, "POST", f"/rollouts/{made['rollout_id']}", {"status": "succeeded"})
    return made["rollout_id"]


def test_a_wait_holds_each_rollout_once(server):
    rollout = started_rollout(server, "x" * 1_000_000)
    before = server.peak_resident_bytes()
    # 300 MB, if each repeat were held; more than one answer may have is refused.
    response = ask(server, "POST", "/waits/rollouts", {"rollout_ids": [rollout] * 300, "timeout": 0})
    assert response.status == 413
    assert server.peak_resident_bytes() - before < 250_000_000
    answer = ask(server, "POST", "/waits/rollouts", {"rollout_ids": [rollout, "x", rollout], "timeout": 0}).json()
    assert [one["rollout_id"] for one in answer] == [rollout, rollout]


@pytest.mark.parametrize(
    "path, body",
    [
        ("/waits/rollouts", {"rollout_ids": ["ro-1"] * 100_001}),
        ("/queues/rollouts/enqueue", {"rollouts": [{"input": 1}] * 50_001}),
    ],
)
def test_more_than_one_request_may_hold_is_refused(server, path, body):
    assert ask(server, "POST", path, body).status == 413


@pytest.mark.parametrize(
    "path, body",
    [
        ("/rollouts", {"input": 1, "worker_id": "w" * 1025}),
        ("/rollouts", {"input": 1, "resources_id": "r" * 1025}),
        ("/spans/next", {"rollout_id": "r" * 1025, "attempt_id": "a"}),
        ("/queues/rollouts/dequeue", {"worker_id": "w" * 1025}),
    ],
)
def test_ids_have_a_limit(server, path, body):
    response = ask(server, "POST", path, body)
    assert (response.status, response.json()["detail"][0]["type"]) == (422, "string_too_long")


def test_an_id_in_a_path_has_the_same_limit(server):
    assert ask(server, "POST", "/resources/" + "r" * 1024, {}).status == 200
    assert ask(server, "POST", "/resources/" + "r" * 1025, {}).status == 405


def test_a_condition_that_is_spelled_badly_does_not_vanish(server):
    started_rollout(server, 1)
    for text in ("%FF", "100%", "%zz"):
        page = ask(server, "GET", "/rollouts?rollout_id_contains=" + text).json()
        assert page["total"] == 0, text


def test_a_strangers_page_may_not_change_the_store(server):
    headers = {"Origin": "http://stranger.example"}
    assert ask(server, "POST", "/queues/rollouts/dequeue", None, headers).status == 403
    assert ask(server, "GET", "/health", None, headers).status == 200
    own = {"Origin": f"http://{server.api[0]}:{server.api[1]}"}
    assert ask(server, "POST", "/queues/rollouts/dequeue", None, own).status == 200


def test_a_page_that_is_allowed_may(start):
    started = start("--set", "agl.cors_origins=http://dash.example")
    headers = {"Origin": "http://dash.example"}
    assert ask(started, "POST", "/queues/rollouts/dequeue", None, headers).status == 200


def test_a_body_that_says_it_is_too_large_is_refused_at_once(server):
    with http1.Connection(server.api) as connection:
        head = "POST /v1/agl/spans HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"
        connection.send(head.encode())
        assert connection.read_response().status == 413


def test_error_answers_do_not_repeat_large_values(server):
    span = {"rollout_id": "r", "attributes": {"k" * 900_000: None}}
    response = ask(server, "POST", "/spans", span)
    assert response.status == 422
    assert len(response.body) < 300_000


def test_a_number_below_zero_is_kept(server):
    made = ask(server, "POST", "/rollouts", {"input": 1}).json()
    ids = {"rollout_id": made["rollout_id"], "attempt_id": made["attempt"]["attempt_id"]}
    span = {
        **ids, "sequence_id": -5, "trace_id": "t", "span_id": "s", "parent_id": None, "name": "n",
        "status": {"status_code": "OK"}, "attributes": {}, "events": [], "links": [], "start_time": None, "end_time": None,
        "context": None, "parent": None, "resource": {"attributes": {}, "schema_url": ""},
    }  # fmt: skip
    stored = ask(server, "POST", "/spans", span).json()
    assert ask(server, "POST", "/spans/search", {"rollout_id": ids["rollout_id"]}).json()["items"] == [stored]
    assert stored["sequence_id"] == -5
    assert ask(server, "POST", "/spans/next", ids).json() == {"sequence_id": 1}


def test_a_repeated_request_of_another_kind_is_refused(server):
    key = {"Idempotency-Key": "k"}
    assert ask(server, "POST", "/queues/rollouts/dequeue", {}, key).json() == []
    assert ask(server, "POST", "/rollouts", {"input": 1}, key).status == 422
    assert server.is_running()


def test_a_list_of_large_rollouts_is_never_held_as_a_whole(server):
    for n in range(40):
        ask(server, "POST", "/queues/rollouts/enqueue", {"rollouts": [{"input": f"{n}" + "x" * 2_000_000}]})
    before = server.peak_resident_bytes()
    page = ask(server, "GET", "/rollouts").json()
    assert [one["input"].rstrip("x") for one in page["items"]] == [str(n) for n in range(40)]
    assert page["total"] == 40
    # 80 MB of inputs; a server that made one answer of them would hold them twice.
    assert server.peak_resident_bytes() - before < 60_000_000


def test_repeats_of_an_attribute_are_not_held_each(server):
    rollout = wire.blob(9, wire.key_value("agentlightning.rollout_id", wire.string_value("r")))
    # Attributes of two bytes, each without a key and a value.
    span = wire.span(rows.trace_of("repeats"), rows.SPAN_ID, "span", rollout, b"\x4a\x00" * (2 << 20))
    otlp.assert_success(server.post(wire.request(span)))
    server.get("/v1/agl/statistics")
    before = server.peak_resident_bytes()
    page = ask(server, "GET", "/spans?rollout_id=r").json()
    assert page["items"][0]["attributes"] == {"agentlightning.rollout_id": "r", "": "null"}
    # The span has 4 MB. An entry of 150 bytes for each attribute would be 300 MB.
    assert server.peak_resident_bytes() - before < 60_000_000
