"""What the loads are made with: the generator, the sink, the fill of a database, a clock for whole answers."""

import contextlib
import json
import pathlib
import re
import socket
import statistics
import subprocess
import time

from harness import http1, paths


def otlpload(address, *arguments):
    """Runs the generator to its end; every request must have been acknowledged in full."""
    command = [paths.OTLPLOAD, "--target", f"{address[0]}:{address[1]}", *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    # At a fixed rate a request that is due at the very end may go unsent; those before it count with what they waited.
    is_only_unsent = done.returncode == 3 and set(json.loads(done.stdout)["errors"]) == {"unsent_at_end"}
    if done.returncode != 0 and not is_only_unsent:
        raise RuntimeError(f"otlpload ended with {done.returncode}: {done.stdout}{done.stderr}")
    result = json.loads(done.stdout)
    if result["failed_requests"] or result["rejected_spans"]:
        raise RuntimeError(f"not everything was acknowledged: {done.stdout}")
    return result


def http_load(address, seconds, *arguments):
    return otlpload(address, "--connections", 8, "--seconds", seconds, *arguments)


def grpc_load(address, seconds, *arguments):
    return otlpload(address, "--proto", "grpc", "--connections", 8, "--inflight", 4, "--seconds", seconds, *arguments)


def aglload(address, mode, *arguments):
    """Runs the generator of Agent Lightning's calls to its end; every request must have succeeded."""
    command = [paths.AGLLOAD, "--target", f"{address[0]}:{address[1]}", "--mode", mode, *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"aglload ended with {done.returncode}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def commit_floor(folder):
    """Requests a second of the bare chain: loopback, two threads, a synced write of what a span costs, nothing else."""
    done = subprocess.run([paths.COMMITFLOOR, folder / "floor"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["requests_per_s"]


@contextlib.contextmanager
def otlpsink():
    """A sink that answers everything with success and keeps nothing: what it reaches is the generator's own limit."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen([paths.OTLPSINK, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield "127.0.0.1", port
    finally:
        process.kill()
        process.wait()


def folder_bytes(folder):
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file())


def read_milliseconds(address, method, paths_to_read, bodies=None):
    """p50 of whole answers on one keep-alive connection, in milliseconds, and the last answer.

    The clock stops when the last byte has arrived; what the answer says is looked at afterwards.
    """
    times = []
    room = bytearray(16 << 20)
    with http1.Connection(address, timeout=60) as connection:
        for index, path in enumerate(paths_to_read):
            body = bodies[index] if bodies else None
            headers = {"Content-Type": "application/json"} if body else {}
            request = http1.encode_request(method, path, address, headers, body)
            started = time.perf_counter()
            connection.send(request)
            times.append(receive_whole_answer(connection, room) - started)
            response = connection.read_response(method)
            if response.status != 200:
                raise RuntimeError(f"{path}: {response.status} {response.body[:200]}")
    return statistics.median(times) * 1e3, response


def receive_whole_answer(connection, room):
    """Reads an answer into `room`, which is used again, and from there, when it is whole, into the connection's buffer.

    Returns when its last byte arrived. Its chunks are not decoded, and nothing is copied before.
    """
    count, end = 0, None
    with memoryview(room) as view:
        while end is None or (count < end if end >= 0 else not room.endswith(b"\r\n0\r\n\r\n", 0, count)):
            if count == len(room):
                raise RuntimeError(f"an answer of more than {count} bytes")
            received = connection.socket.recv_into(view[count:])
            if not received:
                raise RuntimeError("the server closed the connection")
            count += received
            if end is None and (head := room.find(b"\r\n\r\n", 0, count)) >= 0:
                length = re.search(rb"content-length: *(\d+)", room[:head], re.IGNORECASE)
                end = head + 4 + int(length[1]) if length else -1
        finished = time.perf_counter()
        connection.buffer = bytes(view[:count])
    return finished


def fill(running, options, *arguments):
    """The database of 1 million spans: rollouts of 1,000 spans each."""
    rollouts = max(1, options.million // 1000)
    otlpload(
        running.otlp_http,
        *("--connections", 4, "--total-spans", options.million, "--rollouts", rollouts, "--seed", 7, *arguments),
    )
