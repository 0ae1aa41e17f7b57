"""What retention costs: ten times the limit of bytes sent through a store, beside the same load without a limit."""

import contextlib
import os
import shutil
import threading

from harness import database, otlp, retention, server
from results import SHARE_OF_A_RATE, Row
from tools import http_load, otlpload

MEBIBYTE = 1 << 20
LIMIT, QUICK_LIMIT = 256 * MEBIBYTE, 64 * MEBIBYTE
# What a span of the generator takes on the disk, roughly; that of the unlimited store says how much it really was.
BYTES_PER_SPAN = 160
TIMES_THE_LIMIT, QUICK_TIMES_THE_LIMIT = 10, 2
TIMES = "times"

# A rollout of 100 spans for each request, and rollouts that go on for ever.
SHAPES = {"rollouts that end": ("--rollouts", 1_000_000), "100 rollouts that go on": ()}


class LargestFile:
    """Notes how large the database file of a running server gets."""

    def __init__(self, data):
        self.path = database.find(data)
        self.bytes = 0

    @contextlib.contextmanager
    def watching(self):
        ended = threading.Event()
        thread = threading.Thread(target=self.watch, args=[ended])
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def watch(self, ended):
        while not ended.wait(0.02):
            self.bytes = max(self.bytes, self.path.stat().st_size)


def send(data, spans, shape, *limits):
    """Sends so many spans as fast as they are taken; returns what the generator says and the largest size of the file."""
    arguments = [f"--set=retention.{limit}" for limit in limits]
    with server.Fulgurite(data, *arguments) as running:
        file = LargestFile(data)
        with file.watching():
            result = otlpload(running.otlp_http, "--connections", 8, "--total-spans", spans, *shape)
        if running.stop() != 0:
            raise RuntimeError("the server did not stop cleanly")
    return result, file.bytes


def send_without_limit(data, spans, shape):
    """Sends to a store that keeps everything, and leaves nothing of it on the disk."""
    result = send(data, spans, shape, "max_age=0")
    shutil.rmtree(data)
    # The disk still works on what came; that is not to be counted against the next.
    os.sync()
    return result


def retention_by_bytes(folder, options):
    """Deleting keeps up with full ingest, and does not cost much of it."""
    limit = QUICK_LIMIT if options.quick else LIMIT
    times = QUICK_TIMES_THE_LIMIT if options.quick else TIMES_THE_LIMIT
    spans = times * limit // BYTES_PER_SPAN
    table = []
    for number, (name, shape) in enumerate(SHAPES.items()):
        # The machine may be faster in one minute than in the next: once before and once after.
        before, all_bytes = send_without_limit(folder / f"before-{number}", spans, shape)
        limited, largest = send(folder / f"limited-{number}", spans, shape, "max_age=0", f"max_bytes={limit}")
        after, _ = send_without_limit(folder / f"after-{number}", spans, shape)
        load = f"{all_bytes / limit:.0f} times `retention.max_bytes` ({limit // MEBIBYTE} MiB) sent, {name}"
        free_rate = (before["spans_per_s"] + after["spans_per_s"]) / 2
        p99 = 2 * limited["lat_us"]["p99"] / (before["lat_us"]["p99"] + after["lat_us"]["p99"])
        table += [
            Row(f"{load}: database file above the limit, highest", 10, "%", [(largest / limit - 1) * 100]),
            Row(
                f"{load}: ingest, against that without a limit before and after",
                80,
                SHARE_OF_A_RATE,
                [limited["spans_per_s"] / free_rate * 100],
            ),
            Row(f"{load}: acknowledgement p99, against that without a limit", 1.5, TIMES, [p99]),
        ]
    return table


# It sends 100 million spans.
retention_by_bytes.most_runs = 1


def retention_by_age(folder, options):
    """Full ingest while everything older than a few seconds is deleted."""
    age = max(1, options.seconds / 4)
    latencies = []
    for name, limits in [("free", ["max_age=0"]), ("aged", [f"max_age={age:g}s", "interval=1s", "clock_grace=0"])]:
        with server.Fulgurite(folder / name, *(f"--set=retention.{limit}" for limit in limits)) as running:
            latencies.append(http_load(running.otlp_http, 2 * options.seconds, *SHAPES["rollouts that end"]))
            deleted = running.metric("fulgurite_retention_deleted_spans_total")
        os.sync()
    if deleted == 0:
        raise RuntimeError("nothing was deleted meanwhile")
    load = f"full ingest while what is older than {age:g} s is deleted"
    return [Row(f"{load}: acknowledgement p50, against that without", 1.25, TIMES, [ratio(*reversed(latencies), "p50")])]


def ratio(measured, base, quantile):
    return measured["lat_us"][quantile] / base["lat_us"][quantile]


CALLS = 40


def retention_by_packing(folder, options):
    """Conversations of agents that send their whole history with every call."""
    data = folder / "data"
    with server.Fulgurite(data, *retention.options(pack_after="100ms")) as running:
        raw = 0
        for name in ("one", "two", "three"):
            for body in retention.conversation(name, CALLS, 1_500):
                otlp.assert_success(running.post(body))
                raw += len(body)
        retention.close_open_segment(running)
        running.wait_for_metric("fulgurite_retention_moved_spans_total", lambda moved: moved >= 3 * CALLS)
        running.stop()
    share = retention.payload_bytes(data, ["one", "two", "three"]) / raw * 100
    load = f"conversations of {CALLS} calls that repeat their history: log after packing, against their raw spans"
    return [Row(load, 10, "%", [share])]


LOADS = [retention_by_bytes, retention_by_age, retention_by_packing]
