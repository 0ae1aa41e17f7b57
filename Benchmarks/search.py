"""How long searches through Jaeger's interface take over a store of a million spans.

FULGURITE_BINARY=.build/release/fulgurite .build/venv/tests/bin/python Benchmarks/search.py [SPANS]
"""

import json
import pathlib
import statistics
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests" / "EndToEnd"))

from harness import http1, server  # noqa: E402

from tools import otlpload  # noqa: E402

SERVICE = "openclaw-gateway"
RUNS = 7


def ask(running, path, **parameters):
    """Median and range of whole answers in milliseconds, and the last answer."""
    query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        response = http1.request(running.api, "GET", path + query, timeout=120)
        times.append((time.perf_counter() - started) * 1000)
        assert response.status == 200, response
    return times, response


def report(name, times, response):
    size = len(response.body) / 1024
    print(
        f"{name:55} {statistics.median(times):9.1f} ms  ({min(times):.1f} to {max(times):.1f})  {size:9.1f} KiB",
        flush=True,
    )


def main():
    spans = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        with server.Fulgurite(pathlib.Path(folder) / "data") as running:
            filled = otlpload(running.otlp_http, "--connections", 8, "--total-spans", spans, "--rollouts", 1000)
            print(f"filled with {spans} spans at {filled['spans_per_s']:.0f} spans/s")
            [operation, *_] = running.get_json(f"/api/operations?service={SERVICE}")["data"]
            rollout = running.get_json("/api/v1/rollouts?limit=1")["rollouts"][0]["rolloutId"]
            search = {"service": SERVICE, "start": 0, "limit": 20}
            tags = {"agentlightning.rollout_id": rollout}
            report("services", *ask(running, "/api/services"))
            report("operations of a service", *ask(running, "/api/operations", service=SERVICE))
            report(
                f"service and operation ({operation['name']}), newest 20",
                *ask(running, "/api/traces", **search, operation=operation["name"]),
            )
            report("a rollout, 20 of its traces", *ask(running, "/api/traces", **search, tags=json.dumps(tags)))
            rare = {"user.id": "nobody"}
            report("a tag that no span has", *ask(running, "/api/traces", **search, tags=json.dumps(rare)))
            report("a duration that no span has", *ask(running, "/api/traces", **search, minDuration="24h"))
            report("an operation that no span has", *ask(running, "/api/traces", **search, operation="nothing"))
            ever = {"query.startTimeMin": "1970-01-01T00:00:00Z", "query.startTimeMax": "2200-01-01T00:00:00Z"}
            report("summaries of the newest 20", *ask(running, "/api/v3/trace-summaries", **ever, **{"query.searchDepth": 20}))
            report("dependencies of all", *ask(running, "/api/dependencies", lookback=10**12))
            print(f"peak resident memory {running.peak_resident_bytes() / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
