"""The loads of the speed table. Each function runs one load once and returns its rows."""

import json
import os
import random
import time

import agl_store
from harness import otlp, paths, rows, server
from results import SHARE_OF_A_RATE, Row
from tools import commit_floor, fill, folder_bytes, grpc_load, http_load, otlpload, otlpsink, read_milliseconds

HTTP_GOAL, GRPC_GOAL = 250_000, 200_000
DURABLE_HTTP = "OTLP/HTTP protobuf, 8 connections, acknowledged = committed and synced"


def durable_http(folder, options):
    """The main figure, and what the same run says about CPU, memory, latency and disk."""
    with server.Fulgurite(folder / "data") as running:
        idle = running.resident_bytes()
        result = http_load(running.otlp_http, options.seconds)
        stored = running.metric("fulgurite_spans_stored_total")
        cpu = running.cpu_seconds()
        peak = running.peak_resident_bytes()
        # The disk still works on what came at full speed; that is not to be counted at a quarter of it.
        os.sync()
        quarter = otlpload(
            running.otlp_http,
            *(
                "--connections",
                8,
                "--rate",
                int(result["spans_per_s"] / 4),
                "--seconds",
                options.seconds,
                "--warmup",
                1,
            ),
        )
        stored_at_end = running.metric("fulgurite_spans_stored_total")
        if running.stop() != 0:
            raise RuntimeError("the server did not stop cleanly")
    return [
        Row(
            DURABLE_HTTP,
            HTTP_GOAL,
            "spans/s",
            [result["spans_per_s"]],
        ),
        Row("server CPU per 100,000 stored spans", 0.5, "s", [cpu / stored * 100_000]),
        Row("acknowledgement p50 at a quarter of that rate", 1, "ms", [quarter["lat_us"]["p50"] / 1000]),
        Row("acknowledgement p99 at a quarter of that rate", 5, "ms", [quarter["lat_us"]["p99"] / 1000]),
        Row("disk per span after a clean stop", 200, "B", [folder_bytes(folder / "data") / stored_at_end]),
        Row("resident memory idle", 25, "MB", [idle / 1e6]),
        Row("resident memory at full load, highest", 150, "MB", [peak / 1e6]),
    ]


def durable_grpc(folder, options):
    with server.Fulgurite(folder / "data") as running:
        result = grpc_load(running.otlp_grpc, options.seconds)
        peak = running.peak_resident_bytes()
    return [
        Row("OTLP/gRPC, 8 connections x 4 streams", GRPC_GOAL, "spans/s", [result["spans_per_s"]]),
        Row("resident memory at full load over gRPC, highest", 150, "MB", [peak / 1e6]),
    ]


def one_span_a_request(folder, options):
    table = []
    for connections, goal in [(1, 4_000), (8, 20_000)]:
        with server.Fulgurite(folder / f"data-{connections}") as running:
            arguments = ("--connections", connections, "--spans-per-request", 1, "--seconds", options.seconds)
            result = otlpload(running.otlp_http, *arguments)
        table.append(Row(one_span(connections), goal, "spans/s", [result["spans_per_s"]]))
    # Between the two: how much of the time is the machine's.
    floor = "the same chain without HTTP, decoding and database (`commitfloor`), 1 connection"
    table.insert(1, Row(floor, None, "spans/s", [commit_floor(folder)]))
    return table


def one_span(connections):
    return f"one span a request, HTTP, {connections} connection{'s' if connections > 1 else ''}"


def a_trace_for_every_span(folder, options):
    with server.Fulgurite(folder / "data") as running:
        shape = ("--resources", 100, "--spans-per-request", 100)
        fill(running, options, *shape)
        result = http_load(running.otlp_http, options.seconds, *shape)
    load = f"every span a trace of its own, database of {options.million:,} such spans"
    return [Row(load, 80_000, "spans/s", [result["spans_per_s"]])]


# In how many requests of 100 spans a trace comes whose root is in the last one.
TRACE_REQUESTS = 4


def untagged_children(folder, options):
    """Spans whose root alone names the rollout, and comes last, against spans whose resource names it."""
    known = tagged_rate(folder / "resource", options, "--ids", "resource")
    same = tagged_rate(folder / "same", options, "--ids", "root")
    later = tagged_rate(folder / "later", options, "--ids", "root", "--trace-requests", TRACE_REQUESTS)
    load = "rollout known from the last span of a trace alone, its root"
    split = f"in the last of {TRACE_REQUESTS} requests"
    return [
        Row("rollout known from the resource of every request, stored and tagged", None, "spans/s", [known]),
        Row(f"{load}, in the same request, stored and tagged", 80, SHARE_OF_A_RATE, [same / known * 100]),
        Row(f"{load}, {split}, stored and tagged", 80, SHARE_OF_A_RATE, [later / known * 100]),
    ]


def tagged_rate(data, options, *arguments):
    """Spans a second until all are stored and, where the root of their trace came, belong to a rollout."""
    with server.Fulgurite(data) as running:
        result = http_load(running.otlp_http, options.seconds, *arguments)
        started = time.monotonic()
        # When the time is up, every connection may be in the middle of a trace.
        unfinished = 8 * (TRACE_REQUESTS - 1) * 100 if "--trace-requests" in arguments else 0
        while tagged_spans(running) < result["acked_spans"] - unfinished:
            if time.monotonic() > started + 60:
                raise RuntimeError(f"{tagged_spans(running)} of {result['acked_spans']} spans have a rollout")
            time.sleep(0.05)
        return result["acked_spans"] / (result["elapsed_s"] + time.monotonic() - started)


