"""Agent Lightning's adapters and runner with the spans of the LLM proxy: `agl_llm.py COMMAND STORE ...`.

This file is executed by the `agl` virtual environment, not by pytest. It prints one JSON document at the end.

    adapt STORE ROLLOUT...    what the three adapters make of the spans of each rollout
    run STORE PROXY           a LitAgentRunner whose agent gets a ProxyLLM resource that points at the proxy
"""

import asyncio
import json
import sys

import agentlightning as agl
import openai
from agentlightning.adapter import LlmProxyTraceToTriplet, TracerTraceToTriplet, TraceToMessages
from agentlightning.store.client_server import LightningStoreClient

POLL_SECONDS = 0.1


async def adapted(store, rollout_id):
    spans = list(await store.query_spans(rollout_id))
    return {
        "names": [[span.name, span.sequence_id, span.attempt_id] for span in spans],
        "tracer": [triplet.model_dump(mode="json") for triplet in TracerTraceToTriplet().adapt(spans)],
        "proxy": [triplet.model_dump(mode="json") for triplet in LlmProxyTraceToTriplet().adapt(spans)],
        "messages": TraceToMessages().adapt(spans),
        "reward": agl.find_final_reward(spans),
    }


class Agent(agl.LitAgent):
    """Asks twice, once with tools and once as a stream, and values the result."""

    def training_rollout(self, task, resources, rollout):
        llm = resources["llm"]
        url = llm.get_base_url(rollout.rollout_id, rollout.attempt.attempt_id)
        tool = {"name": "get_weather", "description": "d", "parameters": {"type": "object", "properties": {}}}
        messages = [{"role": "system", "content": "You help."}, {"role": "user", "content": task["q"]}]
        with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
            first = client.chat.completions.create(
                model=llm.model,
                messages=messages,
                tools=[{"type": "function", "function": tool}],
                extra_headers={"x-fake": "tools=1&prompt=5&chunks=3"},
                **llm.sampling_parameters,
            )
            [call] = first.choices[0].message.tool_calls
            messages += [
                {"role": "assistant", "content": first.choices[0].message.content, "tool_calls": [call.model_dump()]},
                {"role": "tool", "tool_call_id": call.id, "content": "sun"},
            ]
            stream = client.chat.completions.create(
                model=llm.model, messages=messages, stream=True, extra_headers={"x-fake": "prompt=7&chunks=4"}
            )
            "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        agl.emit_reward(0.75)
        return None

    validation_rollout = training_rollout


async def run(url, proxy):
    store = LightningStoreClient(url)
    llm = agl.ProxyLLM(endpoint=proxy, model="demo", sampling_parameters={"temperature": 0.5})
    await store.add_resources({"llm": llm})
    runner = agl.LitAgentRunner(tracer=agl.OtelTracer(), max_rollouts=1, poll_interval=POLL_SECONDS, interval_jitter=0)
    with runner.run_context(agent=Agent(), store=store, worker_id=0):
        queued = await store.enqueue_rollout({"q": "weather?"}, mode="train")
        await runner.iter()
    rollout = await store.get_rollout_by_id(queued.rollout_id)
    # The proxy stores a call soon after its answer.
    while len(await store.query_spans(queued.rollout_id, name="openai.chat.completion")) < 2:
        await asyncio.sleep(POLL_SECONDS)
    result = await adapted(store, queued.rollout_id)
    await store.close()
    return {"status": rollout.status, **result}


async def adapt(url, rollouts):
    store = LightningStoreClient(url)
    try:
        return {rollout: await adapted(store, rollout) for rollout in rollouts}
    finally:
        await store.close()


def main(arguments):
    match arguments:
        case ["adapt", url, *rollouts]:
            return asyncio.run(adapt(url, rollouts))
        case ["run", url, proxy]:
            return asyncio.run(run(url, proxy))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    result = main(sys.argv[1:])
    # The libraries print what they like; the last line is the result.
    print("\n" + json.dumps(result), flush=True)
