"""Agent Lightning's adapters, unmodified, read triplets, messages, tools and rewards from spans of proxied calls."""

import json
import os
import time

import pytest
from harness import agl_results, http1, llm_cases, llm_spans, llm_wire, otlp, provider, proxy, server, wire

# Nothing here may ask the network: LiteLLM would fetch a table of prices when it is imported.
ENVIRONMENT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "AGENTOPS_API_KEY": "dummy", "NO_PROXY": "127.0.0.1"}


@pytest.fixture(scope="module")
def fake():
    with provider.FakeProvider() as running:
        yield running


@pytest.fixture(scope="module")
def relay(fake, tmp_path_factory):
    """A proxy for a server that gives token ids, with the spans that Agent Lightning reads."""
    upstreams = {"vllm": {"token_ids": "true", "logprobs": "true"}, "anthropic": {"api": "anthropic"}}
    arguments = [*proxy.arguments(fake.url, upstreams), *proxy.setting("llm.span_profile", "agl")]
    with server.Fulgurite(tmp_path_factory.mktemp("adapters") / "data", *arguments) as running:
        yield running


def run(*arguments):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AGL_", "OTEL_"))}
    return agl_results.run("agl_llm.py", *arguments, environment={**environment, **ENVIRONMENT})


def url_of(address):
    return "http://{}:{}".format(*address)


def reward(running, rollout, attempt, value):
    """Sends a reward as Agent Lightning's `emit_reward` does."""
    attributes = {"agentlightning.rollout_id": rollout, "agentlightning.attempt_id": attempt}
    fields = [wire.attribute(key, wire.string_value(text)) for key, text in attributes.items()]
    fields.append(wire.attribute("agentlightning.reward.0.name", wire.string_value("primary")))
    fields.append(wire.attribute("agentlightning.reward.0.value", wire.double_value(value)))
    # The adapter that goes by time wants it behind the calls.
    fields += [wire.fixed64(number, time.time_ns()) for number in (7, 8)]
    span = wire.span(os.urandom(16), os.urandom(8), "agentlightning.annotation", *fields)
    otlp.assert_success(running.post(wire.request(span)))


TOOL = {"name": "get_weather", "description": "Weather of a city", "parameters": {"type": "object", "properties": {}}}
TURN = [{"role": "system", "content": "You help."}, {"role": "user", "content": "weather?"}]


VLLM = ["chat_vllm_token_ids", "chat_stream_vllm_token_ids"]


def converse(running):
    """Two calls of one attempt, the first with a tool and the second as a stream, and their reward.

    Returns the message with the call of the tool.
    """
    path = "/rollout/ro/attempt/at" + proxy.CHAT
    tools = [{"type": "function", "function": TOOL}]
    members = {"model": "m", "messages": TURN, "tools": tools}
    answer = proxy.ask(running, path, members, fake={"tools": 1, "prompt": 5, "chunks": 3})
    message = answer.json()["choices"][0]["message"]
    answered = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "sun"}
    asked = {key: message[key] for key in ("role", "content", "tool_calls")}
    llm_spans.wait_for(lambda: llm_spans.of_rollout(running, "ro"), 3)
    members = {"model": "m", "messages": [*TURN, asked, answered], "stream": True}
    assert proxy.ask(running, path, members, fake={"prompt": 7, "chunks": 4}).status == 200
    llm_spans.wait_for(lambda: llm_spans.of_rollout(running, "ro"), 5)
    reward(running, "ro", "at", 0.5)
    return message


def replay(running, name):
    """A recorded call, in a rollout of the case's name."""
    with http1.Connection(running.llm_proxy) as connection:
        connection.send(llm_cases.BY_NAME[name].encode(running.llm_proxy, prefix=f"/rollout/{name}/attempt/at"))
        assert llm_wire.read(connection).status == 200
    llm_spans.wait_for(lambda: llm_spans.of_rollout(running, name), 2)


@pytest.fixture(scope="module")
def adapted(relay):
    """What the adapters make of every rollout, and the message with the call of a tool."""
    message = converse(relay)
    for name in VLLM:
        replay(relay, name)
    proxy.ask(relay, "/rollout/embedded/attempt/at" + proxy.EMBEDDINGS, proxy.embedding())
    llm_spans.wait_for(lambda: llm_spans.of_rollout(relay, "embedded"))
    return {"message": message, **run("adapt", url_of(relay.api), "ro", "embedded", *VLLM)}


@pytest.fixture(scope="module")
def conversation(adapted):
    return adapted["message"], adapted["ro"]


