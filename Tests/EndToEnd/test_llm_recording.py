"""What of a call goes into its span, what is kept out of it, and what the configuration changes on the way."""

import json

import pytest
from harness import http1, llm_spans, llm_wire, provider, proxy, server

PROMPT = "the prompt of a secret project"
ANSWERED = "alpha bravo"


@pytest.fixture(scope="module")
def fake():
    with provider.FakeProvider() as running:
        yield running


@pytest.fixture(scope="module")
def relay(fake, tmp_path_factory):
    """A proxy with an upstream for each way to record and to change."""
    upstreams = {
        "openai": {},
        "anthropic": {"api": "anthropic"},
        "metadata": {"record": "metadata"},
        "nothing": {"record": "none"},
        "usage": {"include_usage": "true"},
        "aliases": {"models": "small=tiny-1,large=huge-2"},
    }
    data = tmp_path_factory.mktemp("recording") / "data"
    with server.Fulgurite(data, *proxy.arguments(fake.url, upstreams)) as running:
        yield running


def prompted(**members):
    return {**proxy.chat(**members), "messages": [{"role": "user", "content": PROMPT}]}


def recorded(running, path=proxy.CHAT, members=None, fake=None, headers=None):
    """One call: its answer and its span."""
    parent = llm_spans.new_parent()
    answer = proxy.ask(running, path, members or prompted(), {**parent.header, **(headers or {})}, fake)
    return answer, llm_spans.wait_for_one(running, parent.trace_id)


def text_of(span):
    return json.dumps(span.document, ensure_ascii=False)


# How much


@pytest.mark.parametrize("streams", [False, True])
def test_content_is_recorded_unless_told_otherwise(relay, streams):
    _, span = recorded(relay, members=prompted(stream=streams))
    [asked] = json.loads(span.attributes["gen_ai.input.messages"])
    assert asked == {"role": "user", "parts": [{"type": "text", "content": PROMPT}]}
    [answered] = json.loads(span.attributes["gen_ai.output.messages"])
    assert (answered["role"], answered["finish_reason"]) == ("assistant", "stop")
    assert answered["parts"][0]["content"].startswith(ANSWERED)
    assert span.resource["service.name"] == "fulgurite"
    assert span.schema_url.startswith("https://opentelemetry.io/schemas/")
    assert span.scope["name"]


@pytest.mark.parametrize("streams", [False, True])
def test_metadata_is_everything_but_what_was_said(relay, streams):
    members = prompted(stream=streams, stream_options={"include_usage": True}, temperature=0.5)
    _, span = recorded(relay, "/metadata" + proxy.CHAT, members, {"tools": 1})
    assert PROMPT not in text_of(span) and ANSWERED not in text_of(span)
    assert "get_weather" not in text_of(span)
    assert span.attributes["gen_ai.usage.input_tokens"] == 12
    assert span.attributes["gen_ai.request.temperature"] == 0.5
    assert span.attributes["gen_ai.response.finish_reasons"] == ["tool_calls"]


def test_metadata_does_not_quote_errors(relay):
    _, span = recorded(relay, "/metadata" + proxy.CHAT, fake={"status": 400})
    assert span.attributes["error.type"] == "invalid_request_error"
    assert "fake 400" not in text_of(span)


def test_nothing_is_recorded_where_nothing_is_to_be(relay):
    parent = llm_spans.new_parent()
    assert proxy.ask(relay, "/nothing" + proxy.CHAT, prompted(), parent.header).status == 200
    recorded(relay)
    assert llm_spans.in_trace(relay, parent.trace_id) == []


@pytest.mark.parametrize("allowed", [True, False])
def test_a_client_can_ask_not_to_be_recorded_where_that_is_allowed(start, fake, allowed):
    relay = start(*proxy.arguments(fake.url), *proxy.setting("llm.allow_no_record", str(allowed).lower()))
    parent = llm_spans.new_parent()
    assert proxy.ask(relay, members=prompted(), headers={**parent.header, "x-no-record": "1"}).status == 200
    recorded(relay)
    assert len(llm_spans.in_trace(relay, parent.trace_id)) == (not allowed)
    assert "x-no-record" not in fake.requests(2)[0].names


