"""Recorded exchanges with OpenAI, Anthropic, Gemini and vLLM through the proxy: bytes unchanged, facts in the span."""

import pytest
from harness import http1, llm_cases, llm_spans, llm_wire, provider, proxy, server

CASES = pytest.mark.parametrize("case", llm_cases.ALL, ids=lambda case: case.name)
RECORDED = pytest.mark.parametrize(
    "case", [case for case in llm_cases.ALL if case.is_recorded], ids=lambda case: case.name
)

# What the proxy adds to an answer.
ADDED = "x-proxy-request-id"


@pytest.fixture(scope="module")
def fake():
    with provider.FakeProvider() as running:
        yield running


@pytest.fixture(scope="module")
def relay(fake, tmp_path_factory):
    """A proxy with the default span profile."""
    with server.Fulgurite(tmp_path_factory.mktemp("genai") / "data", *proxy.arguments(fake.url)) as running:
        yield running


@pytest.fixture(scope="module")
def agl_relay(fake, tmp_path_factory):
    """A proxy whose spans are the tree that Agent Lightning reads."""
    arguments = [*proxy.arguments(fake.url), *proxy.setting("llm.span_profile", "agl")]
    with server.Fulgurite(tmp_path_factory.mktemp("agl") / "data", *arguments) as running:
        yield running


def replay(running, case, headers=None, prefix=""):
    """Sends a recorded request and reads the answer."""
    with http1.Connection(running.llm_proxy) as connection:
        connection.send(case.encode(running.llm_proxy, headers, prefix))
        return llm_wire.read(connection)


def record(running, case, count=1):
    """Replays a case as a child of a span of the client, and returns that span and the recorded ones."""
    parent = llm_spans.new_parent()
    replay(running, case, parent.header)
    return parent, llm_spans.wait_for_trace(running, parent.trace_id, count)


# Bytes


@CASES
def test_an_answer_arrives_as_the_upstream_sent_it(relay, case):
    answer = replay(relay, case)
    sent = case.response
    assert (answer.status, answer.reason) == (sent.status, sent.reason)
    assert answer.body == sent.body
    assert answer.is_whole == sent.is_whole == (case.expected["response"]["end"] != "truncated")
    assert len(answer.header(ADDED)) == 16
    # An answer that came in chunks may go on with a length.
    ours = {ADDED, "content-length"} if sent.header("content-length") is None else {ADDED}
    assert [field for field in answer.end_to_end if field[0] not in ours] == sent.end_to_end


@CASES
def test_a_request_arrives_as_the_client_sent_it(relay, fake, case):
    replay(relay, case)
    received = fake.last()
    method, target, _ = case.request_line.split(" ")
    assert (received.method, received.target) == (method, target)
    assert received.body == case.body
    assert received.header("host") == "{}:{}".format(*fake.address)
    for line in llm_wire.without_host(case.request)[1]:
        name, _, value = line.decode().partition(": ")
        if name.lower() == "accept-encoding":
            assert received.header(name).replace(" ", "").split(",") == value.replace(" ", "").split(",")
        elif name.lower() not in llm_wire.HOP_BY_HOP:
            assert received.header(name) == value


@pytest.mark.parametrize("split", [1, 7])
@pytest.mark.parametrize("name", ["chat_stream_usage", "messages_stream_tool_use", "gemini_stream", "chat_gzip"])
def test_writes_that_tear_characters_and_line_ends_apart_change_nothing(relay, fake, name, split):
    case = llm_cases.BY_NAME[name]
    parent = llm_spans.new_parent()
    answer = replay(relay, case, {"x-fake": f"split={split}", **parent.header})
    assert answer.is_whole
    assert answer.body == case.response.body
    assert_is_expected(llm_spans.wait_for_one(relay, parent.trace_id), case, fake)


# Spans


def assert_is_expected(span, case, fake):
    """The span says what `expected.json` lists, and where the call went."""
    otel = case.expected["otel"]
    assert (span.name, span.kind) == (otel["name"], llm_spans.CLIENT)
    assert_has_facts(span, case, fake)


