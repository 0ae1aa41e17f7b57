"""Every method of Agent Lightning's own store client gives with Fulgurite what it gives with AGL's own server."""

import pytest
from harness import agl_results, agl_server, server


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What the calls return with AGL's own server."""
    with agl_server.AgentLightning(tmp_path_factory.mktemp("agl") / "agl.log") as running:
        return agl_results.run("agl_calls.py", running.root)


@pytest.fixture(scope="module")
def returned(tmp_path_factory):
    """What they return with Fulgurite."""
    data = tmp_path_factory.mktemp("fulgurite") / "data"
    with server.Fulgurite(data, "--set", "agl.watchdog_debounce=0") as running:
        return agl_results.run("agl_calls.py", f"http://{running.api[0]}:{running.api[1]}")


def test_every_call_returns_the_same(expected, returned):
    assert [name for name, _ in returned] == [name for name, _ in expected]
    ours, theirs = agl_results.Normaliser(), agl_results.Normaliser()
    differences = []
    for (name, one), (_, other) in zip(returned, expected, strict=True):
        # Both are normalised in step, so that an id that is wrong shows in the call where it is.
        one, other = ours(one), theirs(other)
        if repr(one) != repr(other):
            differences.append(f"{name}:\n  Fulgurite: {one}\n  AGL:       {other}")
    assert not differences, "\n".join(differences)


def test_the_calls_say_the_same_about_agls_own_server_twice(expected, tmp_path):
    """Shows that what is compared does not depend on ids, on times or on chance."""
    with agl_server.AgentLightning(tmp_path / "agl.log") as running:
        again = agl_results.run("agl_calls.py", running.root)
    ours, theirs = agl_results.Normaliser(), agl_results.Normaliser()
    assert [[name, ours(result)] for name, result in again] == [[name, theirs(result)] for name, result in expected]
    assert len(again) > 100


METHODS = {
    "add_many_spans",
    "add_otel_span",
    "add_resources",
    "add_span",
    "capabilities",
    "dequeue_many_rollouts",
    "dequeue_rollout",
    "enqueue_many_rollouts",
    "enqueue_rollout",
    "get_latest_attempt",
    "get_latest_resources",
    "get_many_span_sequence_ids",
    "get_next_span_sequence_id",
    "get_resources_by_id",
    "get_rollout_by_id",
    "get_worker_by_id",
    "otlp_traces_endpoint",
    "query_attempts",
    "query_resources",
    "query_rollouts",
    "query_spans",
    "query_workers",
    "start_attempt",
    "start_rollout",
    "statistics",
    "update_attempt",
    "update_resources",
    "update_rollout",
    "update_worker",
    "wait_for_rollouts",
}


def test_no_method_is_left_out(expected):
    called = {name.replace(":", " ").split(" ")[0] for name, _ in expected}
    assert called == METHODS