def test_what_is_redacted_is_nowhere(start, fake):
    relay = start(
        *proxy.arguments(fake.url),
        *proxy.setting("llm.redact.patterns", r"hunter[0-9]+"),
        *proxy.setting("llm.redact.pointers", "/messages/0/content"),
    )
    members = proxy.chat(user="hunter2")
    members["messages"] = [
        {"role": "system", "content": PROMPT},
        {"role": "user", "content": "my word is hunter2, says hunter22"},
    ]
    answer, span = recorded(relay, members=members)
    assert answer.status == 200
    # The provider gets all of it.
    assert json.loads(fake.last().body) == members
    assert PROMPT not in text_of(span)
    assert "hunter2" not in text_of(span)
    assert "my word is" in text_of(span)
    assert relay.stop() == 0
    for file in relay.data.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert PROMPT.encode() not in content and b"hunter2" not in content


def test_large_images_become_their_length_and_digest(relay, fake):
    image = "A" * 40_000
    url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}
    small = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    members = {"model": "m", "messages": [{"role": "user", "content": [url, small]}]}
    _, span = recorded(relay, members=members)
    assert image not in text_of(span)
    [message] = json.loads(span.attributes["gen_ai.input.messages"])
    large, kept = message["parts"]
    assert (kept["type"], kept["modality"], kept["mime_type"], kept["content"]) == (
        "blob",
        "image",
        "image/png",
        "AAAA",
    )
    assert large["modality"] == "image"
    assert json.loads(fake.last().body) == members


# Streams in every dress

DRESSES = {
    "CRLF": {"crlf": 1},
    "comments": {"comments": 1},
    "one write": {"coalesce": 1},
    "torn bytes": {"split": 1},
    "ended by the connection": {"close": 1},
    "no end marker": {"done": 0},
    "usage in every record": {"usage": "every"},
    "gzip": {"encoding": "gzip"},
    "deflate": {"encoding": "deflate"},
    "torn gzip with CRLF": {"encoding": "gzip", "split": 5, "crlf": 1},
}
FACTS = [
    "gen_ai.output.messages",
    "gen_ai.response.finish_reasons",
    "gen_ai.response.model",
    "error.type",
]


@pytest.mark.parametrize("path", [proxy.CHAT, proxy.MESSAGES, proxy.RESPONSES])
@pytest.mark.parametrize("name", DRESSES)
def test_how_a_stream_is_written_does_not_change_its_span(relay, path, name):
    members = proxy.MEMBERS[path](stream=True)
    headers = {"Accept-Encoding": "gzip, deflate"}
    plain = recorded(relay, path, members, headers=headers)[1].attributes
    dressed = recorded(relay, path, members, DRESSES[name], headers)[1].attributes
    assert {key: dressed.get(key) for key in FACTS} == {key: plain.get(key) for key in FACTS}
    assert ANSWERED in dressed["gen_ai.output.messages"]
    if name == "usage in every record" and path == proxy.CHAT:
        # The latest counts; nothing is added up.
        assert (dressed["gen_ai.usage.input_tokens"], dressed["gen_ai.usage.output_tokens"]) == (12, 8)


# What the configuration changes


def test_the_usage_of_a_stream_is_asked_for_and_kept_from_clients_that_did_not_ask(relay, fake):
    plain = proxy.ask(relay, members=prompted(stream=True)).body
    answer, span = recorded(relay, "/usage" + proxy.CHAT, prompted(stream=True))
    assert json.loads(fake.last().body) == {**prompted(stream=True), "stream_options": {"include_usage": True}}
    assert span.attributes["gen_ai.usage.output_tokens"] == 8
    records = [json.loads(record[6:]) for record in answer.body.split(b"\n\n") if record.startswith(b"data: {")]
    assert all(record["choices"] for record in records)
    assert len(records) == plain.count(b"data: {")
    assert answer.body.endswith(b"data: [DONE]\n\n")


def test_a_client_that_asks_for_the_usage_gets_it(relay, fake):
    members = prompted(stream=True, stream_options={"include_usage": True})
    answer, span = recorded(relay, "/usage" + proxy.CHAT, members)
    assert json.loads(fake.last().body) == members
    assert b'"choices":[],"usage":{' in answer.body
    assert span.attributes["gen_ai.usage.output_tokens"] == 8


def test_answers_that_are_no_streams_pass_as_without_it(relay):
    for options in ({"status": 429}, {"fault": "html"}):
        hidden, plain = (
            proxy.ask(relay, prefix + proxy.CHAT, prompted(stream=True), fake=options) for prefix in ("/usage", "")
        )
        assert (hidden.status, hidden.body) == (plain.status, plain.body)
        assert hidden.header("content-length") == plain.header("content-length") == str(len(plain.body))


def test_usage_is_asked_for_in_streams_alone(relay, fake):
    for path, members in [(proxy.CHAT, prompted()), (proxy.EMBEDDINGS, proxy.embedding())]:
        assert proxy.ask(relay, "/usage" + path, members).status == 200
        assert json.loads(fake.last().body) == members


