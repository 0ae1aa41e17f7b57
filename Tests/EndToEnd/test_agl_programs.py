"""Real Agent Lightning programs do with Fulgurite as their store what they do with AGL's own server.

The runner, the tracers, the trainer with its runner processes and the adapters are AGL's, unmodified.
"""

import os
import re

import pytest
from harness import agl_results, agl_server, chat_provider, server

# The first test of a program runs it twice.
pytestmark = pytest.mark.timeout(400)

# Nothing here may ask the network: LiteLLM would fetch a table of prices when it is imported.
ENVIRONMENT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "AGENTOPS_API_KEY": "dummy", "NO_PROXY": "127.0.0.1"}
TRACE_AND_SPAN_IDS = re.compile(r"\b(?:[0-9a-f]{32}|[0-9a-f]{16})\b")

PROGRAMS = {"otel": ["runner", "otel"], "agentops": ["runner", "agentops"], "trainer": ["trainer"]}


def run_program(name, url):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AGL_", "OTEL_"))}
    with chat_provider.chat_provider() as provider:
        arguments = [*PROGRAMS[name], url, provider]
        return agl_results.run("agl_programs.py", *arguments, environment={**environment, **ENVIRONMENT})


def comparable(result):
    """Without what chance decides: ids, times, which worker took what, and whether its heartbeat was due."""
    result = agl_results.without_additions(result)
    return agl_results.Normaliser(TRACE_AND_SPAN_IDS)(without_chance(result))


def without_chance(value):
    if isinstance(value, list):
        return [without_chance(member) for member in value]
    if not isinstance(value, dict):
        return value
    chance = {"heartbeat_stats", "last_heartbeat_time"} if "heartbeat_stats" in value else set()
    if isinstance(value.get("worker_id"), str) and "attempt_id" in value:
        chance = {"worker_id"}
    # A name that the SDK makes up for every process.
    value = {key: "a name" if key == "service.instance.id" else member for key, member in value.items()}
    return {key: without_chance(member) for key, member in value.items() if key not in chance}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What a program finds in AGL's own server, run when it is first asked for."""
    results = {}

    def result_of(name):
        if name not in results:
            with agl_server.AgentLightning(tmp_path_factory.mktemp("agl") / f"{name}.log") as running:
                results[name] = run_program(name, running.root)
        return results[name]

    return result_of


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What it finds in Fulgurite."""
    results = {}

    def result_of(name):
        if name not in results:
            data = tmp_path_factory.mktemp("fulgurite") / "data"
            with server.Fulgurite(data, "--set", "agl.watchdog_debounce=0") as running:
                results[name] = run_program(name, f"http://{running.api[0]}:{running.api[1]}")
        return results[name]

    return result_of


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_finds_the_same_as_with_agls_own_server(expected, found, name):
    ours, theirs = comparable(found(name)), comparable(expected(name))
    for one, other in zip(ours["results"], theirs["results"], strict=True):
        assert one == other
    assert ours == theirs


# Shows that the programs do what they are there for, with AGL's own server too: an empty result would equal another.


def statuses(result):
    return [
        (outcome["rollout"]["status"], [attempt["status"] for attempt in outcome["attempts"]])
        for outcome in result["results"]
    ]


@pytest.mark.parametrize(("name", "spans"), [("otel", 8), ("agentops", 11)])
def test_a_runner_steps_and_works_off_a_queue(expected, name, spans):
    result = expected(name)
    assert statuses(result) == [
        ("succeeded", ["succeeded"]),
        ("failed", ["failed"]),
        ("succeeded", ["succeeded"]),
        ("succeeded", ["failed", "succeeded"]),
        ("succeeded", ["succeeded"]),
    ]
    assert [outcome["reward"] for outcome in result["results"]] == [0.5, None, 0.75, 1.0, 0.5]
    assert [len(outcome["spans"]) for outcome in result["results"]][0] == spans
    for outcome in result["results"]:
        assert outcome["triplets"] and outcome["triplets"][-1]["response"]["token_ids"] == [4, 5]
        assert outcome["messages"]


def test_a_trainer_loses_no_task_to_a_killed_runner(expected):
    result = expected("trainer")
    assert statuses(result) == [
        ("succeeded", ["succeeded"]),
        ("succeeded", ["succeeded"]),
        ("succeeded", ["failed", "succeeded"]),
        ("failed", ["failed", "failed"]),
        ("succeeded", ["unresponsive", "succeeded"]),
        ("succeeded", ["succeeded", "succeeded"]),
        ("succeeded", ["succeeded"]),
        ("succeeded", ["succeeded"]),
    ]
    dead, other = result["results"][4]["attempts"]
    assert dead["worker_id"] != other["worker_id"]
    assert len(dict(result["results"][4]["spans of earlier attempts"])[1]) == 3
    assert result["queue"] == 0
