"""Following stored spans that are tagged anew: `GET /api/v1/retags`."""

import json
import socket

import pytest
from harness import http1, otlp, rows, wire

SPANS = [bytes([0] * 7 + [number]) for number in (1, 2)]


def ask(server, method, path, body=None):
    headers = {"Content-Type": "application/json"} if body is not None else None
    response = http1.request(server.api, method, "/api/v1/" + path, headers, None if body is None else json.dumps(body).encode())
    assert response.status in (200, 201, 204), response
    return response.json() if response.body else None


def send(server, name):
    """Two spans that say nothing of a rollout; returns their trace."""
    spans = [wire.span(rows.trace_of(name), span, "span") for span in SPANS]
    otlp.assert_success(server.post(wire.request(*spans)))
    return rows.trace_of(name).hex()


def bind(server, trace, rollout, attempt=None):
    return ask(server, "POST", "bindings", {"trace_id": trace, "rollout_id": rollout, "attempt_id": attempt})


def start_wait(server, since, seconds=60):
    """Sends a request to wait; the answer comes on the socket."""
    connection = socket.create_connection(server.api, timeout=30)
    connection.sendall(f"GET /api/v1/retags?since={since}&wait={seconds} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


def receive(connection):
    answer = connection.recv(1 << 16)
    connection.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def wait_for_waiters(server, count):
    server.wait_for_metric("fulgurite_retag_waits", lambda value: value == count)


def now(server):
    answer = ask(server, "GET", "retags")
    assert (answer["retags"], answer["lost"]) == ([], False)
    return answer["next"]


def test_a_binding_wakes_who_waits(start):
    # Deadlines for clients that send nothing do not hold for those who wait.
    server = start("--set", "limits.idle_timeout=300ms")
    since = now(server)
    trace = send(server, "followed")
    # They were decided as they came.
    assert ask(server, "GET", f"retags?since={since}")["retags"] == []
    # Longer than an idle client would be let stay.
    assert receive(start_wait(server, since, seconds=1)) == (200, {"retags": [], "next": since, "lost": False})
    waiters = [start_wait(server, since) for _ in range(20)]
    wait_for_waiters(server, len(waiters))
    bind(server, trace, "ro-1", "at-1")
    for connection in waiters:
        status, answer = receive(connection)
        assert (status, answer["lost"]) == (200, False)
        assert [(retag["traceId"], retag["spanId"]) for retag in answer["retags"]] == [(trace, span.hex()) for span in SPANS]
        for number, retag in enumerate(answer["retags"], 1):
            assert retag["before"] == {"rolloutId": None, "attemptId": None, "rule": "none"}
            assert (retag["rolloutId"], retag["attemptId"], retag["rule"]) == ("ro-1", "at-1", "binding")
            assert (retag["number"], retag["sequence"], retag["arrival"]) == (number, number, str(number))
    wait_for_waiters(server, 0)
    # By then it can be read.
    assert len(otlp.read_pages(server, "/api/v1/rollouts/ro-1/spans")) == 2
    assert ask(server, "GET", f"retags?since={answer['next']}")["retags"] == []


def test_changes_come_in_pages(server):
    since = now(server)
    bound = bind(server, send(server, "paged"), "ro-1")
    ask(server, "DELETE", f"bindings/{bound['id']}")
    found = []
    while True:
        page = ask(server, "GET", f"retags?since={since}&limit=1")
        if not page["retags"]:
            break
        found += page["retags"]
        since = page["next"]
    assert [retag["number"] for retag in found] == [1, 2, 3, 4]
    assert [retag["rolloutId"] for retag in found] == ["ro-1", "ro-1", None, None]
    assert [retag["sequence"] for retag in found] == [1, 2, None, None]


def test_a_subscriber_from_before_a_restart_has_lost_changes(start):
    server = start()
    since = now(server)
    server.stop()
    server = start()
    answer = ask(server, "GET", f"retags?since={since}&wait=60")
    assert (answer["retags"], answer["lost"]) == ([], True)
    assert answer["next"] == now(server)


def test_a_subscriber_that_falls_behind_has_lost_changes(server):
    since = now(server)
    spans = [wire.span(rows.trace_of("many"), number.to_bytes(8, "big"), "span") for number in range(1, 10_002)]
    otlp.assert_success(server.post(wire.request(*spans)))
    bind(server, rows.trace_of("many").hex(), "ro-many")
    server.wait_for_metric("fulgurite_write_queue_bytes", lambda value: value == 0)
    prefix = since.rpartition("-")[0]
    while now(server) != f"{prefix}-10001":
        pass
    assert ask(server, "GET", f"retags?since={since}")["lost"] is True
    kept = ask(server, "GET", f"retags?since={prefix}-1&limit=10000")
    assert (len(kept["retags"]), kept["lost"], kept["next"]) == (10_000, False, f"{prefix}-10001")


@pytest.mark.parametrize("end", ["client", "server"])
def test_nobody_waits_longer_than_client_and_server(start, end):
    server = start("--set", "shutdown.deadline=25s")
    connection = start_wait(server, now(server))
    wait_for_waiters(server, 1)
    if end == "client":
        connection.close()
        wait_for_waiters(server, 0)
    else:
        assert server.stop() == 0
        assert receive(connection)[0] == 503