def assert_has_facts(span, case, fake):
    otel = case.expected["otel"]
    assert span.status == {"unset": llm_spans.UNSET, "error": llm_spans.ERROR}[otel["status"]]
    listed = {key: span.attributes.get(key) for key in otel["attributes"]}
    assert listed == otel["attributes"]
    # For Python, 1 and true and 1.0 are equal.
    assert [type(value) is bool for value in listed.values()] == [
        type(value) is bool for value in otel["attributes"].values()
    ]
    # What is not expected must not be invented; where it goes is known to the test alone.
    for key in ("error.type", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.response.id"):
        assert (key in span.attributes) == (key in otel["attributes"]), key
    assert span.attributes["server.address"] == "127.0.0.1"
    assert span.attributes["server.port"] == fake.address[1]
    has_records = bool(case.expected["sse"] and case.expected["sse"]["events"])
    assert ("gen_ai.response.time_to_first_chunk" in span.attributes) == has_records
    if has_records:
        assert 0 < span.attributes["gen_ai.response.time_to_first_chunk"] <= (span.end - span.start) / 1e9


@RECORDED
def test_a_call_becomes_the_expected_span(relay, fake, case):
    parent, [span] = record(relay, case)
    assert_is_expected(span, case, fake)
    assert span.parent_id == parent.span_id


@pytest.mark.parametrize("name", [case.name for case in llm_cases.ALL if not case.is_recorded])
def test_what_generates_nothing_becomes_no_span(relay, name):
    parent = llm_spans.new_parent()
    assert replay(relay, llm_cases.BY_NAME[name], parent.header).status == 200
    # What is recorded later is stored later.
    record(relay, llm_cases.BY_NAME["chat_basic"])
    assert llm_spans.in_trace(relay, parent.trace_id) == []


def test_a_span_is_found_by_the_id_that_the_answer_names(relay):
    answer = replay(relay, llm_cases.BY_NAME["chat_basic"])

    def found():
        return [span for span in llm_spans.unassigned(relay) if span.span_id == answer.header(ADDED)]

    [span] = llm_spans.wait_for(found)
    assert span.parent_id is None


# The same contents, streamed and not


COMPARED_KEYS = [
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "gen_ai.response.finish_reasons",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.tool.definitions",
    "gen_ai.system_instructions",
    "openai.api.type",
    "prompt_token_ids",
    "response_token_ids",
    "http.response.status_code",
]
# Reasoning tokens, tools and several choices exist where the provider of the tests has them.
PAIRS = {
    "chat": (proxy.CHAT, proxy.chat(stream_options={"include_usage": True}), {"reasoning": 2}),
    "chat with two choices": (proxy.CHAT, proxy.chat(n=2, stream_options={"include_usage": True}), {}),
    "token ids": (
        proxy.CHAT,
        proxy.chat(return_token_ids=True, logprobs=True, stream_options={"include_usage": True}),
        {},
    ),
    "completions": (proxy.COMPLETIONS, {"model": "m", "prompt": "x", "stream_options": {"include_usage": True}}, {}),
    "responses": (proxy.RESPONSES, proxy.response(), {}),
    "messages": (proxy.MESSAGES, proxy.message(), {"reasoning": 2}),
    "gemini": (proxy.GENERATE, proxy.generation(), {}),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_stream_becomes_the_span_of_the_same_answer_in_one_piece(relay, name):
    path, members, fake_options = PAIRS[name]
    found = []
    for streams in (False, True):
        parent = llm_spans.new_parent()
        if name == "gemini":
            path, sent = (proxy.STREAM_GENERATE if streams else proxy.GENERATE), members
        else:
            sent = {**members, "stream": True} if streams else members
        answer = proxy.ask(relay, path, sent, parent.header, fake_options)
        assert answer.status == 200
        assert answer.content_type == ("text/event-stream" if streams else "application/json")
        found.append(llm_spans.wait_for_one(relay, parent.trace_id))
    whole, streamed = ({key: span.attributes.get(key) for key in COMPARED_KEYS} for span in found)
    assert streamed == whole
    assert [span.attributes.get("gen_ai.request.stream") for span in found] == [None, True]


# Agent Lightning's tree


def tool_calls(case):
    choices = case.expected["response"]["choices"]
    return choices[0]["tool_calls"] if choices else []


@RECORDED
def test_profile_agl_has_the_same_facts_in_its_tree(agl_relay, fake, case):
    calls = tool_calls(case)
    has_tokens = bool(case.expected["response"].get("response_token_ids"))
    is_embedding = case.expected["api"] == "openai.embeddings"
    parent, spans = record(agl_relay, case, 1 + has_tokens + len(calls))
    [root] = [span for span in spans if span.parent_id == parent.span_id]
    assert root.kind == llm_spans.CLIENT
    # Request and response attributes of embeddings would make the adapters see an empty conversation.
    if is_embedding:
        assert not [key for key in root.attributes if key.startswith(("gen_ai.request.", "gen_ai.response."))]
        return
    assert root.name == "openai.chat.completion"
    assert_has_facts(root, case, fake)
    children = [span for span in spans if span is not root]
    assert {span.parent_id for span in children} <= {root.span_id}
    names = sorted(["raw_gen_ai_request"] * has_tokens + [f"tool_call.{call['name']}" for call in calls])
    assert sorted(span.name for span in children) == names
    assert not [key for span in children for key in span.attributes if key.startswith("gen_ai.")]
    assert_tools(children, calls)
    if has_tokens:
        assert_tokens(root, children, case)


def assert_tools(children, calls):
    found = [span.attributes for span in children if span.name.startswith("tool_call.")]
    assert sorted((call["tool.name"], call["tool.parameters"], call["tool.call.id"]) for call in found) == sorted(
        (call["name"], call["arguments"], call["id"] or "") for call in calls
    )
    assert {call["tool.call.type"] for call in found} <= {"function"}


def assert_tokens(root, children, case):
    response = case.expected["response"]
    assert root.attributes["prompt_token_ids"] == response["prompt_token_ids"]
    assert root.attributes["response_token_ids"] == response["response_token_ids"][0]
    [raw] = [span.attributes for span in children if span.name == "raw_gen_ai_request"]
    assert raw["llm.hosted_vllm.id"] == response["id"]
    assert raw["llm.hosted_vllm.prompt_token_ids"] == str(response["prompt_token_ids"])
