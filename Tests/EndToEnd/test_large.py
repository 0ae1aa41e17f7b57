"""Large spans, large requests, large answers, and clients that take them slowly."""

import gzip
import random

import pytest
from harness import http1, http2, otlp, rows, sending, wire

MEGABYTE = 1 << 20


def text(size, seed=1):
    """Text that does not compress to nothing."""
    return random.Random(seed).randbytes(size // 2).hex()


@pytest.mark.parametrize("megabytes", [1, 20])
@pytest.mark.parametrize("transport", ["http", "http-gzip", "grpc"])
def test_a_large_attribute_is_stored_whole(server, transport, megabytes):
    """Prompts and completions are long. Other receivers stop at 4 MiB over gRPC."""
    value = text(megabytes * MEGABYTE)
    body = rows.body_of("large", wire.attribute("gen_ai.prompt", wire.string_value(value)))
    if transport == "grpc":
        sending.assert_grpc_success(http2.grpc_call(server.otlp_grpc, http2.grpc_message(body)))
    elif transport == "http-gzip":
        otlp.assert_success(server.post(gzip.compress(body, 1), headers={"Content-Encoding": "gzip"}))
    else:
        otlp.assert_success(server.post(body))
    [entry] = rows.stored(server, "large")
    assert entry["span"]["attributes"] == [{"key": "gen_ai.prompt", "value": {"stringValue": value}}]


def test_a_request_may_hold_fifty_thousand_spans(server):
    count = 50_000
    spans = [
        wire.span(rows.trace_of("many"), number.to_bytes(8, "big"), f"span {number}") for number in range(1, count + 1)
    ]
    resource = wire.rollout_resource("ro-many", "at-1")
    otlp.assert_success(server.post(wire.request(*spans, resource=resource)))
    read = otlp.read_pages(server, "/api/v1/rollouts/ro-many/spans", limit=10_000)
    assert [int(entry["span"]["spanId"], 16) for entry in read] == list(range(1, count + 1))
    response = http1.request(
        server.api, "POST", "/v1/agl/spans/search", {"Content-Type": "application/json"}, b'{"rollout_id":"ro-many"}'
    )
    items = response.json()["items"]
    assert [item["sequence_id"] for item in items] == list(range(1, count + 1))


@pytest.fixture
def long_rollout(server):
    """A server with a rollout of about 20 MB in 2,000 spans."""
    for number in range(20):
        prompt = wire.attribute("gen_ai.prompt", wire.string_value(text(10_000, number)))
        spans = [
            wire.span(rows.trace_of("long"), (number * 100 + index + 1).to_bytes(8, "big"), "chat", prompt)
            for index in range(100)
        ]
        otlp.assert_success(server.post(wire.request(*spans, resource=wire.rollout_resource("ro-long", "at-1"))))
    return server


READERS = 10
LONG = "/api/v1/rollouts/ro-long/spans?limit=10000"


def test_clients_that_do_not_read_their_answers_cost_little_and_delay_nobody(long_rollout):
    before = long_rollout.resident_bytes()
    readers = [http1.Connection(long_rollout.api) for _ in range(READERS)]
    for reader in readers:
        reader.send_request("GET", LONG)
        # The head of the answer shows that it is under way.
        reader.receive_some()
    rows.assert_serves(long_rollout)
    # 200 MB of answers are under way; each holds a few pieces and not the whole.
    assert long_rollout.peak_resident_bytes() - before < 100 * MEGABYTE
    for reader in readers:
        assert reader.read_response("GET").body.count(b'"spanId"') == 2000
        reader.close()


def test_a_client_that_leaves_in_the_middle_of_an_answer_does_no_harm(long_rollout):
    for _ in range(20):
        with http1.Connection(long_rollout.api) as reader:
            reader.send_request("GET", LONG)
            reader.receive_some()
    rows.assert_serves(long_rollout)
    assert len(otlp.read_pages(long_rollout, LONG)) == 2000


def test_spans_that_arrive_during_an_answer_do_not_disturb_it(long_rollout):
    with http1.Connection(long_rollout.api) as reader:
        reader.send_request("GET", LONG)
        reader.receive_some()
        for number in range(50):
            span = wire.span(rows.trace_of("late"), (number + 1).to_bytes(8, "big"))
            otlp.assert_success(
                long_rollout.post(wire.request(span, resource=wire.rollout_resource("ro-long", "at-1")))
            )
        assert len(otlp.flatten(reader.read_response("GET").json())) == 2000
