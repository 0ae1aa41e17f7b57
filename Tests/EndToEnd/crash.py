#!/usr/bin/env python3
"""Kills the server at random moments under full load and checks that nothing acknowledged is lost or doubled.

    crash.py --rounds 50 [--seed N] [--connections 4] [--longest 1.0]

A data folder lives through ten rounds. In each, two otlpload processes (HTTP and gRPC) send as fast as they can and
log every acknowledged span; after a random time the server gets SIGKILL. Then a server starts again on the same
folder, and the database is read with Python's SQLite: every acknowledged span of this round and the earlier ones is
there exactly once, under its rollout, and `PRAGMA integrity_check` is clean.

Exit status: 0 when all rounds passed, 1 otherwise (the folder is then kept). The last line is a summary.
"""

import argparse
import contextlib
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import database, paths, server  # noqa: E402


class Violation(Exception):
    """A promise was broken."""


# A new folder now and then keeps the database at a size that is checked in seconds.
ROUNDS_PER_FOLDER = 10


class CrashTest:
    """The state that lives through the rounds: the folder, and the spans that were acknowledged into it."""

    def __init__(self, folder, seed, connections, longest):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data-1"
        self.random = random.Random(seed)
        self.connections = connections
        self.longest = longest
        self.acknowledged = set()
        self.total = 0
        self.recovery_seconds = []

    def run_round(self, number):
        """One life of the server; returns how many spans it acknowledged."""
        if number > 1 and number % ROUNDS_PER_FOLDER == 1:
            shutil.rmtree(self.data)
            self.data = self.folder / f"data-{number}"
            self.acknowledged = set()
        logs = [self.folder / f"acknowledged-{number}-{proto}.log" for proto in ("http", "grpc")]
        with server.Fulgurite(self.data) as running:
            loads = [
                self.start_load(running.otlp_http, "http", logs[0], number),
                self.start_load(running.otlp_grpc, "grpc", logs[1], number),
            ]
            try:
                running.wait_for_metric("fulgurite_spans_stored_total", lambda stored: stored > 0)
                # The random moment is the point of this test; nothing is being waited for.
                time.sleep(self.random.uniform(0, self.longest))
                running.kill()
            finally:
                for load in loads:
                    finish(load)
        before = len(self.acknowledged)
        for log in logs:
            self.acknowledged |= read_log(log)
            log.unlink(missing_ok=True)
        self.check_recovery()
        self.check_store()
        new = len(self.acknowledged) - before
        self.total += new
        return new

    def start_load(self, address, proto, log, number):
        """An otlpload that sends until the server is gone and writes a line for each acknowledged span."""
        shape = self.random.choice(SHAPES)
        command = [
            *(paths.OTLPLOAD, "--target", f"{address[0]}:{address[1]}", "--proto", proto),
            *("--connections", self.connections, "--seconds", 600, "--timeout", 5, "--connect-timeout", 0.2),
            *("--verify-log", log, "--seed", self.random.randrange(1, 2**31)),
            *shape,
        ]
        if proto == "grpc":
            command += ["--inflight", 4]
        return subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def check_recovery(self):
        """The server gets ready again on what the kill left behind, and ends cleanly."""
        started = time.monotonic()
        with server.Fulgurite(self.data) as recovered:
            self.recovery_seconds.append(time.monotonic() - started)
            if recovered.stop() != 0:
                raise Violation(f"the recovered server did not stop cleanly:\n{recovered.log()}")

    def check_store(self):
        verdict = database.integrity(self.data)
        if verdict != ["ok"]:
            raise Violation(f"integrity_check: {verdict[:5]}")
        count, stored = 0, set()
        for row in database.span_rows(self.data):
            count += 1
            stored.add(span_key(*row))
        # Every generated span has ids of its own, so a second row with the same ids is a span stored twice.
        identities = {key[:24] for key in stored}
        if len(identities) != count:
            raise Violation(f"{count - len(identities)} spans are stored twice")
        lost = self.acknowledged - stored
        if lost:
            examples = [key[:24].hex() for key in sorted(lost)[:3]]
            raise Violation(f"{len(lost)} acknowledged spans are lost, for example {examples}")


def span_key(trace_id, span_id, rollout_id):
    """A span's ids and its rollout in few bytes: millions of them are held at once."""
    return bytes.fromhex(trace_id + span_id) + (rollout_id or "").encode()


# What is sent: large batches, single spans, many traces and rollouts in one request, compressed bodies.
SHAPES = [
    ["--spans-per-request", 100],
    ["--spans-per-request", 100, "--gzip", 1],
    ["--spans-per-request", 1],
    ["--spans-per-request", 100, "--resources", 100, "--rollouts", 1000],
    ["--spans-per-request", 20, "--trace", "rollout", "--span-bytes", 3000],
]


def finish(load):
    """Ends a load generator. It flushes its log before it exits, so it is asked first."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        load.wait(15)
    if load.poll() is None:
        load.terminate()
        load.wait()


def read_log(path):
    """The keys of the acknowledged spans of one log."""
    if not path.exists():
        return set()
    with open(path) as log:
        # A line that was cut by the end of the generator is no line.
        return {span_key(*line.split()) for line in log if line.endswith("\n")}


def run(folder, rounds, seed, connections=4, longest=1.0, report=print):
    """Runs all rounds. Raises Violation when a promise was broken."""
    test = CrashTest(folder, seed, connections, longest)
    for number in range(1, rounds + 1):
        new = test.run_round(number)
        report(f"round {number}: {new} spans acknowledged, none lost, none twice")
    return test


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(2**31), help="repeats the random choices of a run")
    parser.add_argument("--connections", type=int, default=4, help="TCP connections of each load generator")
    parser.add_argument("--longest", type=float, default=1.0, help="longest life of a server under load, in seconds")
    options = parser.parse_args()
    paths.require(paths.BINARY, paths.OTLPLOAD)
    folder = tempfile.mkdtemp(prefix="fulgurite-crash-")
    print(f"seed {options.seed}, folder {folder}", flush=True)
    try:
        test = run(folder, options.rounds, options.seed, options.connections, options.longest)
    except (Violation, server.StartFailure) as violation:
        print(f"FAILED: {violation}\nthe folder is kept: {folder}")
        return 1
    slowest = max(test.recovery_seconds)
    print(f"passed: {options.rounds} kills, {test.total} spans acknowledged, slowest restart {slowest:.2f} s")
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
