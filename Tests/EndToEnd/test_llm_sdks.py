"""The SDKs of OpenAI and Anthropic, unmodified, get through the LLM proxy what they get without it.

Every program runs twice, once against the provider and once against the proxy in front of it.
"""

import asyncio
import json

import anthropic
import openai
import pytest
from anthropic import AnthropicError
from harness import http1, llm_cases, llm_spans, provider, proxy, server
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

PREFIX = "/rollout/ro-sdk/attempt/at-sdk"
MESSAGES = [{"role": "user", "content": "Say hello."}]
TOOL = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}


@pytest.fixture(scope="module")
def fake():
    with provider.FakeProvider() as running:
        yield running


@pytest.fixture(scope="module")
def relay(fake, tmp_path_factory):
    with server.Fulgurite(tmp_path_factory.mktemp("sdks") / "data", *proxy.arguments(fake.url)) as running:
        yield running


@pytest.fixture
def urls(relay, fake):
    """Where the provider is, and where the proxy is."""
    fake.reset()
    return fake.url, "http://{}:{}".format(*relay.llm_proxy)


# Clients

OPTIONS = {"max_retries": 0, "timeout": 30}


def openai_client(url, kind=openai.OpenAI, **options):
    return kind(base_url=url + "/v1", api_key=proxy.OPENAI_KEY, **{**OPTIONS, **options})


def anthropic_client(url, kind=anthropic.Anthropic, **options):
    return kind(base_url=url, api_key=proxy.ANTHROPIC_KEY, **{**OPTIONS, **options})


def case(name):
    """Header fields that ask the provider for a recorded answer."""
    return {"x-fake-case": name}


# What programs do. Each takes the URL of the provider, or of the proxy, and returns what came of it.


def plain(value):
    """An object of an SDK as plain values."""
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


def chat(url, name, **options):
    with openai_client(url) as client:
        return plain(client.chat.completions.create(model="m", messages=MESSAGES, extra_headers=case(name), **options))


def chat_stream(url, name, **options):
    with openai_client(url) as client:
        with client.chat.completions.create(
            model="m", messages=MESSAGES, stream=True, extra_headers=case(name), **options
        ) as stream:
            return [plain(chunk) for chunk in stream]


async def chat_async(url, name):
    async with openai_client(url, openai.AsyncOpenAI) as client:
        return plain(await client.chat.completions.create(model="m", messages=MESSAGES, extra_headers=case(name)))


async def chat_stream_async(url, name):
    async with openai_client(url, openai.AsyncOpenAI) as client:
        stream = await client.chat.completions.create(
            model="m", messages=MESSAGES, stream=True, extra_headers=case(name)
        )
        return [plain(chunk) async for chunk in stream]


def responses(url, name):
    with openai_client(url) as client:
        return plain(client.responses.create(model="m", input="x", extra_headers=case(name)))


def responses_stream(url, name):
    with openai_client(url) as client:
        with client.responses.create(model="m", input="x", stream=True, extra_headers=case(name)) as stream:
            return [plain(event) for event in stream]


def completions(url, name):
    with openai_client(url) as client:
        return plain(client.completions.create(model="m", prompt="x", extra_headers=case(name)))


def embeddings(url, name):
    with openai_client(url) as client:
        return plain(client.embeddings.create(model="m", input="x", extra_headers=case(name)))


def models(url, name):
    with openai_client(url) as client:
        return [plain(model) for model in client.models.list(extra_headers=case(name))]


def messages(url, name):
    with anthropic_client(url) as client:
        return plain(client.messages.create(model="m", max_tokens=9, messages=MESSAGES, extra_headers=case(name)))


def messages_stream(url, name):
    with anthropic_client(url) as client:
        with client.messages.create(
            model="m", max_tokens=9, messages=MESSAGES, stream=True, extra_headers=case(name)
        ) as stream:
            return [plain(event) for event in stream]


def messages_accumulated(url, name):
    """The helper that accumulates events, as most programs use it."""
    with anthropic_client(url) as client:
        with client.messages.stream(model="m", max_tokens=9, messages=MESSAGES, extra_headers=case(name)) as stream:
            texts = list(stream.text_stream)
            return texts, plain(stream.get_final_message())


async def messages_async(url, name):
    async with anthropic_client(url, anthropic.AsyncAnthropic) as client:
        return plain(await client.messages.create(model="m", max_tokens=9, messages=MESSAGES, extra_headers=case(name)))


async def messages_accumulated_async(url, name):
    async with anthropic_client(url, anthropic.AsyncAnthropic) as client:
        async with client.messages.stream(
            model="m", max_tokens=9, messages=MESSAGES, extra_headers=case(name)
        ) as stream:
            return [text async for text in stream.text_stream], plain(await stream.get_final_message())


def count_tokens(url, name):
    with anthropic_client(url) as client:
        return plain(client.messages.count_tokens(model="m", messages=MESSAGES, extra_headers=case(name)))