def tagged_spans(running):
    return sum(rollout["spans"] for rollout in running.get_json("/api/v1/rollouts?limit=1000")["rollouts"])


def open_traces(folder, options):
    """Traces of which one span came and its parent never does."""
    shape = ("--ids", "none", "--trace", "span", "--root", "never", "--total-spans", options.million)
    with server.Fulgurite(folder / "data") as running:
        result = otlpload(running.otlp_http, "--connections", 8, *shape)
        peak = running.peak_resident_bytes()
    load = f"{options.million:,} open traces: one span each, its parent never comes"
    return [
        Row(load, None, "spans/s", [result["spans_per_s"]]),
        Row(f"resident memory after {options.million:,} open traces, highest", 150, "MB", [peak / 1e6]),
    ]


def interleaved_rollouts(folder, options):
    rollouts = max(2, options.million // 5000)
    with server.Fulgurite(folder / "data") as running:
        arguments = ("--connections", 8, "--spans-per-request", 1, "--rollouts", rollouts, "--trace", "rollout")
        otlpload(running.otlp_http, *arguments, "--total-spans", rollouts * 1000)
        names = rollout_names(running)
        targets = [f"/api/v1/rollouts/{name}/spans?limit=1000" for name in random.Random(1).choices(names, k=50)]
        milliseconds, last = read_milliseconds(running.api, "GET", targets)
        assert len(otlp.flatten(last.json())) == 1000
        running.stop()
    size = folder_bytes(folder / "data") / (rollouts * 1000)
    load = f"one span a request from {rollouts} interleaved rollouts"
    return [
        Row(f"{load}: read one rollout of 1,000 spans, p50", 30, "ms", [milliseconds]),
        Row(f"{load}: disk per span", 400, "B", [size]),
    ]


def receive_only(folder, options):
    table = []
    for name, load in [("HTTP", http_load), ("gRPC", grpc_load)]:
        with otlpsink() as address:
            ceiling = load(address, options.seconds)["spans_per_s"]
        with server.Fulgurite(folder / f"data-{name}", "--set", "store.discard=true") as running:
            address = running.otlp_http if name == "HTTP" else running.otlp_grpc
            result = load(address, options.seconds)["spans_per_s"]
        table.append(Row(f"receive and decode only, {name}", min(600_000, ceiling), "spans/s", [result]))
        table.append(Row(f"otlpload against otlpsink, {name} (the generator's own limit)", None, "spans/s", [ceiling]))
    return table


def read_a_rollout(folder, options):
    with server.Fulgurite(folder / "data") as running:
        fill(running, options)
        names = random.Random(1).choices(rollout_names(running), k=200)
        native = [f"/api/v1/rollouts/{name}/spans?limit=1000" for name in names]
        otlp_time, last = read_milliseconds(running.api, "GET", native)
        assert len(otlp.flatten(last.json())) == 1000
        bodies = [json.dumps({"rollout_id": name, "limit": -1}).encode() for name in names]
        agl_time, last = read_milliseconds(running.api, "POST", ["/v1/agl/spans/search"] * len(names), bodies)
        assert len(last.json()["items"]) == 1000
        through_client = [agl_store.client_milliseconds(running.api, names[0])] if paths.AGL_PYTHON.exists() else []
        running.stop()
        restart = start_milliseconds(folder / "data")
    size = database_size(options)
    table = [Row(client_read(options), None, "ms", through_client)] if through_client else []
    return [
        Row(agl_read(options), 4, "ms", [agl_time]),
        *table,
        Row(f"all spans of a 1,000-span rollout over HTTP, OTLP/JSON, {size}, p50", 3, "ms", [otlp_time]),
        Row(f"start to first accepted request, {size}", 50, "ms", [restart]),
    ]


def database_size(options):
    return f"database of {options.million:,} spans"


def agl_read(options):
    return f"all spans of a 1,000-span rollout over HTTP, AGL JSON, {database_size(options)}, p50"


def client_read(options):
    return f"all spans of a 1,000-span rollout through LightningStoreClient, {database_size(options)}, p50"


def agl_store_calls(folder, options):
    """What runners and algorithms ask of an Agent Lightning store."""

    def start_server(name):
        return server.Fulgurite(folder / name)

    return [
        Row(load, goal, unit, [value]) for load, goal, unit, value in agl_store.measure(start_server, folder, options)
    ]


def start(folder, options):
    return [Row("start to first accepted request, new folder", 50, "ms", [start_milliseconds(folder / "data")])]


def start_milliseconds(data):
    """From before the fork to the success answer of a first export."""
    started = time.perf_counter()
    with server.Fulgurite(data) as running:
        response = running.post(rows.GOOD_BODY)
        elapsed = time.perf_counter() - started
        assert response.status == 200
    return elapsed * 1e3


def rollout_names(running):
    """All rollouts that have exactly 1,000 spans."""
    names, cursor = [], None
    while True:
        page = running.get_json("/api/v1/rollouts?limit=1000" + (f"&cursor={cursor}" if cursor else ""))
        names += [rollout["rolloutId"] for rollout in page["rollouts"] if rollout["spans"] == 1000]
        cursor = page.get("nextCursor")
        if cursor is None:
            return names


LOADS = [
    durable_http,
    durable_grpc,
    one_span_a_request,
    a_trace_for_every_span,
    untagged_children,
    open_traces,
    interleaved_rollouts,
    receive_only,
    read_a_rollout,
    agl_store_calls,
    start,
]
