"""Replays the recorded exchanges of Agent Lightning's store (Tests/Fixtures/agl) and compares what is answered.

Ids and times are the server's own, so they cannot be equal. Ids are learned: where a recorded answer has an id that no
request named before, the new answer must have one of the same kind, and from then on the two stand for each other, in
paths, queries, bodies and answers. Times are held to the relations that they have in the recording: equal where they
were equal, and never in another order. Everything else must be the same, order of keys and kind of number included.
"""

import base64
import dataclasses
import functools
import gzip
import json
import math
import re

from . import corpus, http1

ID = re.compile(r"(ro-[0-9a-f]{12}|at-[0-9a-f]{8}|rs-[0-9a-f]{12})(?![0-9a-f])")

# No server's clock says less, neither that of the recording nor one today; a smaller number was chosen by a client.
RECORDED_FROM = 1750000000.0
TIME_KEYS = {
    "start_time",
    "end_time",
    "create_time",
    "update_time",
    "last_heartbeat_time",
    "last_dequeue_time",
    "last_busy_time",
    "last_idle_time",
}
# These depend on the machine and on the size that Python objects have there.
MACHINE_KEYS = {
    "uptime",
    "total_span_bytes",
    "eviction_threshold_bytes",
    "safe_threshold_bytes",
    "memory_capacity_bytes",
}

# The client's framing is that of its connection; it is made anew.
CONNECTION_HEADERS = {"content-length", "host", "connection", "transfer-encoding"}
COMPARED_HEADERS = (
    "content-type",
    "allow",
    "vary",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-expose-headers",
    "access-control-max-age",
)
# Lists whose order says nothing. Those that Starlette made longer since the recording may have more members.
SET_HEADERS = {"allow", "vary", "access-control-allow-methods"}
GROWN_HEADERS = {"vary", "access-control-allow-methods"}

# Some recorded exchanges only make sense when time has passed: their rollouts have limits. Of two limits of 0.2 s the
# second is made longer here, because the exchanges that follow have to come before it ends once more.
WAITS = {
    "get_rollout_by_id.watchdog_timeout_requeued": 0.3,
    "get_rollout_by_id.watchdog_timeout_exhausted": 0.3,
    "get_rollout_by_id.watchdog_unresponsive_requeued": 4.2,
}
LENGTHENED = ('"unresponsive_seconds": 0.2', '"unresponsive_seconds": 4.0')


class Mismatch(AssertionError):
    """The answer is not what the recording says."""


@dataclasses.dataclass
class Exchange:
    """One line of exchanges.jsonl."""

    index: int
    name: str
    server: str
    request: dict
    response: dict

    @property
    def label(self):
        return f"{self.index:03}-{self.name}"

    @property
    def status(self):
        return self.response["status"]

    @functools.cached_property
    def request_body(self):
        """The bytes that were sent, or None, also where they were left out: those come from `omitted_bodies`."""
        request = self.request
        if "body_base64" in request:
            return base64.b64decode(request["body_base64"])
        if "body_text" in request:
            return request["body_text"].encode()
        if "body_file" in request:
            return (corpus.AGL / request["body_file"]).read_bytes()
        if "body_omitted" in request:
            return None
        length = request["headers"].get("content-length")
        if request["body"] is None:
            return {None: None, "0": b"", "4": b"null"}[length]
        return json.dumps(request["body"]).encode()

    @property
    def has_json_answer(self):
        return self.content_type == "application/json" and ("body" in self.response or "body_file" in self.response)

    @property
    def content_type(self):
        return self.response["headers"].get("content-type", "").partition(";")[0]

    @functools.cached_property
    def json_answer(self):
        if "body_file" in self.response:
            return json.loads((corpus.AGL / self.response["body_file"]).read_bytes())
        return self.response["body"]


@functools.cache
def load():
    """All exchanges in the order in which they were recorded."""
    lines = (corpus.AGL / "exchanges.jsonl").read_text().splitlines()
    return [Exchange(index, **json.loads(line.replace(*LENGTHENED))) for index, line in enumerate(lines)]


def of_server(name):
    return [exchange for exchange in load() if exchange.server == name]


@dataclasses.dataclass
class Answer:
    """What the server under test answered, with its body decoded."""

    status: int
    headers: dict
    body: bytes

    @property
    def content_type(self):
        return self.headers.get("content-type", "").partition(";")[0]

    def json(self):
        return json.loads(self.body)