def gemini(url, name):
    path, members = (proxy.STREAM_GENERATE if "stream" in name else proxy.GENERATE), proxy.generation()
    address = tuple(url.removeprefix("http://").split(":"))
    headers = {"Content-Type": "application/json", "x-goog-api-key": proxy.GEMINI_KEY, **case(name)}
    response = http1.request(address, "POST", path, headers, json.dumps(members).encode())
    return response.status, response.body


PROGRAMS = [
    *[(chat, name) for name in ("chat_basic", "chat_tool_calls", "chat_refusal", "chat_n2", "chat_gzip")],
    *[(chat, name) for name in ("chat_error_400", "chat_error_401", "chat_error_429", "chat_error_503_html")],
    *[(chat_stream, case.name) for case in llm_cases.ALL if case.name.startswith("chat_stream_")],
    *[(chat_async, name) for name in ("chat_basic", "chat_tool_calls", "chat_error_500")],
    *[(chat_stream_async, name) for name in ("chat_stream_usage", "chat_stream_tool_call", "chat_stream_truncated")],
    *[(responses, name) for name in ("responses_basic", "responses_tool_call", "responses_incomplete")],
    *[(responses_stream, case.name) for case in llm_cases.ALL if case.name.startswith("responses_stream")],
    (completions, "completions_basic"),
    *[(embeddings, name) for name in ("embeddings_base64", "embeddings_float")],
    (models, "models_list"),
    *[(messages, name) for name in ("messages_basic", "messages_cache_usage", "messages_tool_use")],
    *[(messages, name) for name in ("messages_error_429", "messages_error_529")],
    *[(messages_stream, case.name) for case in llm_cases.ALL if case.name.startswith("messages_stream")],
    *[(messages_accumulated, name) for name in ("messages_stream", "messages_stream_tool_use")],
    *[(messages_async, name) for name in ("messages_basic", "messages_error_429")],
    (messages_accumulated_async, "messages_stream_tool_use"),
    (count_tokens, "messages_count_tokens"),
    *[(gemini, name) for name in ("gemini_generate", "gemini_stream")],
]


def outcome(program, *arguments):
    """What a program returns, or what it raises."""
    try:
        result = program(*arguments)
        return asyncio.run(result) if asyncio.iscoroutine(result) else result
    except (openai.OpenAIError, AnthropicError) as error:
        response = getattr(error, "response", None)
        return {
            "error": type(error),
            "message": str(error),
            "status": getattr(error, "status_code", None),
            "body": getattr(error, "body", None),
            "request id": getattr(error, "request_id", None),
            "retry-after": response.headers.get("retry-after") if response is not None else None,
        }


@pytest.mark.parametrize(("program", "name"), PROGRAMS, ids=[f"{one.__name__} {name}" for one, name in PROGRAMS])
def test_a_program_gets_the_same_with_the_proxy_in_between(urls, program, name):
    direct, proxied = (outcome(program, url, name) for url in urls)
    # A connection that was cut is cut here too, but at another length.
    if name == "chat_stream_truncated":
        assert direct["error"] is proxied["error"] is openai.APIConnectionError
    else:
        assert proxied == direct


# Retries


def retries(client_of, url, fake, status, **options):
    """How an SDK that may try twice more fares with a provider that fails at first, and how often it asked."""
    before = fake.counters()["requests"]
    headers = {"x-fake": "&".join(f"{key}={value}" for key, value in {"status": status, **options}.items())}
    model = f"retries {url} {client_of.__name__} {status} {options}"

    def program():
        with client_of(url, max_retries=2) as client:
            if client_of is openai_client:
                answer = client.chat.completions.create(model=model, messages=MESSAGES, extra_headers=headers)
                return answer.choices[0].message.content
            answer = client.messages.create(model=model, max_tokens=9, messages=MESSAGES, extra_headers=headers)
            return answer.content[0].text

    result = outcome(program)
    # The message holds an id that the provider made up.
    return (result["error"], result["status"]) if isinstance(result, dict) else result, (
        fake.counters()["requests"] - before
    )


@pytest.mark.parametrize("client_of", [openai_client, anthropic_client])
@pytest.mark.parametrize(
    ("status", "options", "count"),
    [(500, {"flaky": 1}, 2), (429, {"flaky": 2}, 3), (503, {}, 3), (400, {}, 1)],
    ids=["one failure", "two failures", "failures without end", "no use"],
)
def test_an_sdk_tries_again_as_often_as_without_the_proxy(urls, fake, client_of, status, options, count):
    # A short time keeps the test short; the SDKs obey it only if it arrives unchanged.
    direct, proxied = (retries(client_of, url, fake, status, retry_after="0.05", **options) for url in urls)
    assert proxied == direct
    assert proxied[1] == count


# Programs that stop listening


@pytest.mark.parametrize("client_of", [openai_client, anthropic_client])
def test_a_program_that_leaves_a_stream_lets_the_provider_go(urls, fake, client_of):
    headers = {"x-fake": "gap=20&chunks=500"}
    with client_of(urls[1]) as client:
        create = client.chat.completions.create if client_of is openai_client else client.messages.create
        options = {} if client_of is openai_client else {"max_tokens": 9}
        with create(model="m", messages=MESSAGES, stream=True, extra_headers=headers, **options) as stream:
            next(iter(stream))
    fake.wait_for(lambda counters: counters["aborted"] == 1)


