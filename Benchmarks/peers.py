"""Measures peers that happen to be installed, with the same generator. None is required."""

import contextlib
import json
import pathlib
import socket
import subprocess
import tempfile

import tools
from harness import http1, paths
from results import Row

ROLLOUTS = 8


def measure(folder, options):
    """Rows for every peer that is here."""
    if not paths.AGL_PYTHON.exists():
        return []
    results = {}
    for _number in range(options.runs):
        with tempfile.TemporaryDirectory(dir=folder) as run_folder:
            for load, unit, value in agent_lightning(pathlib.Path(run_folder), options):
                results.setdefault((load, unit), []).append(value)
    return [Row(load, None, unit, values) for (load, unit), values in results.items()]


@contextlib.contextmanager
def agent_lightning_server():
    """AGL 0.3.0's in-memory store server in one process, as its CLI starts it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = probe.getsockname()
    command = [paths.AGL_PYTHON, paths.END_TO_END / "agl_client.py", "serve", str(address[1])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError("AGL's server did not start")
        yield address
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def agent_lightning(folder, options):
    """(load, unit, value) of each load that AGL's server can take: protobuf over HTTP for registered rollouts."""
    for spans, connections in [(100, 8), (1, 1), (1, 8)]:
        with agent_lightning_server() as address:
            identifiers = register_rollouts(address, folder)
            result = tools.otlpload(
                address,
                *("--connections", connections, "--spans-per-request", spans, "--seconds", options.seconds),
                *("--rollout-ids", identifiers),
            )
            load = f"{count(spans, 'span')} a request, {count(connections, 'connection')}"
            yield f"Agent Lightning 0.3.0 (memory): {load}", "spans/s", result["spans_per_s"]
    with agent_lightning_server() as address:
        identifiers = register_rollouts(address, folder)
        tools.otlpload(address, "--connections", 2, "--total-spans", ROLLOUTS * 1000, "--rollout-ids", identifiers)
        rollout = identifiers.read_text().split()[0]
        body = json.dumps({"rollout_id": rollout, "limit": -1}).encode()
        milliseconds, response = tools.read_milliseconds(address, "POST", ["/v1/agl/spans/search"] * 30, [body] * 30)
        assert len(response.json()["items"]) == 1000
        name = (
            f"Agent Lightning 0.3.0 (memory): all spans of a 1,000-span rollout, {ROLLOUTS * 1000:,} spans stored, p50"
        )
        yield name, "ms", milliseconds


def count(number, noun):
    return f"{number} {noun}" + ("s" if number != 1 else "")


def register_rollouts(address, folder):
    """AGL refuses spans of rollouts it does not know; this makes some and writes otlpload's list of them."""
    lines = []
    for _ in range(ROLLOUTS):
        headers = {"Content-Type": "application/json"}
        response = http1.request(address, "POST", "/v1/agl/rollouts", headers, b'{"input":null}')
        rollout = response.json()
        lines.append(f"{rollout['rollout_id']} {rollout['attempt']['attempt_id']}\n")
    path = folder / "rollouts.txt"
    path.write_text("".join(lines))
    return path
