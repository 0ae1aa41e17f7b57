"""Calls every method of Agent Lightning's own store client: `agl_calls.py URL`.

This file is executed by the `agl` virtual environment, not by pytest. It prints one JSON document, a list of
`[what was called, what it returned]` for test_agl_client.py to compare between servers. An exception is its type.
"""

import asyncio
import json
import sys

# Before anything else of Agent Lightning: it loads the store's modules without the rest of the package.
from agl_client import LightningStoreClient

# isort: split
from agentlightning.types import (
    LLM,
    EnqueueRolloutRequest,
    Event,
    Link,
    OtelResource,
    PromptTemplate,
    ProxyLLM,
    RolloutConfig,
    Span,
    SpanContext,
    TraceStatus,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Link as OtelLink
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

# The contract of these limits is about time. A busy machine makes a wait longer, which changes nothing; what has to
# come before a limit ends has the longer one.
LIMIT_SECONDS, PAST_LIMIT_SECONDS = 0.2, 0.3
LONG_LIMIT_SECONDS, PAST_LONG_LIMIT_SECONDS = 1.5, 1.7

TRACE = "0af7651916cd43dd8448eb211c80319c"


def span(rollout, attempt, number, sequence, **fields):
    """A span with every field filled in; `fields` replaces some."""
    context = SpanContext(trace_id=TRACE, span_id=f"{number:016x}", is_remote=False, trace_state={"vendor": "x"})
    return Span(
        **{
            "rollout_id": rollout,
            "attempt_id": attempt,
            "sequence_id": sequence,
            "trace_id": TRACE,
            "span_id": f"{number:016x}",
            "parent_id": f"{number - 1:016x}" if number > 1 else None,
            "name": f"span-{number}",
            "status": TraceStatus(status_code="OK", description=None),
            "attributes": {
                "text": "ä\n",
                "flag": True,
                "int": 2**62,
                "double": 3.0,
                "ids": [1, 2],
                "names": ["a", "b"],
            },
            "events": [Event(name="retry", attributes={"attempt": 2}, timestamp=1700000000.5)],
            "links": [Link(context=context, attributes=None)],
            "start_time": 1700000000.25 + number,
            "end_time": 1700000001.5 + number,
            "context": context,
            "parent": None,
            "resource": OtelResource(attributes={"service.name": "agent"}, schema_url=""),
            **fields,
        }
    )


class Recorder:
    """Keeps what was called and what came back, and hands the result on."""

    def __init__(self):
        self.calls = []

    async def __call__(self, name, call):
        try:
            result = await call
        except Exception as error:
            self.calls.append([name, f"raised {type(error).__name__}"])
            return None
        self.calls.append([name, portable(result)])
        return result


def portable(value):
    """A result as JSON, with the name of the class where the client chooses one."""
    if hasattr(value, "model_dump"):
        return {"class": type(value).__name__, **value.model_dump(mode="json")}
    if hasattr(value, "items") and hasattr(value, "total"):
        return {
            "items": [portable(item) for item in value.items],
            "limit": value.limit,
            "offset": value.offset,
            "total": value.total,
        }
    if isinstance(value, (list, tuple)) or (hasattr(value, "__iter__") and not isinstance(value, (str, dict))):
        return [portable(item) for item in value]
    return value


async def resources(client, record):
    named = {
        "llm": LLM(endpoint="http://localhost:1/v1", model="m", sampling_parameters={"temperature": 0.5, "n": 2}),
        "proxy": ProxyLLM(endpoint="http://localhost:2", model="p"),
        "prompt": PromptTemplate(template="Say {word}", engine="f-string"),
    }
    await record("get_latest_resources of none", client.get_latest_resources())
    await record("get_resources_by_id of unknown", client.get_resources_by_id("rs-unknown"))
    added = await record("add_resources", client.add_resources(named))
    await record("update_resources", client.update_resources(added.resources_id, {"prompt": named["prompt"]}))
    await record("update_resources of a new id", client.update_resources("default", named))
    await record("get_latest_resources", client.get_latest_resources())
    await record("get_resources_by_id", client.get_resources_by_id(added.resources_id))
    await record("query_resources", client.query_resources())
    await record(
        "query_resources with filters",
        client.query_resources(resources_id_contains="ault", sort_by="update_time", sort_order="desc", limit=1),
    )
    await record("query_resources by id", client.query_resources(resources_id="default", offset=1))
    await record("query_resources sorted by nothing there is", client.query_resources(sort_by="nope"))


async def queue(client, record):
    """Returns a rollout with an attempt and one without."""
    config = RolloutConfig(max_attempts=3, retry_condition=["failed", "timeout"])
    await record("dequeue_rollout of none", client.dequeue_rollout())
    await record("dequeue_rollout of none by a worker", client.dequeue_rollout(worker_id="Worker-0"))
    await record("enqueue_rollout", client.enqueue_rollout(input={"q": [1, 2.0, None, {"ä": "ö"}]}))
    await record(
        "enqueue_rollout with all",
        client.enqueue_rollout("text", mode="train", resources_id="default", config=config, metadata={"k": [1]}),
    )
    many = [EnqueueRolloutRequest(input=number, mode="val") for number in range(3)]
    await record("enqueue_many_rollouts", client.enqueue_many_rollouts(many))
    await record("enqueue_many_rollouts of none", client.enqueue_many_rollouts([]))
    first = await record("dequeue_rollout", client.dequeue_rollout(worker_id="Worker-0"))
    second = await record("dequeue_rollout without a worker", client.dequeue_rollout())
    await record("dequeue_many_rollouts", client.dequeue_many_rollouts(limit=2, worker_id="Worker-1"))
    await record("dequeue_many_rollouts of 0", client.dequeue_many_rollouts(limit=0))
    await record("start_rollout", client.start_rollout(input=None))
    await record(
        "start_rollout with all",
        client.start_rollout(
            {"a": 1}, mode="test", resources_id="default", config=config, metadata={"m": 1}, worker_id="Worker-2"
        ),
    )
    await record("start_attempt", client.start_attempt(first.rollout_id))
    await record("start_attempt by a worker", client.start_attempt(first.rollout_id, worker_id="Worker-3"))
    await record("start_attempt of unknown", client.start_attempt("ro-unknown"))
    return first, second


async def queries(client, record, first):
    rollout = first.rollout_id
    await record("get_rollout_by_id", client.get_rollout_by_id(rollout))
    await record("get_rollout_by_id of unknown", client.get_rollout_by_id("ro-unknown"))
    await record("get_latest_attempt", client.get_latest_attempt(rollout))
    await record("get_latest_attempt of unknown", client.get_latest_attempt("ro-unknown"))
    await record("query_rollouts", client.query_rollouts())
    for name, filters in {
        "status": {"status_in": ["queuing", "requeuing"]},
        "no status": {"status_in": []},
        "ids": {"rollout_id_in": [rollout, "ro-unknown"]},
        "deprecated names": {"status": ["preparing"], "rollout_ids": [rollout]},
        "a page": {"sort_by": "start_time", "sort_order": "desc", "limit": 2, "offset": 1},
        "or": {"filter_logic": "or", "status_in": ["queuing"], "rollout_id_in": [rollout]},
        "contains": {"rollout_id_contains": rollout[3:9]},
        "mode with nulls": {"sort_by": "mode"},
        "limit 0": {"limit": 0},
        "bad sort": {"sort_by": "attempt"},
    }.items():
        await record(f"query_rollouts: {name}", client.query_rollouts(**filters))
    await record("query_attempts", client.query_attempts(rollout))
    await record(
        "query_attempts: a page",
        client.query_attempts(rollout, sort_by="start_time", sort_order="desc", limit=1, offset=1),
    )
    await record("query_attempts of unknown", client.query_attempts("ro-unknown"))


async def updates(client, record, first, second):
    one, two = first.rollout_id, second.rollout_id
    await record("update_rollout of fields", client.update_rollout(one, input=[1], mode=None, metadata={"x": 1.0}))
    await record("update_rollout of config", client.update_rollout(one, config=RolloutConfig(timeout_seconds=100)))
    await record("update_rollout to running", client.update_rollout(one, status="running"))
    await record("update_rollout to requeuing", client.update_rollout(one, status="requeuing"))
    await record("dequeue_rollout of a requeued one", drain_until(client, one))
    await record("update_rollout to cancelled", client.update_rollout(one, status="cancelled"))
    await record("update_rollout of unknown", client.update_rollout("ro-unknown", status="failed"))
    await record(
        "update_attempt of all",
        client.update_attempt(
            two, "latest", status="running", worker_id="Worker-9", last_heartbeat_time=123.5, metadata={"phase": "x"}
        ),
    )
    await record("get_worker_by_id of a busy one", client.get_worker_by_id("Worker-9"))
    await record("update_attempt to failed", client.update_attempt(two, second.attempt.attempt_id, status="failed"))
    await record("get_rollout_by_id to be retried", client.get_rollout_by_id(two))
    await record("get_worker_by_id of an idle one", client.get_worker_by_id("Worker-9"))
    await record("dequeue_rollout of the retry", client.dequeue_rollout(worker_id="Worker-9"))
    await record("wait_for_rollouts of an unfinished one", client.wait_for_rollouts(rollout_ids=[two], timeout=0))
    await record("update_attempt to succeeded", client.update_attempt(two, "latest", status="succeeded"))
    await record("wait_for_rollouts", client.wait_for_rollouts(rollout_ids=[two, "ro-unknown", one, two], timeout=0.05))
    await record("wait_for_rollouts without limit", client.wait_for_rollouts(rollout_ids=[two]))
    await record("wait_for_rollouts for too long", client.wait_for_rollouts(rollout_ids=[two], timeout=1))
    await record("update_attempt of unknown", client.update_attempt(two, "at-unknown", status="failed"))


async def drain_until(client, rollout):
    """Dequeues until the rollout comes."""
    while (found := await client.dequeue_rollout()) is not None and found.rollout_id != rollout:
        pass
    return found


async def waiting(client, record):
    """A client waits without limit, and another one finishes the rollout."""
    started = await record("start_rollout to wait for", client.start_rollout("wait"))
    waiter = asyncio.create_task(client.wait_for_rollouts(rollout_ids=[started.rollout_id]))
    await client.update_rollout(started.rollout_id, metadata={"still": "running"})
    await client.update_attempt(started.rollout_id, "latest", status="succeeded")
    await record("wait_for_rollouts that another call ends", waiter)


async def workers(client, record):
    stats = {"cpu_usage_pct": 12.5, "cpu_cores": 2, "gpu": []}
    await record("update_worker", client.update_worker("Worker-0", stats))
    await record("update_worker of a new one", client.update_worker("Worker 10/x", heartbeat_stats=stats))
    await record("update_worker without numbers", client.update_worker("Worker-11"))
    await record("get_worker_by_id of unknown", client.get_worker_by_id("nobody"))
    await record("query_workers", client.query_workers())
    for name, filters in {
        "status": {"status_in": ["busy", "idle"], "sort_by": "worker_id", "sort_order": "desc"},
        "or": {"status_in": ["unknown"], "worker_id_contains": "-2", "filter_logic": "or"},
        "times with nulls": {"sort_by": "last_heartbeat_time"},
    }.items():
        await record(f"query_workers: {name}", client.query_workers(**filters))


async def spans(client, record):
    started = await record("start_rollout for spans", client.start_rollout("spans", worker_id="Worker-5"))
    rollout, attempt = started.rollout_id, started.attempt.attempt_id
    await record("get_next_span_sequence_id", client.get_next_span_sequence_id(rollout, attempt))
    pairs = [(rollout, attempt), (rollout, attempt), ("ro-new", "at-new")]
    await record("get_many_span_sequence_ids", client.get_many_span_sequence_ids(pairs))
    await record("add_span", client.add_span(span(rollout, attempt, 1, 10)))
    await record("add_span again", client.add_span(span(rollout, attempt, 1, 10, name="other")))
    await record("get_next_span_sequence_id after 10", client.get_next_span_sequence_id(rollout, attempt))
    await record("get_rollout_by_id with a span", client.get_rollout_by_id(rollout))
    await record(
        "add_span with extra keys and nulls",
        client.add_span(
            span(
                rollout,
                attempt,
                2,
                2,
                start_time=None,
                end_time=None,
                context=None,
                kind="CLIENT",
                nested={"a": [1, None]},
            )
        ),
    )
    many = [span(rollout, attempt, number, 20 + number) for number in (3, 4, 1)]
    await record("add_many_spans with one there already", client.add_many_spans(many))
    await record("add_span of an unknown rollout", client.add_span(span("ro-unknown", attempt, 5, 1)))
    await record("add_span of an unknown attempt", client.add_span(span(rollout, "at-unknown", 5, 1)))
    second = await record("start_attempt for spans", client.start_attempt(rollout))
    latest = second.attempt.attempt_id
    await record("add_span with an id of another attempt", client.add_span(span(rollout, latest, 1, 30)))
    await record("add_span to the old attempt", client.add_span(span(rollout, attempt, 7, 40)))
    await otel_spans(client, record, rollout, latest)
    for name, arguments in {
        "all": {},
        "latest": {"attempt_id": "latest"},
        "attempt": {"attempt_id": attempt, "limit": 2, "offset": 1},
        "trace": {"trace_id": TRACE, "trace_id_contains": "1c8"},
        "span": {"span_id": f"{3:016x}"},
        "span contains": {"span_id_contains": "0003"},
        "parent": {"parent_id": f"{3:016x}"},
        "parent contains": {"parent_id_contains": "3"},
        "name": {"name": "span-3"},
        "or": {"name": "span-3", "span_id_contains": "04", "filter_logic": "or"},
        "start": {"sort_by": "start_time"},
        "start backwards": {"sort_by": "start_time", "sort_order": "desc"},
        "name backwards": {"sort_by": "name", "sort_order": "desc", "name_contains": "span"},
        "insertion": {"sort_by": None, "attempt_id": attempt},
        "bad sort": {"sort_by": "nope"},
    }.items():
        await record(f"query_spans: {name}", client.query_spans(rollout, **arguments))
    await record("query_spans of unknown", client.query_spans("ro-unknown"))
    await record("query_spans of unknown, latest", client.query_spans("ro-unknown", "latest"))


async def otel_spans(client, record, rollout, attempt):
    """Spans of the SDK through the JSON path; their ids and times are fixed, so that servers can be compared."""
    provider = TracerProvider(resource=Resource({"service.name": "agent"}), id_generator=CountingIds())
    tracer = provider.get_tracer("scope", "1.0", attributes={"scope.attribute": 1})
    parent = tracer.start_span("root", start_time=1_700_000_000_000_000_000)
    parent.set_status(Status(StatusCode.ERROR, "failed"))
    parent.end(1_700_000_002_000_000_000)
    child = tracer.start_span(
        "child",
        context=set_span_in_context(parent),
        kind=SpanKind.CLIENT,
        links=[OtelLink(parent.get_span_context(), {"why": "test"})],
        attributes={"tokens": [1, 2, 3]},
        start_time=1_700_000_001_000_000_000,
    )
    child.add_event("event", {"k": "v"}, timestamp=1_700_000_001_500_000_000)
    child.end(1_700_000_001_750_000_000)
    await record("add_otel_span", client.add_otel_span(rollout, attempt, child))
    await record("add_otel_span with a number", client.add_otel_span(rollout, attempt, parent, sequence_id=90))


class CountingIds(IdGenerator):
    """The same ids in every run."""

    def __init__(self):
        self.last = 0x1000

    def generate_span_id(self):
        self.last += 1
        return self.last

    def generate_trace_id(self):
        return self.generate_span_id() << 64


async def watchdog(client, record):
    """Timeout with a retry and without another, then an unresponsive attempt that comes back."""
    limited = RolloutConfig(timeout_seconds=LIMIT_SECONDS, max_attempts=2, retry_condition=["timeout"])
    started = await record(
        "start_rollout with a timeout", client.start_rollout("t", config=limited, worker_id="Worker-t")
    )
    rollout = started.rollout_id
    await asyncio.sleep(PAST_LIMIT_SECONDS)
    await record("get_rollout_by_id after the timeout", client.get_rollout_by_id(rollout))
    await record("get_worker_by_id after the timeout", client.get_worker_by_id("Worker-t"))
    await record("dequeue_rollout after the timeout", client.dequeue_rollout(worker_id="Worker-t"))
    await asyncio.sleep(PAST_LIMIT_SECONDS)
    await record("wait_for_rollouts after the last timeout", client.wait_for_rollouts(rollout_ids=[rollout], timeout=0))
    await record("query_attempts after both timeouts", client.query_attempts(rollout))

    silent = RolloutConfig(unresponsive_seconds=LONG_LIMIT_SECONDS, max_attempts=2, retry_condition=["unresponsive"])
    started = await record("start_rollout that falls silent", client.start_rollout("u", config=silent))
    rollout, attempt = started.rollout_id, started.attempt.attempt_id
    await asyncio.sleep(PAST_LONG_LIMIT_SECONDS)
    await record("query_rollouts finds it silent", client.query_rollouts(rollout_id_in=[rollout]))
    await record("add_span by the silent attempt", client.add_span(span(rollout, attempt, 1, 1)))
    await record("get_rollout_by_id of the revived", client.get_rollout_by_id(rollout))
    await record("dequeue_rollout does not give it out", client.dequeue_rollout())
    await asyncio.sleep(PAST_LONG_LIMIT_SECONDS)
    await record("dequeue_rollout after it fell silent again", client.dequeue_rollout(worker_id="Worker-u"))
    await record("update_attempt of the second", client.update_attempt(rollout, "latest", status="succeeded"))
    await record("get_rollout_by_id in the end", client.get_rollout_by_id(rollout))


async def call_everything(url):
    # The delays before a retry say nothing here. AGL's own server answers what it does not know with 500.
    client = LightningStoreClient(url, retry_delays=(0, 0), health_retry_delays=(0, 0))
    record = Recorder()
    record.calls.append(["capabilities", dict(client.capabilities)])
    record.calls.append(["otlp_traces_endpoint", client.otlp_traces_endpoint().removeprefix(url)])
    try:
        await resources(client, record)
        first, second = await queue(client, record)
        await queries(client, record, first)
        await updates(client, record, first, second)
        await waiting(client, record)
        await workers(client, record)
        await spans(client, record)
        await watchdog(client, record)
        await record("statistics", client.statistics())
    finally:
        await client.close()
    return record.calls


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(json.dumps(asyncio.run(call_everything(sys.argv[1]))))
