"""Bodies that are almost right, for every route that takes one: answered or refused, never a failure of the server.

They go through the whole program, the SQLite store included: what a route lets through, the store has to take.
`AGL_MUTATIONS` sets how many are sent for each seed.
"""

import copy
import http.client
import json
import os
import random

import pytest
from harness import http1

COUNT = int(os.environ.get("AGL_MUTATIONS", "3000"))

# Texts of JSON that take the place of a value.
VALUES = [
    "null", "true", "-1", "0", "1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e308",
    "1e400", "-0.0", "1e-320", "NaN", "1700000000.123456789", '""', '"\\u0000"', '"\\ud800"', '"latest"', '"NaN"',
    '"-inf"', '"9223372036854775807"', '"desc"', '"or"', '"rollout_id"', '"attempt_id"', '"sequence_id"', '"status"',
    '"input"', '"worker_id"', '"metadata"', '"trace_id"', '"name"', '"end_time"', '"duration"', '"version"',
    '"last_heartbeat_time"', '"current_rollout_id"', "[]", "{}", "[[]]", '{"":{}}', '["\\u0000"]', '[1,"a",null]',
    f'"{"x" * 1024}"', f'"{"x" * 1025}"', f'"{"é" * 512}"',
]  # fmt: skip
BYTES = b'{}[]",:0e-\x00\xff'
PAGE = {"limit": 5, "offset": 1, "sort_by": "start_time", "sort_order": "desc", "filter_logic": "or"}


def routes(rollout, attempt, finished):
    """All routes of Agent Lightning that take a body, each with a right one."""
    config = {"timeout_seconds": 100.5, "unresponsive_seconds": 200, "max_attempts": 3, "retry_condition": ["failed"]}
    new = {"input": {"a": 1}, "mode": "train", "resources_id": "r", "config": config, "metadata": {"a": None}}
    span = {
        "rollout_id": rollout, "attempt_id": attempt, "sequence_id": 1, "trace_id": "t", "span_id": "s",
        "parent_id": None, "name": "n", "status": {"status_code": "OK", "description": None},
        "attributes": {"a": 1, "b": [1, 2], "c": [1.5], "d": "x", "e": True},
        "events": [{"name": "e", "attributes": {"k": "v"}, "timestamp": 1.5}],
        "links": [{"context": {"trace_id": "a", "span_id": "b", "is_remote": False, "trace_state": {"a": "b"}},
                   "attributes": {"q": 1}}],
        "start_time": 1.5, "end_time": 2.5,
        "context": {"trace_id": "a", "span_id": "b", "is_remote": False, "trace_state": {}},
        "parent": None, "resource": {"attributes": {"r": 1}, "schema_url": ""}, "extra": {"z": [1]},
    }  # fmt: skip
    resources = {"a": {"resource_type": "llm", "endpoint": "e", "model": "m", "sampling_parameters": {"t": 1}}}
    template = {"a": {"resource_type": "prompt_template", "template": "t", "engine": "jinja"}}
    update = {"status": "running", "worker_id": "w", "last_heartbeat_time": 5.5, "metadata": {"a": 1}}
    return [
        ("/queues/rollouts/enqueue", {"rollouts": [new]}),
        ("/queues/rollouts/dequeue", {"limit": 2, "worker_id": "w"}),
        ("/rollouts", {**new, "worker_id": "w"}),
        ("/rollouts/search", {**PAGE, "status_in": ["running"], "rollout_id_in": [rollout], "rollout_id_contains": "ro",
                              "mode_in": ["train"]}),
        (f"/rollouts/{rollout}", {"status": "running", "mode": "val", "input": 1, "metadata": {}, "config": config}),
        (f"/rollouts/{rollout}/attempts", {"worker_id": "w"}),
        (f"/rollouts/{rollout}/attempts/search", PAGE),
        (f"/rollouts/{rollout}/attempts/latest", update),
        (f"/rollouts/{rollout}/attempts/{attempt}", update),
        ("/workers/search", {**PAGE, "sort_by": "worker_id", "status_in": ["busy"], "worker_id_contains": "w"}),
        ("/workers/w", {"heartbeat_stats": {"a": 1}}),
        ("/resources", resources),
        ("/resources/r", template),
        ("/spans", span),
        ("/spans/search", {**PAGE, "rollout_id": rollout, "attempt_id": "latest", "name": "n", "trace_id_contains": "t",
                           "span_id": "s", "parent_id_contains": ""}),
        ("/spans/next", {"rollout_id": rollout, "attempt_id": attempt}),
        # One that has ended, so that no answer is waited for.
        ("/waits/rollouts", {"rollout_ids": [finished], "timeout": 0}),
    ]  # fmt: skip


def places(value, path=()):
    """The paths of everything inside a value."""
    if path:
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


def mutated(chance, body):
    """The text of a body with up to three values changed, left out or added, and sometimes a byte or two."""
    body = copy.deepcopy(body)
    texts = {}
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        found = list(places(body))
        if not found:
            break
        *parents, last = chance.choice(found)
        inside = body
        for key in parents:
            inside = inside[key]
        action = chance.random()
        if action > 0.9 and isinstance(inside, dict):
            inside["unknown"] = 1
        elif action > 0.75 and isinstance(inside, dict):
            del inside[last]
        else:
            inside[last] = f"@@{len(texts)}@@"
            texts[f'"{inside[last]}"'] = chance.choice(VALUES)
    text = json.dumps(body)
    for place, value in texts.items():
        text = text.replace(place, value)
    raw = bytearray(text.encode())
    if chance.random() < 0.1:
        for _ in range(chance.randint(1, 3)):
            raw[chance.randrange(len(raw))] = chance.choice(BYTES)
    return bytes(raw)


def post(started, path, body):
    headers = {"Content-Type": "application/json"}
    response = http1.request(started.api, "POST", "/v1/agl" + path, headers, json.dumps(body).encode())
    assert response.status in (200, 201), response
    return response.json()


@pytest.mark.parametrize("seed", [1, 2])
def test_no_body_makes_the_server_fail(server, seed):
    finished = post(server, "/rollouts", {"input": 1})["rollout_id"]
    post(server, f"/rollouts/{finished}", {"status": "cancelled"})
    made = post(server, "/rollouts", {"input": 1, "worker_id": "w"})
    rollout = made["rollout_id"]
    seeds = routes(rollout, made["attempt"]["attempt_id"], finished)
    for path, body in seeds:
        post(server, path, body)
    chance = random.Random(seed)
    answered = set()
    connection = http.client.HTTPConnection(*server.api, timeout=30)
    for number in range(COUNT):
        path, body = seeds[number % len(seeds)]
        raw = mutated(chance, body)
        headers = {"Content-Type": "application/json"}
        if chance.random() < 0.1:
            headers["Idempotency-Key"] = chance.choice(["a", "b", "x y", '"'])
        connection.request("POST", "/v1/agl" + path, raw, headers)
        response = connection.getresponse()
        answer = response.read()
        assert response.status < 500, (path, raw, response.status, answer)
        json.loads(answer)
        answered.add((path, response.status < 300))
        if number % 100 == 99:
            # What was let in can be read.
            for known in ("/rollouts", "/workers", "/resources", "/statistics", f"/rollouts/{rollout}/attempts",
                          f"/spans?rollout_id={rollout}"):  # fmt: skip
                server.get_json("/v1/agl" + known)
    connection.close()
    # Every route has taken some and refused some.
    assert answered >= {(path, True) for path, _ in seeds}
    refused = {path for path, success in answered if not success}
    assert len(refused) >= len(seeds) - 3, refused
