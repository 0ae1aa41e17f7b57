"""Agent Lightning runners whose agents call a service: `agl_service_runners.py COMMAND ...`.

This file is executed by the `agl` virtual environment, not by pytest. It prints one JSON document at the end.

    work STORE SERVICE RUNNERS TASKS    RUNNERS processes at once, each a LitAgentRunner that takes TASKS off the queue;
                                        prints {task: [rollout, attempt]}
    query STORE ROLLOUT...              {rollout: spans}, as query_spans returned them

The call of the service carries W3C's traceparent, which OpenTelemetry's instrumentation of `requests` puts there, and
nothing else that would say for whom it is.
"""

import asyncio
import json
import multiprocessing
import sys

import agentlightning as agl
import requests
from agentlightning.store.client_server import LightningStoreClient
from opentelemetry import trace
from opentelemetry.instrumentation.requests import RequestsInstrumentor

CALLS = 2


class CallingAgent(agl.LitAgent):
    """Asks the service about its task, in the middle of spans of its own."""

    def __init__(self, service):
        super().__init__()
        self.service = service

    def training_rollout(self, task, resources, rollout):
        tracer = trace.get_tracer("agent")
        with tracer.start_as_current_span("agent.run", attributes={"task": task}):
            with tracer.start_as_current_span("agent.tool", attributes={"task": task}):
                for _ in range(CALLS):
                    requests.get(f"{self.service}/tasks/{task}", timeout=30).raise_for_status()


async def run_runner(url, service, number, tasks):
    store = LightningStoreClient(url)
    runner = agl.LitAgentRunner(tracer=agl.OtelTracer(), max_rollouts=tasks, poll_interval=0.1, interval_jitter=0)
    with runner.run_context(agent=CallingAgent(service), store=store, worker_id=number):
        # Only now there is a tracer provider.
        RequestsInstrumentor().instrument()
        await runner.iter()
    await store.close()


def runner_process(*arguments):
    asyncio.run(run_runner(*arguments))


async def enqueue(url, tasks):
    store = LightningStoreClient(url)
    await store.add_resources({"prompt": agl.PromptTemplate(template="Answer.", engine="f-string")})
    for task in tasks:
        await store.enqueue_rollout(task, mode="train")
    await store.close()


async def outcome(url):
    store = LightningStoreClient(url)
    rollouts = await store.query_rollouts()
    places = {}
    for rollout in rollouts:
        assert rollout.status == "succeeded", rollout
        [attempt] = await store.query_attempts(rollout.rollout_id)
        places[rollout.input] = [rollout.rollout_id, attempt.attempt_id]
    await store.close()
    return places


def work(url, service, runners, tasks):
    names = [f"task-{number}-end" for number in range(runners * tasks)]
    asyncio.run(enqueue(url, names))
    # The import takes longer than the work: it is done once, before the processes part.
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=runner_process, args=(url, service, number, tasks)) for number in range(runners)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * runners
    places = asyncio.run(outcome(url))
    assert sorted(places) == sorted(names)
    return places


async def query(url, rollouts):
    store = LightningStoreClient(url)
    found = {name: await store.query_spans(name) for name in rollouts}
    await store.close()
    return {name: [span.model_dump(mode="json") for span in spans] for name, spans in found.items()}


def main(arguments):
    match arguments:
        case ["work", url, service, runners, tasks]:
            return work(url, service, int(runners), int(tasks))
        case ["query", url, *rollouts]:
            return asyncio.run(query(url, rollouts))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    result = main(sys.argv[1:])
    # The libraries print what they like; the last line is the result.
    print("\n" + json.dumps(result), flush=True)
