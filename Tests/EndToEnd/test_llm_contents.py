"""Whatever a request or an answer holds, it passes the LLM proxy byte for byte, and a span is stored.

Reading for the record goes as far as it can; it can neither break an answer nor the server.
"""

import gzip
import json

import pytest
from harness import http1, llm_spans, llm_wire, proxy, scripted, server


@pytest.fixture(scope="module")
def upstream():
    with scripted.ScriptedUpstream(None) as running:
        yield running


@pytest.fixture(scope="module", params=["genai", "agl"])
def relay(request, upstream, tmp_path_factory):
    """A proxy of each span profile that asks for token ids on the path /asking."""
    upstreams = {**proxy.UPSTREAMS, "asking": {"token_ids": "true", "logprobs": "true"}}
    arguments = proxy.arguments(upstream.url, upstreams)
    arguments += proxy.setting("llm.span_profile", request.param)
    with server.Fulgurite(tmp_path_factory.mktemp(request.param) / "data", *arguments) as running:
        yield running


def exchange(running, upstream, path, body, answer, headers=None):
    """Sends a request body, has the upstream answer, and returns what the upstream and the client got, and the root."""
    upstream.script = lambda connection, _: connection.sendall(answer)
    upstream.requests.clear()
    parent = llm_spans.new_parent()
    fields = {"Content-Type": "application/json", **parent.header, **(headers or {})}
    with http1.Connection(running.llm_proxy) as connection:
        connection.send_request("POST", path, fields, body)
        received = llm_wire.read(connection)
    [(_, request)] = upstream.requests

    def roots():
        return [span for span in llm_spans.in_trace(running, parent.trace_id) if span.parent_id == parent.span_id]

    [root] = llm_spans.wait_for(roots)
    return request.partition(b"\r\n\r\n")[2], received, root


GOOD_BODY = json.dumps(proxy.chat()).encode()
GOOD_ANSWER = scripted.answer(b'{"id":"good","choices":[]}')

DEPTH = 100_000
REQUESTS = {
    "empty": b"",
    "no JSON": b"hello",
    "cut JSON": b'{"model":"m","messages":[{"role":"us',
    "JSON that goes on": GOOD_BODY + b"{}",
    "an array": b"[1,2,3]",
    "null": b"null",
    "a number": b"1e999",
    "a byte order mark": b"\xef\xbb\xbf" + GOOD_BODY,
    "spaces": b" \r\n\t" + GOOD_BODY + b"\n\n",
    "a member twice": b'{"model":"m","model":"n","stream":false,"messages":[],"messages":null}',
    "invalid UTF-8": b'{"model":"m\xff","messages":[{"role":"user","content":"\xc3\x28"}]}',
    "a lone surrogate": b'{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}',
    "NUL": b'{"model":"m\\u0000","messages":[{"role":"user","content":"a\\u0000b"}]}',
    "large numbers": b'{"model":"m","max_tokens":99999999999999999999999,"temperature":1e400,"seed":-1e30,"n":1e18}',
    "other types": b'{"model":7,"messages":"x","stream":"yes","stop":{},"tools":3,"temperature":"hot","n":[]}',
    "other types inside": b'{"model":"m","messages":[null,1,"x",[],{"role":1,"content":2,"tool_calls":{}}],'
    b'"tools":[null,{}]}',
    "deep arrays": b'{"model":"m","messages":' + b"[" * DEPTH + b"]" * DEPTH + b"}",
    "deep objects": b'{"model":"m","messages":[' + b'{"content":' * DEPTH + b"1" + b"}" * DEPTH + b"]}",
    "a deep tool": b'{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":'
    + b'{"a":' * 5000
    + b"1"
    + b"}" * 5000
    + b"}}]}",
    "many members": b"{" + b",".join(b'"k%d":%d' % (number, number) for number in range(100_000)) + b"}",
    "a long model": b'{"model":"' + b"m" * 100_000 + b'","messages":[]}',
}
PATHS = {"chat": proxy.CHAT, "messages": proxy.MESSAGES, "responses": proxy.RESPONSES, "gemini": proxy.GENERATE}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("name", REQUESTS)
def test_any_request_goes_on_as_it_is(relay, upstream, path, name):
    body, answer, span = exchange(relay, upstream, path, REQUESTS[name], GOOD_ANSWER)
    assert body == REQUESTS[name]
    assert (answer.status, answer.is_whole) == (200, True)
    assert span.attributes["http.response.status_code"] == 200


