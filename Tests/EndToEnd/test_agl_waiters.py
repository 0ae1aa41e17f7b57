"""Waits for rollouts: many of them cost nothing, none of them outlives its client, and all of them wake."""

import json
import resource
import selectors
import socket
import time

import pytest
from harness import http1, server

HEADERS = {"Content-Type": "application/json"}


def post(started, path, body):
    response = http1.request(started.api, "POST", "/v1/agl" + path, HEADERS, json.dumps(body).encode())
    assert response.status in (200, 201), response
    return response.json()


def enqueue(started):
    return post(started, "/queues/rollouts/enqueue", {"rollouts": [{"input": 1}]})[0]["rollout_id"]


def send_wait(started, rollouts, timeout=None):
    """Sends a request to wait; the answer comes on the socket."""
    connection = socket.create_connection(started.api, timeout=30)
    body = json.dumps({"rollout_ids": rollouts, "timeout": timeout}).encode()
    head = f"POST /v1/agl/waits/rollouts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def receive(connection):
    answer = connection.recv(1 << 16)
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def wait_for_waiters(started, count):
    started.wait_for_metric("fulgurite_rollout_waits", lambda value: value == count)


def busy_share(started, seconds=0.5):
    """How much of a core the server uses while nobody asks for anything."""
    begin, used = time.monotonic(), started.cpu_seconds()
    # Not to wait for something: this is the time that is measured.
    time.sleep(seconds)
    return (started.cpu_seconds() - used) / (time.monotonic() - begin)


def cost_of_turns(started, rollout):
    """Seconds of CPU for calls by others: each of them is a turn in which waiters could cost something."""
    used = started.cpu_seconds()
    for _ in range(50):
        assert post(started, "/waits/rollouts", {"rollout_ids": [rollout], "timeout": 0}) == []
    return started.cpu_seconds() - used


def test_many_waiters_cost_nothing_and_all_wake(start):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Ten thousand, where the system allows a process so many descriptors.
    count = 10_000 if hard > 10_500 else hard // 2
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 256), hard))
    # Deadlines for clients that send nothing do not hold for those who wait.
    started = start("--set", "limits.idle_timeout=1s", "--set", "agl.watchdog_interval=0")
    rollout = enqueue(started)
    cost_of_turns(started, rollout)
    alone = cost_of_turns(started, rollout)
    waiters = [send_wait(started, [rollout]) for _ in range(count)]
    wait_for_waiters(started, count)
    # A thread that spins gets more than this of a core on a machine that is busy with eight others, too.
    assert min(busy_share(started) for _ in range(3)) < 0.1
    assert cost_of_turns(started, rollout) < 3 * alone + 0.5
    post(started, f"/rollouts/{rollout}", {"status": "cancelled"})
    with selectors.DefaultSelector() as selector:
        for connection in waiters:
            selector.register(connection, selectors.EVENT_READ)
        open_waits = set(waiters)
        while open_waits:
            ready = selector.select(30)
            assert ready, f"{len(open_waits)} waiters were not woken"
            for key, _ in ready:
                status, answer = receive(key.fileobj)
                assert (status, [one["status"] for one in answer]) == (200, ["cancelled"])
                selector.unregister(key.fileobj)
                open_waits.discard(key.fileobj)
                key.fileobj.close()
    wait_for_waiters(started, 0)


def test_a_client_that_goes_away_waits_no_more(server):
    rollout = enqueue(server)
    connection = send_wait(server, [rollout])
    wait_for_waiters(server, 1)
    connection.close()
    wait_for_waiters(server, 0)


def test_the_end_of_the_server_ends_waits(start):
    started = start("--set", "shutdown.deadline=25s")
    connection = send_wait(started, [enqueue(started)])
    wait_for_waiters(started, 1)
    assert started.stop() == 0
    assert receive(connection)[0] == 503
    connection.close()


def test_a_wait_ends_with_its_time(server):
    rollout = enqueue(server)
    connection = send_wait(server, [rollout], timeout=0.2)
    assert receive(connection) == (200, [])
    connection.close()


@pytest.mark.parametrize("finish", ["attempt", "rollout", "watchdog"])
def test_whatever_finishes_a_rollout_wakes_its_waiters(start, finish):
    # The calls that start and wait have looked for late attempts: the timer does not take that for its own look.
    started = start("--set", "agl.watchdog_debounce=1h", "--set", "agl.watchdog_interval=100ms")
    config = {"timeout_seconds": 0.3} if finish == "watchdog" else None
    rollout = post(started, "/rollouts", {"input": 1, "config": config})["rollout_id"]
    connection = send_wait(started, ["ro-unknown", rollout, rollout])
    if finish == "attempt":
        post(started, f"/rollouts/{rollout}/attempts/latest", {"status": "succeeded"})
    elif finish == "rollout":
        post(started, f"/rollouts/{rollout}", {"status": "cancelled"})
    status, answer = receive(connection)
    expected = {"attempt": "succeeded", "rollout": "cancelled", "watchdog": "failed"}[finish]
    assert (status, [one["status"] for one in answer]) == (200, [expected] * 2)
    connection.close()