def test_an_alias_is_the_providers_word_on_the_way_and_the_clients_in_the_span(relay, fake):
    _, span = recorded(relay, members=prompted(model="small"))
    assert json.loads(fake.last().body) == prompted(model="tiny-1")
    assert span.name == "chat small"
    assert (span.attributes["gen_ai.request.model"], span.attributes["gen_ai.response.model"]) == ("small", "tiny-1")


def test_the_list_of_models_is_that_of_the_aliases(relay, fake):
    fake.reset()
    listed = http1.request(relay.llm_proxy, "GET", "/aliases/v1/models").json()
    assert (listed["object"], [model["id"] for model in listed["data"]]) == ("list", ["small", "large"])
    one = http1.request(relay.llm_proxy, "GET", "/aliases/v1/models/large")
    assert (one.status, one.json()["id"]) == (200, "large")
    assert http1.request(relay.llm_proxy, "GET", "/aliases/v1/models/other").status == 404
    assert fake.counters()["requests"] == 0
    assert http1.request(relay.llm_proxy, "GET", "/openai/v1/models").json()["data"][0]["id"] == "fake-model"


# Metrics


def test_calls_are_counted_and_measured(start, fake):
    relay = start(*proxy.arguments(fake.url))
    members = prompted(stream=True, stream_options={"include_usage": True})
    for _ in range(3):
        recorded(relay, members=members)
    _, failure = recorded(relay, fake={"status": 500})
    recorded(relay, proxy.MESSAGES, proxy.message())
    parent = llm_spans.new_parent()
    with proxy.begin(relay, headers=parent.header, fake={"gap": 20, "chunks": 500}) as connection:
        llm_wire.read_until(connection, ANSWERED.split()[0].encode())
    llm_spans.wait_for_one(relay, parent.trace_id)
    metrics = relay.metrics()

    def total(name, *labels):
        found = [value for key, value in metrics.items() if key.split("{")[0] == name]
        chosen = [
            value for key, value in metrics.items() if key.split("{")[0] == name and all(x in key for x in labels)
        ]
        assert found, name
        return sum(chosen)

    assert total("fulgurite_llm_requests_total", 'upstream="openai"') == 5
    assert total("fulgurite_llm_requests_total", 'upstream="anthropic"') == 1
    assert total("fulgurite_llm_client_disconnects_total") == 1
    assert total("gen_ai_client_operation_duration_seconds_count", 'gen_ai_operation_name="chat"') == 6
    assert total("gen_ai_client_operation_time_to_first_chunk_seconds_count") == 4
    openai = ('upstream="openai"', 'gen_ai_token_type="input"')
    assert total("gen_ai_client_token_usage_sum", *openai) == 36
    assert total("gen_ai_client_token_usage_sum", 'upstream="openai"', 'gen_ai_token_type="output"') == 24
    assert total("gen_ai_client_token_usage_sum", 'upstream="anthropic"', 'gen_ai_token_type="input"') == 12
    assert total("fulgurite_llm_failed_calls_total") == 2
    failed = (f'error_type="{failure.attributes["error.type"]}"', 'gen_ai_operation_name="chat"')
    assert total("gen_ai_client_operation_duration_seconds_count", *failed) == 1
    assert total("gen_ai_client_operation_duration_seconds_count", 'error_type="client_disconnected"') == 1
    model = f'gen_ai_request_model="{proxy.chat()["model"]}"'
    assert total("gen_ai_client_operation_duration_seconds_count", model) == 5
    host, port = fake.address
    assert total("gen_ai_client_token_usage_sum", f'server_address="{host}"', f'server_port="{port}"') > 0


def test_made_up_models_are_no_time_series(start, fake):
    """Whoever may call could make every Prometheus that reads the metrics grow."""
    relay = start(*proxy.arguments(fake.url))
    recorded(relay)
    for number in range(3):
        recorded(relay, members=proxy.chat(f"made-up-{number}"), fake={"status": 404})
    text = "\n".join(relay.metrics())
    assert "made-up" not in text
    assert 'gen_ai_request_model="_OTHER"' in text
    # Nor are long ones, although the provider answers for them.
    recorded(relay, members=proxy.chat("long" * 10_000))
    assert "longlong" not in "\n".join(relay.metrics())
    # What a provider answers for is a model, until there are too many kinds of calls.
    for number in range(210):
        recorded(relay, members=proxy.chat(f"real-{number}"))
    models = {key.split('gen_ai_request_model="')[1].split('"')[0] for key in relay.metrics() if "request_model" in key}
    assert "real-10" in models
    assert len(models) <= 201
    assert "real-209" not in models