@pytest.mark.parametrize("name", REQUESTS)
def test_only_a_request_that_is_understood_is_added_to(relay, upstream, name):
    body, _, _ = exchange(relay, upstream, "/asking" + proxy.CHAT, REQUESTS[name], GOOD_ANSWER)
    if body != REQUESTS[name]:
        # What is added leaves every byte of the rest where it was.
        for member in (b'"return_token_ids":true', b'"logprobs":true'):
            assert member in body
            body = body.replace(b"," + member, b"", 1) if b"," + member in body else body.replace(member + b",", b"", 1)
        assert body == REQUESTS[name]


def test_a_coded_request_goes_on_as_it_is(relay, upstream):
    coded = gzip.compress(GOOD_BODY)
    body, answer, _ = exchange(relay, upstream, proxy.CHAT, coded, GOOD_ANSWER, {"Content-Encoding": "gzip"})
    assert (body, answer.status) == (coded, 200)
    assert b"content-encoding: gzip" in upstream.requests[0][1].lower()


def test_a_query_goes_on_as_it_is(relay, upstream):
    path = proxy.CHAT + "?api-version=2025-01-01&x=a%20b&&y"
    exchange(relay, upstream, path, GOOD_BODY, GOOD_ANSWER)
    assert upstream.requests[0][1].split(b" ")[1] == path.encode()


def test_a_client_that_waits_for_100_continue_gets_it(relay, upstream):
    upstream.script = lambda connection, _: connection.sendall(GOOD_ANSWER)
    with http1.Connection(relay.llm_proxy) as connection:
        headers = {"Content-Type": "application/json", "Content-Length": len(GOOD_BODY), "Expect": "100-continue"}
        connection.send_request("POST", proxy.CHAT, headers)
        assert connection.read_interim().status == 100
        connection.send(GOOD_BODY)
        assert connection.read_response().status == 200