class Relations:
    """What stands for what: recorded ids and times, and those of the server under test."""

    def __init__(self):
        self.ids = {}
        self.times = {}

    def rewrite(self, text):
        """A recorded text with the ids of the server under test."""
        return ID.sub(lambda match: self.ids.get(match[0], match[0]), text)

    def rewrite_bytes(self, body):
        """Ids have a fixed length, so a protobuf message keeps its framing."""
        for recorded, live in self.ids.items():
            if len(recorded) != len(live):
                raise Mismatch(f"{live} is not as long as {recorded}")
            body = body.replace(recorded.encode(), live.encode())
        return body

    def learn_from_request(self, text):
        """An id that a client names before any answer had it was the client's choice, and stays."""
        for match in ID.finditer(text):
            self.ids.setdefault(match[0], match[0])

    def learn_id(self, recorded, live, where):
        kind = ID.fullmatch(live)
        if not kind or live[:3] != recorded[:3]:
            raise Mismatch(f"{where}: {live!r} is not an id like {recorded!r}")
        if live in self.ids.values():
            raise Mismatch(f"{where}: {live!r} is an id from before, {recorded!r} was new")
        self.ids[recorded] = live

    def compare_time(self, recorded, live, where):
        known = self.times.setdefault(recorded, live)
        if known != live:
            raise Mismatch(f"{where}: {live!r}, where {recorded!r} was {known!r} before")

    def times_out_of_order(self):
        """Pairs of neighbouring recorded times whose live times are in another order."""
        ordered = sorted(self.times)
        return [
            (earlier, later)
            for earlier, later in zip(ordered, ordered[1:], strict=False)
            if self.times[earlier] > self.times[later]
        ]


class Comparison:
    """Compares one JSON answer with the recorded one. `options` say what the server under test may do differently."""

    def __init__(self, relations, added_span_keys=frozenset(), statistics_keys=True):
        self.relations = relations
        self.added_span_keys = added_span_keys
        self.statistics_keys = statistics_keys

    def compare(self, recorded, live, where="body", key=None, is_span=False):
        if isinstance(recorded, dict):
            return self._compare_objects(recorded, live, where)
        if type(recorded) is not type(live):
            raise Mismatch(f"{where}: {live!r}, not {recorded!r}")
        if isinstance(recorded, list):
            if len(recorded) != len(live):
                raise Mismatch(f"{where}: {len(live)} elements, not {len(recorded)}: {shortened(live)}")
            for index, (one, other) in enumerate(zip(recorded, live, strict=True)):
                self.compare(one, other, f"{where}[{index}]", key)
        elif isinstance(recorded, str):
            self._compare_strings(recorded, live, where, key)
        elif key in MACHINE_KEYS:
            if live < 0:
                raise Mismatch(f"{where}: {live!r}")
        elif isinstance(recorded, float):
            self._compare_floats(recorded, live, where, key, is_span)
        elif recorded != live:
            raise Mismatch(f"{where}: {live!r}, not {recorded!r}")
        return None

    def _compare_objects(self, recorded, live, where):
        if not isinstance(live, dict):
            raise Mismatch(f"{where}: {shortened(live)}, not {shortened(recorded)}")
        is_span = "span_id" in recorded and "sequence_id" in recorded
        if is_span or where.endswith(("events]", "links]")) or re.search(r"\.(events|links)\[\d+\]$", where):
            live = {key: value for key, value in live.items() if key in recorded or key not in self.added_span_keys}
        if "uptime" in recorded and not self.statistics_keys:
            recorded, live = portable_statistics(recorded), portable_statistics(live)
        if list(recorded) != list(live):
            raise Mismatch(f"{where}: keys {list(live)}, not {list(recorded)}")
        for key, value in recorded.items():
            if key == "trace_state" and where.endswith(".context") and "trace_state" in self.added_span_keys:
                continue
            self.compare(value, live[key], f"{where}.{key}", key, is_span)

    def _compare_strings(self, recorded, live, where, key):
        if key == "traceback":
            # The recording has only the last line; see the README.
            if self.relations.rewrite(recorded.removeprefix("[shortened] ")) not in live:
                raise Mismatch(f"{where}: no {recorded!r} in {live!r}")
            return
        if ID.fullmatch(recorded) and recorded not in self.relations.ids:
            self.relations.learn_id(recorded, live, where)
        if self.relations.rewrite(recorded) != live:
            raise Mismatch(f"{where}: {live!r}, not {self.relations.rewrite(recorded)!r}")

    def _compare_floats(self, recorded, live, where, key, is_span):
        if repr(recorded) == repr(live) or (math.isnan(recorded) and math.isnan(live)):
            return
        # The times of spans come from whoever sent them; all others from the server's clock.
        if key in TIME_KEYS and recorded > RECORDED_FROM and not is_span:
            self.relations.compare_time(recorded, live, where)
            return
        raise Mismatch(f"{where}: {live!r}, not {recorded!r}")


def portable_statistics(statistics):
    """The part of the statistics that every store has (the client's own type names it)."""
    totals = ("total_rollouts", "total_attempts", "total_spans", "total_resources", "total_workers")
    return {"name": "a store", **{key: statistics.get(key) for key in totals}, "uptime": statistics.get("uptime")}


def shortened(value):
    text = repr(value)
    return text if len(text) <= 300 else text[:300] + "..."


