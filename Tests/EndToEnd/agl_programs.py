"""Real Agent Lightning programs that use an external store: `agl_programs.py COMMAND STORE PROVIDER`.

This file is executed by the `agl` virtual environment, not by pytest. It prints one JSON document at the end.

    runner otel STORE PROVIDER       a LitAgentRunner with the OpenTelemetry tracer: step, then iter over a queue
    runner agentops STORE PROVIDER   the same with AgentOps' tracer
    trainer STORE PROVIDER           a Trainer whose algorithm has tasks done by several runner processes, one of which
                                     is killed in the middle of its task

PROVIDER is the base URL of a chat completion provider.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time

import agentlightning as agl
import openai
from agentlightning.adapter import TracerTraceToTriplet, TraceToMessages
from agentlightning.store.client_server import LightningStoreClient
from opentelemetry import trace

POLL_SECONDS = 0.2
RUNNERS = 3

# What the algorithm does about a runner that is gone, and about an attempt that takes too long. The work between two
# signs of life takes milliseconds, so that a busy machine does not reach these limits.
SILENT_SECONDS = 4
TIMEOUT_SECONDS = 4
OVERTIME_SECONDS = 11
FINISH_SECONDS = 90


class DemoAgent(agl.LitAgent):
    """Emits every kind of span that Agent Lightning has, asks a model, and fails where its task says so."""

    def __init__(self, provider):
        super().__init__()
        self.provider = provider

    def training_rollout(self, task, resources, rollout):
        return self.work(task, resources, rollout.attempt.sequence_id)

    def validation_rollout(self, task, resources, rollout):
        return self.work(task, resources, rollout.attempt.sequence_id)

    def work(self, task, resources, attempt):
        tracer = trace.get_tracer("demo", "1.0")
        with tracer.start_as_current_span("agent.run") as run:
            run.set_attributes({"task": task["q"], "int": 7, "double": 0.25, "flag": True, "list": ["a", "b"]})
            self.ask(tracer, task["q"], resources)
            with tracer.start_as_current_span("tool.call"):
                agl.emit_message("working", attributes={"level": "info"})
            self.misbehave(task, attempt)
            agl.emit_object({"nested": [1, 2, {"null": None}]})
            agl.emit_annotation({"agentlightning.tag": ["t1", "t2"], "nested": {"a": 1}})
            agl.emit_reward({"primary": 0.5, "length": 3.0}, primary_key="primary")
            # The decorator wants an active tracer when it is applied.
            agl.operation(name="calculate", conversation_id=5)(calculate)(1, b=[2, 3])
        return task.get("reward")

    def ask(self, tracer, question, resources):
        """Under AgentOps the call itself is traced; otherwise a span that looks the same to the adapters is made."""
        system = resources["prompt"].format(word="please")
        messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
        tool = {"name": "calculate", "description": "d", "parameters": {"type": "object", "properties": {}}}
        with openai.OpenAI(base_url=self.provider, api_key="none", max_retries=0) as client:
            answer = client.chat.completions.create(
                model="demo", temperature=0.5, messages=messages, tools=[{"type": "function", "function": tool}]
            )
        with tracer.start_as_current_span("openai.chat.completion") as call:
            call.set_attributes({"gen_ai.request.model": "demo", "gen_ai.response.id": answer.id + "-by-hand"})
            call.set_attributes({"prompt_token_ids": [1, 2, 3], "response_token_ids": [4, 5]})
            for index, message in enumerate(messages):
                call.set_attribute(f"gen_ai.prompt.{index}.role", message["role"])
                call.set_attribute(f"gen_ai.prompt.{index}.content", message["content"])
            call.set_attribute("gen_ai.completion.0.role", "assistant")
            call.set_attribute("gen_ai.completion.0.content", answer.choices[0].message.content)

    def misbehave(self, task, attempt):
        if attempt <= task.get("failures", 0):
            agl.emit_exception(ValueError(f"failure {attempt}"))
            raise ValueError(f"failure {attempt}")
        if task.get("dies") and attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        if task.get("slow") and attempt == 1:
            time.sleep(OVERTIME_SECONDS)


def calculate(a, b):
    return {"sum": a + sum(b)}


# What came of it


async def outcome(store, rollout_id):
    """Everything that the store has about a rollout, and what the adapters make of it."""
    rollout = await store.get_rollout_by_id(rollout_id)
    attempts = await store.query_attempts(rollout_id)
    spans = list(await store.query_spans(rollout_id, "latest"))
    return {
        "rollout": rollout.model_dump(mode="json"),
        "attempts": [attempt.model_dump(mode="json") for attempt in attempts],
        "spans": [span.model_dump(mode="json") for span in spans],
        "spans of earlier attempts": [
            [attempt.sequence_id, [span.name for span in await store.query_spans(rollout_id, attempt.attempt_id)]]
            for attempt in list(attempts)[:-1]
        ],
        "tree": tree(spans),
        "reward": agl.find_final_reward(spans),
        "triplets": [triplet.model_dump(mode="json") for triplet in TracerTraceToTriplet().adapt(spans)],
        "messages": TraceToMessages().adapt(spans),
    }


def tree(spans):
    """(name, name of the parent) of every span, in the order of the store."""
    names = {span.span_id: span.name for span in spans}
    return [[span.name, names.get(span.parent_id)] for span in spans]


RESOURCES = {"prompt": agl.PromptTemplate(template="Answer {word}.", engine="f-string")}
RETRY = agl.RolloutConfig(max_attempts=2, retry_condition=["failed"])


# One runner in this process


async def run_runner(tracer, url, provider):
    store = LightningStoreClient(url)
    runner = agl.LitAgentRunner(tracer=tracer, max_rollouts=4, poll_interval=POLL_SECONDS, interval_jitter=0)
    agent = DemoAgent(provider)
    await store.add_resources(RESOURCES)
    with runner.run_context(agent=agent, store=store, worker_id=0):
        stepped = await runner.step({"q": "1+1"}, mode="train")
        with contextlib.suppress(ValueError):
            await runner.step({"q": "2+2", "failures": 1})
        for task in [{"q": "3+3", "reward": 0.75}, {"q": "4+4", "failures": 1, "reward": 1.0}, {"q": "5+5"}]:
            await store.enqueue_rollout(task, mode="val", config=RETRY)
        await runner.iter()
    rollouts = await store.query_rollouts()
    results = [await outcome(store, rollout.rollout_id) for rollout in rollouts]
    workers = [worker.model_dump(mode="json") for worker in await store.query_workers()]
    statistics = await store.statistics()
    await store.close()
    return {
        "stepped": stepped.model_dump(mode="json"),
        "results": results,
        "workers": workers,
        "statistics": statistics,
    }


# A trainer with runner processes

TASKS = [
    {"q": "1+1", "reward": 0.1},
    {"q": "2+2"},
    {"q": "3+3", "failures": 1, "reward": 0.3},
    {"q": "4+4", "failures": 9},
    {"q": "5+5", "dies": True, "reward": 0.5},
    {"q": "6+6", "slow": True, "reward": 0.6},
    {"q": "7+7", "reward": 0.7},
    {"q": "8+8", "reward": 0.8},
]


def configuration(task):
    if task.get("dies"):
        return agl.RolloutConfig(unresponsive_seconds=SILENT_SECONDS, max_attempts=2, retry_condition=["unresponsive"])
    if task.get("slow"):
        return agl.RolloutConfig(timeout_seconds=TIMEOUT_SECONDS, max_attempts=2, retry_condition=["timeout"])
    return RETRY


class Collected:
    """What the algorithm found. It runs in the trainer's own process."""

    results = None


