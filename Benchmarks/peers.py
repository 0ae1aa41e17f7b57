"""Measures peers that happen to be installed, with the same generators. None is required."""

import json
import pathlib
import tempfile

import agl_store
import loads
import tools
from harness import agl_server, paths
from results import Row

ROLLOUTS = 8
# AGL's watchdog as its command line sets it.
DEBOUNCE_SECONDS = 10
# AGL's queue needs fewer rollouts than ours to last for the time of a load.
QUEUED_PER_SECOND = 1_500

AGL = "Agent Lightning 0.3.0 (memory)"


def measure(folder, options):
    """Rows for every peer that is here."""
    if not paths.AGL_PYTHON.exists():
        return []
    results = {}
    for _number in range(options.runs):
        with tempfile.TemporaryDirectory(dir=folder) as run_folder:
            for load, unit, value, ours in agent_lightning(pathlib.Path(run_folder), options):
                results.setdefault((f"{AGL}: {load}", unit, ours), []).append(value)
    return [Row(load, None, unit, values, ours) for (load, unit, ours), values in results.items()]


def agent_lightning(folder, options):
    """(load, unit, value, our own load to compare with) of each load that AGL's server can take."""

    def start(name):
        return agl_server.AgentLightning(folder / f"{name}.log", debounce=DEBOUNCE_SECONDS)

    # Protobuf over HTTP; AGL refuses spans of rollouts that it does not know.
    for spans, connections in [(100, 8), (1, 1), (1, 8)]:
        with start("otlp") as running:
            identifiers = agl_store.start_rollouts(running.api, folder / "rollouts.txt", ROLLOUTS)
            result = tools.otlpload(
                running.api,
                *("--connections", connections, "--spans-per-request", spans, "--seconds", options.seconds),
                *("--rollout-ids", identifiers),
            )
        ours = loads.one_span(connections) if spans == 1 else loads.DURABLE_HTTP
        yield (
            f"{count(spans, 'span')} a request, {count(connections, 'connection')}",
            "spans/s",
            result["spans_per_s"],
            ours,
        )
    with start("search") as running:
        yield from searches(running, folder, options)
    for load, _goal, unit, value in agl_store.measure(start, folder, options, QUEUED_PER_SECOND):
        yield load, unit, value, load


def searches(running, folder, options):
    identifiers = agl_store.start_rollouts(running.api, folder / "rollouts.txt", ROLLOUTS)
    tools.otlpload(running.api, "--connections", 2, "--total-spans", ROLLOUTS * 1000, "--rollout-ids", identifiers)
    rollout = identifiers.read_text().split()[0]
    body = json.dumps({"rollout_id": rollout, "limit": -1}).encode()
    milliseconds, response = tools.read_milliseconds(running.api, "POST", ["/v1/agl/spans/search"] * 30, [body] * 30)
    assert len(response.json()["items"]) == 1000
    stored = f"{ROLLOUTS * 1000:,} spans stored, p50"
    yield f"all spans of a 1,000-span rollout, {stored}", "ms", milliseconds, loads.agl_read(options)
    through_client = agl_store.client_milliseconds(running.api, rollout)
    ours = loads.client_read(options)
    yield f"all spans of a 1,000-span rollout through LightningStoreClient, {stored}", "ms", through_client, ours


def count(number, noun):
    return f"{number} {noun}" + ("s" if number != 1 else "")
