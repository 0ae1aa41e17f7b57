"""Every field that a resource can be asked to be sorted by: sorted, or refused with a reason."""

import json

import pytest
from harness import http1, server

JSON = {"Content-Type": "application/json"}
# Values without an order: AGL's server fails with 500 on two rows or more.
UNSORTABLE = {"config", "input", "metadata", "heartbeat_stats", "resources", "status", "attributes", "events", "links",
              "context", "parent", "resource"}  # fmt: skip


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A server with rollouts, attempts of one of them, workers, resources and spans."""
    with server.Fulgurite(tmp_path_factory.mktemp("sorting") / "data") as started:
        for resources in ("rs-b", "rs-a", "rs-b"):
            call(started, "POST", f"/resources/{resources}", {})
        for mode, worker in [("val", "w-b"), (None, None), ("train", "w-a")]:
            made = call(started, "POST", "/rollouts", {"input": 1, "mode": mode, "worker_id": worker}).json()
        started.rollout = made["rollout_id"]
        call(started, "POST", f"/rollouts/{started.rollout}/attempts/latest", {"status": "failed"})
        for worker in (None, "w-c"):
            attempt = call(started, "POST", f"/rollouts/{started.rollout}/attempts", {"worker_id": worker}).json()["attempt"]
            for number in (2, 1):
                call(started, "POST", "/spans", span(started.rollout, attempt["attempt_id"], number))
        yield started


def call(started, method, path, body=None):
    payload = None if body is None else json.dumps(body).encode()
    return http1.request(started.api, method, "/v1/agl" + path, JSON, payload)


def span(rollout, attempt, number):
    return {
        "rollout_id": rollout, "attempt_id": attempt, "sequence_id": number, "trace_id": f"{number:032x}",
        "span_id": f"{number:016x}", "parent_id": None, "name": f"n{number}", "status": {"status_code": "OK"},
        "attributes": {}, "events": [], "links": [], "start_time": 1.0, "end_time": 2.0 * number, "context": None,
        "parent": None, "resource": {"attributes": {}, "schema_url": ""},
    }  # fmt: skip


def key(field):
    """Unknown times are late, other unknown values are empty."""
    if field == "duration":
        return lambda item: float("inf") if item["end_time"] is None else item["end_time"] - item["start_time"]
    absent = float("inf") if field.endswith("_time") else ""
    return lambda item: absent if item[field] is None else item[field]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("path", ["/rollouts", "/rollouts/{}/attempts", "/workers", "/resources", "/spans?rollout_id={}"])
def test_every_field_is_sorted_by_or_refused(filled, path, order):
    path = path.format(filled.rollout)
    path += "&" if "?" in path else "?"
    refused = call(filled, "GET", path + "sort_by=nonsense").json()["detail"]
    fields = refused.partition("allowed fields are: ")[2].split(", ")
    assert len(fields) > 4, refused
    if "end_time" in fields:
        fields.append("duration")
    unsorted = call(filled, "GET", path).json()["items"]
    assert len(unsorted) > 1
    for field in fields:
        response = call(filled, "GET", f"{path}sort_by={field}&sort_order={order}")
        if response.status == 400:
            assert field in UNSORTABLE, (field, response)
            continue
        assert response.status == 200, (field, response)
        values = [key(field)(item) for item in response.json()["items"]]
        assert values == sorted(values, reverse=order == "desc"), field
        assert len(values) == len(unsorted)