ANSWERS = {
    "empty": b"",
    "null": b"null",
    "an array": b"[{}]",
    "other types": b'{"id":7,"model":[],"choices":"x","usage":"y","error":0,"output":1,"content":2,"candidates":3}',
    "other types inside": b'{"choices":[null,1,{"index":"x","message":[],"finish_reason":{},"logprobs":[]}],'
    b'"usage":{"prompt_tokens":"12","completion_tokens":1.5},"output":[null,{"type":7}],"content":[null,{"type":{}}]}',
    "large numbers": b'{"id":"x","choices":[{"index":99999999999999999999}],'
    b'"usage":{"prompt_tokens":9223372036854775808,"completion_tokens":-1,"total_tokens":1e300,"input_tokens":1e19}}',
    "a far index": b'{"id":"x","choices":[{"index":2000000000,"message":{"content":"far"}}]}',
    "invalid UTF-8": b'{"id":"\xff\xfe","model":"m","choices":[{"index":0,'
    b'"message":{"content":"\xc3\x28 \xed\xa0\x80"}}]}',
    "a lone surrogate": b'{"id":"\\ud800","choices":[{"index":0,"message":{"content":"\\udfff x"}}]}',
    "NUL": b'{"id":"a\\u0000b","choices":[{"index":0,"message":{"content":"\\u0000"}}]}',
    "deep": b'{"id":"x","choices":' + b"[" * DEPTH + b"]" * DEPTH + b"}",
    "token ids of other types": b'{"id":"x","prompt_token_ids":[1,"2",null,3.5,99999999999999999999],'
    b'"choices":[{"index":0,"token_ids":{"a":1}}]}',
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("name", ANSWERS)
def test_any_answer_goes_on_as_it_is(relay, upstream, path, name):
    _, answer, span = exchange(relay, upstream, path, GOOD_BODY, scripted.answer(ANSWERS[name]))
    assert (answer.status, answer.body, answer.is_whole) == (200, ANSWERS[name], True)
    assert span.attributes["http.response.status_code"] == 200
    # Nothing negative, and nothing that is no number.
    for key in ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"):
        assert isinstance(span.attributes.get(key, 0), int)


def record(data):
    return b"data: " + data + b"\n\n"


STREAMS = {
    "nothing": b"",
    "comments alone": b": hello\n\n: there\n\n",
    "no JSON": record(b"hello") + record(b"[DONE]"),
    "no end": b"data: {",
    "other types": record(b"7") + record(b"null") + record(b"[]") + record(b'{"choices":7,"type":8}'),
    "unknown events": b'event: x.y\ndata: {"type":"x.y","delta":7}\n\nevent: ping\ndata: {}\n\n' + record(b"[DONE]"),
    "far indices": record(
        b'{"choices":[{"index":1000000000,"delta":{"tool_calls":[{"index":2000000000,"id":"a",'
        b'"function":{"name":"f"}}]}}]}'
    )
    + record(b'{"type":"content_block_start","index":1000000000,"content_block":{"type":"text","text":"x"}}')
    + record(b'{"type":"response.output_item.added","output_index":1000000000,"item":{"type":"message"}}'),
    "negative indices": record(b'{"choices":[{"index":-1,"delta":{"tool_calls":[{"index":-5}]}}]}')
    + record(b'{"type":"content_block_delta","index":-1,"delta":{"type":"text_delta","text":"x"}}'),
    "pieces without a beginning": record(
        b'{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta"}}'
    )
    + record(b'{"type":"response.function_call_arguments.delta","output_index":9,"delta":"x"}')
    + record(b'{"type":"message_delta","usage":{"output_tokens":3}}'),
    "invalid UTF-8": record(b'{"choices":[{"index":0,"delta":{"content":"\xff\xc3\x28"}}]}') + record(b"[DONE]"),
    "two surrogates in two records": record(b'{"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}')
    + record(b'{"choices":[{"index":0,"delta":{"content":"\\ude00"}}]}'),
    "a long line": b"data: " + b"x" * 1_000_000 + b"\n\n",
    "lines without end": b"data: x\n" * 20_000,
    "lone CR": b'data: {"id":"x"}\r\rdata: [DONE]\r\r',
    "a byte order mark": b"\xef\xbb\xbf" + record(b'{"id":"x","choices":[]}'),
    "deep": record(b'{"choices":' + b"[" * DEPTH + b"]" * DEPTH + b"}"),
    "what follows the end": record(b"[DONE]") + record(b'{"error":{"message":"late"}}'),
    "many choices": b"".join(
        record(b'{"choices":[{"index":%d,"delta":{"content":"x"}}]}' % number) for number in range(2000)
    ),
}


@pytest.mark.parametrize("path", [proxy.CHAT, proxy.MESSAGES, proxy.RESPONSES, proxy.STREAM_GENERATE], ids=PATHS)
@pytest.mark.parametrize("name", STREAMS)
def test_any_stream_goes_on_as_it_is(relay, upstream, path, name):
    sent = scripted.answer(STREAMS[name], content_type="text/event-stream")
    _, answer, span = exchange(relay, upstream, path, json.dumps(proxy.chat(stream=True)).encode(), sent)
    assert (answer.status, answer.body, answer.is_whole) == (200, STREAMS[name], True)
    assert span.attributes["http.response.status_code"] == 200


def test_a_body_that_expands_without_end_is_read_no_further_than_allowed(relay, upstream):
    """A few hundred kilobytes that hold 300 MB."""
    bomb = gzip.compress(
        b'{"id":"bomb","choices":[{"index":0,"message":{"content":"' + b"x" * 300_000_000 + b'"}}]}', 1
    )
    before = relay.resident_bytes()
    with open(f"/proc/{relay.pid}/clear_refs", "w") as file:
        file.write("5")
    sent = scripted.answer(bomb, "content-encoding: gzip")
    _, answer, _ = exchange(relay, upstream, proxy.CHAT, GOOD_BODY, sent, {"Accept-Encoding": "gzip"})
    assert answer.body == bomb
    assert relay.peak_resident_bytes() - before < 64 << 20


def test_the_server_serves_on(relay, upstream):
    _, _, span = exchange(relay, upstream, proxy.CHAT, GOOD_BODY, GOOD_ANSWER)
    assert span.attributes["gen_ai.response.id"] == "good"
    assert relay.metric("fulgurite_llm_dropped_calls_total") == 0