@agl.algo
async def algorithm(*, store, train_dataset, adapter):
    """Polls as AGL's own algorithms do: it waits with a timeout of 0, again and again."""
    resources = await store.update_resources("default", RESOURCES)
    rollouts = [
        await store.enqueue_rollout(
            train_dataset[index],
            mode="train",
            resources_id=resources.resources_id,
            config=configuration(train_dataset[index]),
            metadata={"index": index},
        )
        for index in range(len(train_dataset))
    ]
    ids = [rollout.rollout_id for rollout in rollouts]
    deadline = time.monotonic() + FINISH_SECONDS
    while len(await store.wait_for_rollouts(rollout_ids=ids, timeout=0)) < len(ids) or await overtime(store, ids):
        if time.monotonic() > deadline:
            raise TimeoutError([rollout.status for rollout in await store.query_rollouts()])
        await asyncio.sleep(POLL_SECONDS)
    assert isinstance(adapter, TracerTraceToTriplet)
    Collected.results = {
        "results": [await outcome(store, rollout_id) for rollout_id in ids],
        "queue": len(await store.query_rollouts(status_in=["queuing", "requeuing"])),
        "statistics": await store.statistics(),
    }


async def overtime(store, ids):
    """Whether the attempt that ran into its time limit is still at work: its process does not know of the limit."""
    attempts = list(await store.query_attempts(ids[next(i for i, task in enumerate(TASKS) if task.get("slow"))]))
    return attempts[0].status == "timeout"


def run_trainer(url, provider):
    strategy = {"type": "cs", "managed_store": False, "n_runners": RUNNERS, "allowed_exit_codes": (0, -15, -9)}
    trainer = agl.Trainer(
        store=LightningStoreClient(url),
        strategy=strategy,
        n_runners=RUNNERS,
        tracer=agl.OtelTracer(),
        runner={"type": "agentlightning.LitAgentRunner", "poll_interval": POLL_SECONDS, "interval_jitter": 0},
        algorithm=algorithm,
    )
    trainer.fit(DemoAgent(provider), train_dataset=TASKS)
    return Collected.results


def main(arguments):
    match arguments:
        case ["runner", "otel", url, provider]:
            return asyncio.run(run_runner(agl.OtelTracer(), url, provider))
        case ["runner", "agentops", url, provider]:
            return asyncio.run(run_runner(agl.AgentOpsTracer(), url, provider))
        case ["trainer", url, provider]:
            return run_trainer(url, provider)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    result = main(sys.argv[1:])
    # The libraries print what they like; the last line is the result.
    print("\n" + json.dumps(result), flush=True)