def test_the_spans_are_in_the_order_of_the_calls(conversation):
    names = conversation[1]["names"]
    assert [(sequence, attempt) for _, sequence, attempt in names] == [(1, "at")] * 3 + [(2, "at")] * 2 + [(3, "at")]
    assert sorted(name for name, _, _ in names[:3]) == [
        "openai.chat.completion",
        "raw_gen_ai_request",
        "tool_call.get_weather",
    ]


TOKENS = [(list(range(1, 6)), [1000, 1001, 1002]), (list(range(1, 8)), [1000, 1001, 1002, 1003])]


@pytest.mark.parametrize("adapter", ["tracer", "proxy"])
def test_both_triplet_adapters_find_tokens_and_reward(conversation, adapter):
    triplets = conversation[1][adapter]
    found = [(triplet["prompt"]["token_ids"], triplet["response"]["token_ids"]) for triplet in triplets]
    assert found == TOKENS
    assert [triplet["reward"] for triplet in triplets] == [None, 0.5]
    assert conversation[1]["reward"] == 0.5


def test_log_probabilities_come_with_the_tokens(conversation):
    for triplet, (_, tokens) in zip(conversation[1]["tracer"], TOKENS, strict=True):
        assert [entry["logprob"] for entry in triplet["response"]["logprobs"]] == [-0.25] * len(tokens)


def test_the_messages_adapter_finds_turns_tool_calls_and_tools(conversation):
    message, result = conversation
    first, second = result["messages"]
    [call] = message["tool_calls"]
    assert first["messages"][:2] == TURN
    assert len(first["messages"]) == 3
    assert_asks(first["messages"][2], message["content"], call)
    # The adapter leaves out what an earlier turn said beside its calls.
    assert_asks(second["messages"][2], None, call)
    answered = second["messages"][3]
    assert (answered["role"], answered["content"], answered["tool_call_id"]) == ("tool", "sun", call["id"])
    assert second["messages"][4] == {"role": "assistant", "content": "alpha bravo charlie delta"}
    [tool] = first["tools"]
    assert (tool["function"]["name"], tool["function"]["description"]) == ("get_weather", "Weather of a city")
    assert as_object(tool["function"]["parameters"]) == TOOL["parameters"]


def assert_asks(message, content, call):
    assert (message["role"], message["content"]) == ("assistant", content)
    [found] = message["tool_calls"]
    assert (found["id"], found["function"]["name"]) == (call["id"], call["function"]["name"])
    assert json.loads(found["function"]["arguments"]) == json.loads(call["function"]["arguments"])


def as_object(value):
    return json.loads(value) if isinstance(value, str) else value


def test_embeddings_are_no_conversation(adapted):
    assert [name for name, _, _ in adapted["embedded"]["names"]] != []
    assert [adapted["embedded"][adapter] for adapter in ("messages", "tracer", "proxy")] == [[], [], []]


@pytest.mark.parametrize("name", VLLM)
def test_recorded_answers_of_vllm_become_triplets(adapted, name):
    response = llm_cases.BY_NAME[name].expected["response"]
    expected = response["prompt_token_ids"], response["response_token_ids"][0]
    for adapter in ("tracer", "proxy"):
        [triplet] = adapted[name][adapter]
        assert (triplet["prompt"]["token_ids"], triplet["response"]["token_ids"]) == expected


def test_token_ids_are_asked_for_where_they_are_configured_and_nowhere_else(relay, fake):
    sent = {"model": "m", "messages": TURN, "temperature": 0.50}
    proxy.ask(relay, members=sent)
    assert json.loads(fake.last().body) == {**sent, "return_token_ids": True, "logprobs": True}
    proxy.ask(relay, members={**sent, "return_token_ids": False, "logprobs": False})
    assert json.loads(fake.last().body) == {**sent, "return_token_ids": False, "logprobs": False}
    proxy.ask(relay, proxy.EMBEDDINGS, proxy.embedding())
    assert json.loads(fake.last().body) == proxy.embedding()
    proxy.ask(relay, proxy.MESSAGES, proxy.message())
    assert json.loads(fake.last().body) == proxy.message()


def test_a_runner_whose_resource_is_the_proxy(relay):
    """The agent asks the URL that Agent Lightning's `ProxyLLM` makes; nothing else tells what its calls belong to."""
    result = run("run", url_of(relay.api), url_of(relay.llm_proxy))
    assert result["status"] == "succeeded"
    for adapter in ("tracer", "proxy"):
        found = [(one["prompt"]["token_ids"], one["response"]["token_ids"]) for one in result[adapter]]
        assert found == TOKENS
        assert [triplet["reward"] for triplet in result[adapter]] == [None, 0.75]
    assert [len(entry["messages"]) for entry in result["messages"]] == [3, 5]
    assert result["reward"] == 0.75
    assert len({attempt for _, _, attempt in result["names"]}) == 1