def compare_headers(exchange, answer, is_exact):
    """The headers that clients look at. `is_exact` also asks that none is there that the recording does not have."""
    recorded = exchange.response["headers"]
    for name in COMPARED_HEADERS:
        expected, live = recorded.get(name), answer.headers.get(name)
        may_be_more = not is_exact or name in GROWN_HEADERS
        if expected is None and (live is None or may_be_more):
            continue
        if name in SET_HEADERS and expected is not None and live is not None:
            if as_set(expected) == as_set(live) or (may_be_more and as_set(expected) <= as_set(live)):
                continue
        elif expected == live or (not is_exact and without_charset(expected) == without_charset(live)):
            continue
        raise Mismatch(f"{name}: {live!r}, not {expected!r}")


def as_set(value):
    return {word.strip().lower() for word in value.split(",")}


def without_charset(value):
    return (value or "").replace("; charset=utf-8", "")


class Replay:
    """Sends exchanges one after another to one server."""

    def __init__(self, address, comparison=None, is_exact=True):
        self.address = address
        self.relations = comparison.relations if comparison else Relations()
        self.comparison = comparison or Comparison(self.relations)
        self.is_exact = is_exact

    def send(self, exchange, body=None):
        """Sends the request of an exchange with the ids of this server; `body` is what the recording left out."""
        request = exchange.request
        body = exchange.request_body if body is None else body
        target = request["path"] + (f"?{request['query']}" if request["query"] else "")
        headers = {name: value for name, value in request["headers"].items() if name not in CONNECTION_HEADERS}
        is_compressed = headers.get("content-encoding") == "gzip" and body is not None and body[:2] == b"\x1f\x8b"
        if is_compressed:
            body = gzip.decompress(body)
        self.relations.learn_from_request(target)
        if body is not None:
            self.relations.learn_from_request(body.decode("latin-1"))
            body = self.relations.rewrite_bytes(body)
        if is_compressed:
            body = gzip.compress(body)
        response = http1.request(self.address, request["method"], self.relations.rewrite(target), headers, body)
        answer = Answer(response.status, {name.lower(): value for name, value in response.headers}, response.body)
        if answer.headers.get("content-encoding") == "gzip" and answer.body:
            answer.body = gzip.decompress(answer.body)
        return answer

    def compare(self, exchange, answer):
        """Raises Mismatch when the answer is not what was recorded."""
        if answer.status != exchange.status:
            raise Mismatch(f"status {answer.status}, not {exchange.status}: {answer.body[:500]!r}")
        compare_headers(exchange, answer, self.is_exact)
        response = exchange.response
        if "body_omitted" in response or exchange.request["method"] == "HEAD":
            return
        if exchange.has_json_answer:
            self.comparison.compare(exchange.json_answer, answer.json())
        else:
            expected = recorded_bytes(exchange)
            if answer.body != expected:
                raise Mismatch(f"body {answer.body[:200]!r}, not {expected[:200]!r}")


def recorded_bytes(exchange):
    response = exchange.response
    if "body_base64" in response:
        body = base64.b64decode(response["body_base64"])
        return gzip.decompress(body) if response["headers"].get("content-encoding") == "gzip" else body
    if "body_text" in response:
        return response["body_text"].encode()
    assert response["body"] is None, exchange
    return b""


# What the recording left out

OMITTED_TRACE = bytes.fromhex("aa" * 16)


def omitted_bodies(exchanges):
    """The bodies of /v1/traces that the recording left out, by index.

    They belong to `runner.otel.iter`. The same agent ran before it as `runner.otel.step`, whose bodies are here; they
    only have to name the rollout, the attempt and a trace of the second run.
    """
    omitted = [exchange for exchange in exchanges if "body_omitted" in exchange.request]
    if not omitted:
        return {}
    dequeued = next(
        exchange.json_answer[0]
        for exchange in exchanges
        if exchange.name == "runner.otel.iter" and exchange.request["path"].endswith("/dequeue")
    )
    steps = [exchange for exchange in exchanges if exchange.name == "runner.otel.step"]
    started = next(exchange.json_answer for exchange in steps if exchange.request["path"] == "/v1/agl/rollouts")
    bodies = [exchange.request_body for exchange in steps if exchange.request["path"] == "/v1/traces"]
    trace = trace_of(bodies[0])
    changes = {
        started["rollout_id"].encode(): dequeued["rollout_id"].encode(),
        started["attempt"]["attempt_id"].encode(): dequeued["attempt"]["attempt_id"].encode(),
        trace: OMITTED_TRACE,
    }
    rewritten = [functools.reduce(lambda body, change: body.replace(*change), changes.items(), body) for body in bodies]
    return {exchange.index: body for exchange, body in zip(omitted, rewritten, strict=True)}


def trace_of(body):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    return ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans[0].trace_id
