#!/usr/bin/env python3
"""Checks that two builds of the server answer every query with the same bytes.

    compare_answers.py OLD NEW

The first program stores every recorded payload, and rollouts from the load generator whose answers have many pieces.
Then each program in turn serves that folder and answers every query over it: rollouts, traces and spans without a
rollout as OTLP/JSON, and Agent Lightning's search in every order and with conditions. For changes that make reading
faster. Needs `make tools venv`.
"""

import itertools
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import corpus, http1, paths, server  # noqa: E402

GENERATED = (
    ["--spans-per-request", 1, "--total-spans", 300, "--rollouts", 3, "--trace", "rollout"],
    ["--spans-per-request", 700, "--total-spans", 14_000, "--rollouts", 2, "--resources", 3],
)

PAGES = ("", "?limit=3", "?limit=10000", "?name=chat")

ORDERS = [
    {"sort_by": name, "sort_order": direction}
    for name in ("rollout_id", "attempt_id", "sequence_id", "trace_id", "span_id", "parent_id", "name")
    + ("start_time", "end_time", "duration", None)
    for direction in ("asc", "desc")
]
CONDITIONS = (
    {"limit": 7, "offset": 2},
    {"attempt_id": "latest"},
    {"name_contains": "a"},
    {"span_id_contains": "a", "name_contains": "b", "filter_logic": "or"},
)


def store(program, folder):
    paths.BINARY = program
    with server.Fulgurite(folder) as running:
        for payload in corpus.PAYLOADS.values():
            # gRPC frames its messages; what is inside is among the other payloads too.
            if not payload.is_grpc:
                running.post(payload.body, headers=payload.headers)
        for export in corpus.AGL_EXPORTS + corpus.OPENCLAW_EXPORTS:
            running.post(export.body, headers={"Content-Type": export.content_type})
        for arguments in GENERATED:
            address = "{}:{}".format(*running.otlp_http)
            subprocess.run([paths.OTLPLOAD, "--target", address, *map(str, arguments)], check=True, capture_output=True)
        running.stop()


def answers(program, folder):
    """Every query and its answer."""
    paths.BINARY = program
    result = {}
    with server.Fulgurite(folder) as running:

        def get(path):
            result[path] = running.get(path).body
            return json.loads(result[path])

        def search(rollout, query):
            body = json.dumps({"rollout_id": rollout, **query})
            headers = {"Content-Type": "application/json"}
            result[body] = http1.request(running.api, "POST", "/v1/agl/spans/search", headers, body.encode()).body

        pages = [get("/api/v1/unassigned/spans?limit=10000")]
        for rollout in get("/api/v1/rollouts?limit=10000")["rollouts"]:
            quoted = urllib.parse.quote(rollout["rolloutId"], safe="")
            pages += [get(f"/api/v1/rollouts/{quoted}/spans{page}") for page in PAGES]
            for query in itertools.chain(ORDERS, CONDITIONS):
                search(rollout["rolloutId"], query)
        for trace in sorted({span["traceId"] for page in pages for span in spans(page)}):
            get(f"/api/v1/traces/{trace}")
        running.stop()
    return result


def spans(page):
    for resource in page["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            yield from scope["spans"]


def main():
    old, new = map(pathlib.Path, sys.argv[1:])
    paths.require(old, new, paths.OTLPLOAD)
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "data"
        store(old, data)
        expected, actual = answers(old, data), answers(new, data)
    different = [query for query in expected | actual if expected.get(query) != actual.get(query)]
    for query in different:
        print(f"different: {query}")
    print(f"{len(expected)} answers, {sum(map(len, expected.values())):,} bytes, {len(different)} different")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
