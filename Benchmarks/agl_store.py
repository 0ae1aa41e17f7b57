"""The loads of Agent Lightning's store. The same run against Fulgurite and against AGL's own server."""

import json
import subprocess

import tools
from harness import http1, paths

# One runner uses one connection; eight are a small training run.
CONNECTIONS = 8
# Spans of one rollout come from one runner, so every connection has rollouts of its own.
SPAN_ROLLOUTS = 64
UPDATED_ROLLOUTS = 1000
# How AGL's runners wait for work: each asks every 5 s.
POLLERS, POLL_MILLISECONDS = 200, 5000
# More than any server here takes out of its queue in the time; the load ends when the queue is empty.
QUEUED_PER_SECOND = 10_000
QUEUE_BATCH = 100

JSON = {"Content-Type": "application/json"}


def measure(start, folder, options, queued_per_second=QUEUED_PER_SECOND):
    """(load, goal, unit, value) of each load. `start(name)` gives a running server with a fresh store."""
    for connections, goal in [(1, 3_000), (CONNECTIONS, 15_000)]:
        with start(f"add-span-{connections}") as running:
            identifiers = start_rollouts(running.api, folder / "rollouts.txt", SPAN_ROLLOUTS)
            result = timed(running, "add_span", options, connections, "--ids", identifiers)
            yield f"add_span, {counted(connections)}", goal, "spans/s", result["per_s"]
    with start("enqueue") as running:
        result = timed(running, "enqueue", options, CONNECTIONS)
        yield f"enqueue, one rollout a request, {counted(CONNECTIONS)}", 5_000, "rollouts/s", result["per_s"]
    with start("dequeue") as running:
        batches = max(1, int(queued_per_second * options.seconds / QUEUE_BATCH))
        tools.aglload(running.api, "enqueue", "--total", batches, "--batch", QUEUE_BATCH, "--seconds", 600)
        result = timed(running, "dequeue", options, CONNECTIONS)
        yield f"dequeue, {counted(CONNECTIONS)}", 5_000, "rollouts/s", result["per_s"]
    with start("update-attempt") as running:
        identifiers = start_rollouts(running.api, folder / "attempts.txt", UPDATED_ROLLOUTS)
        result = timed(running, "update_attempt", options, CONNECTIONS, "--ids", identifiers)
        yield f"update_attempt, {counted(CONNECTIONS)}", 5_000, "updates/s", result["per_s"]
    with start("pollers") as running:
        yield pollers(running, options)


def pollers(running, options):
    """The share of a core that waiting runners cost the server."""
    seconds = max(options.seconds, 2 * POLL_MILLISECONDS / 1000) if options.seconds > 1 else options.seconds
    before = running.cpu_seconds()
    result = tools.aglload(
        running.api, "poll", "--connections", POLLERS, "--interval", POLL_MILLISECONDS, "--seconds", seconds
    )
    share = (running.cpu_seconds() - before) / result["seconds"] * 100
    return f"{POLLERS} runners that poll an empty queue every {POLL_MILLISECONDS // 1000} s", 5, "% of a core", share


def timed(running, mode, options, connections, *arguments):
    return tools.aglload(running.api, mode, "--connections", connections, "--seconds", options.seconds, *arguments)


def counted(connections):
    return f"{connections} connection" + ("s" if connections > 1 else "")


def start_rollouts(address, path, count):
    """Starts rollouts, and writes a line with the ids of each: the generators' list."""
    lines = []
    with http1.Connection(address) as connection:
        for _ in range(count):
            connection.send_request("POST", "/v1/agl/rollouts", JSON, b'{"input":null}')
            rollout = connection.read_response().json()
            lines.append(f"{rollout['rollout_id']} {rollout['attempt']['attempt_id']}\n")
    path.write_text("".join(lines))
    return path


def client_milliseconds(address, rollout, rounds=30):
    """p50 of `query_spans` of a rollout with 1,000 spans through AGL's own client, its parsing included."""
    command = [
        paths.AGL_PYTHON,
        paths.END_TO_END / "agl_client.py",
        "time",
        f"http://{address[0]}:{address[1]}",
        rollout,
    ]
    done = subprocess.run([*map(str, command), str(rounds)], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["spans"] == 1000, result["spans"]
    return sorted(result["seconds"])[rounds // 2] * 1e3