def test_a_task_that_is_cancelled_lets_the_provider_go(urls, fake):
    """Before the first byte, too."""

    async def ask():
        async with openai_client(urls[1], openai.AsyncOpenAI) as client:
            await client.chat.completions.create(model="m", messages=MESSAGES, extra_headers={"x-fake": "ttfb=60000"})

    async def cancel():
        task = asyncio.create_task(ask())
        while fake.counters()["in_flight"] == 0:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    fake.wait_for(lambda counters: counters["aborted"] == 1)


# Addresses

PREFIXES = ["", PREFIX, "/openai", "/openai" + PREFIX, PREFIX + "/openai"]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("version", ["", "/v1"])
def test_openai_base_urls_with_and_without_version_and_prefixes(urls, fake, relay, prefix, version):
    with openai.OpenAI(base_url=urls[1] + prefix + version, api_key="k", **OPTIONS) as client:
        parent = llm_spans.new_parent()
        answer = client.chat.completions.create(
            model="m", messages=MESSAGES, extra_headers={**case("chat_basic"), **parent.header}
        )
    assert answer.id == "chatcmpl-BasicA1"
    assert fake.last().target == proxy.CHAT
    assert_is_bound(relay, parent, prefix)


@pytest.mark.parametrize("prefix", [prefix.replace("openai", "anthropic") for prefix in PREFIXES])
def test_anthropic_base_urls_with_prefixes(urls, fake, relay, prefix):
    with anthropic.Anthropic(base_url=urls[1] + prefix, api_key="k", **OPTIONS) as client:
        parent = llm_spans.new_parent()
        answer = client.messages.create(
            model="m", max_tokens=9, messages=MESSAGES, extra_headers={**case("messages_basic"), **parent.header}
        )
    assert answer.type == "message"
    assert fake.last().target == proxy.MESSAGES
    assert_is_bound(relay, parent, prefix)


def assert_is_bound(relay, parent, prefix):
    span = llm_spans.wait_for_one(relay, parent.trace_id)
    bound = [one.span_id for one in llm_spans.of_rollout(relay, "ro-sdk", "at-sdk")]
    assert (span.span_id in bound) == (PREFIX in prefix)


# Tools, as an agent uses them


def test_an_agents_turn_with_a_tool_is_recorded_as_it_happened(urls, relay):
    parent = llm_spans.new_parent()
    with openai_client(urls[1]) as client:
        tools = [{"type": "function", "function": TOOL}]
        options = {"model": "m", "tools": tools, "extra_headers": {"x-fake": "tools=2", **parent.header}}
        first = client.chat.completions.create(messages=MESSAGES, **options)
        calls = first.choices[0].message.tool_calls
        results = [{"role": "tool", "tool_call_id": call.id, "content": f"sun {call.id}"} for call in calls]
        turn = [*MESSAGES, first.choices[0].message, *results]
        with client.chat.completions.create(messages=turn, stream=True, **options) as stream:
            list(stream)
    asked, answered = sorted(llm_spans.wait_for_trace(relay, parent.trace_id, 2), key=lambda span: span.start)
    assert asked.attributes["gen_ai.response.finish_reasons"] == ["tool_calls"]
    output = json.loads(asked.attributes["gen_ai.output.messages"])[0]
    made = [part for part in output["parts"] if part["type"] == "tool_call"]
    assert [(part["id"], part["name"]) for part in made] == [(call.id, "get_weather") for call in calls]
    assert made[0]["arguments"] == json.loads(calls[0].function.arguments)
    history = json.loads(answered.attributes["gen_ai.input.messages"])
    assert [message["role"] for message in history] == ["user", "assistant", "tool", "tool"]
    [response] = history[2]["parts"]
    assert (response["type"], response["id"]) == ("tool_call_response", calls[0].id)
    [definition] = json.loads(asked.attributes["gen_ai.tool.definitions"])
    assert (definition["type"], definition["name"], definition["parameters"]) == (
        "function",
        "get_weather",
        TOOL["parameters"],
    )


# Traces


def test_the_anthropic_sdks_own_span_is_the_parent_of_ours(urls, relay):
    """The SDK traces its calls and sends `traceparent`; the proxy goes on with the trace."""
    exporter, tracing = InMemorySpanExporter(), TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    with anthropic_client(urls[1], open_telemetry={"tracer_provider": tracing}) as client:
        options = {"model": "m", "max_tokens": 9, "messages": MESSAGES}
        client.messages.create(**options, extra_headers=case("messages_basic"))
        with client.messages.create(**options, stream=True, extra_headers=case("messages_stream")) as stream:
            list(stream)
    assert [own.name for own in exporter.get_finished_spans()] == ["anthropic.messages.create"] * 2
    for own in exporter.get_finished_spans():
        context = own.get_span_context()
        span = llm_spans.wait_for_one(relay, f"{context.trace_id:032x}")
        assert span.parent_id == f"{context.span_id:016x}"
        for key in ("gen_ai.response.id", "gen_ai.usage.output_tokens", "gen_ai.request.model"):
            assert span.attributes[key] == own.attributes[key]
