"""docs/wire.md, "Answers over HTTP": statuses, bodies, and that an answer has the request's encoding."""

import gzip
import json

import pytest
from harness import http1, otlp, rows, wire

PROTOBUF, JSON = "application/x-protobuf", "application/json"


def post(server, body, content_type, **headers):
    return server.post(body, headers={"Content-Type": content_type, **headers})


def json_span(name, **fields):
    return {"traceId": rows.trace_of(name).hex(), "spanId": rows.SPAN_ID.hex(), "name": "span", **fields}


def json_body(*spans):
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()


def test_a_success_leaves_partial_success_unset(hostile):
    response = post(hostile, rows.body_of("success"), PROTOBUF)
    assert response.status == 200
    # An empty response message, or one with an empty partial success.
    assert response.body in (b"", b"\x0a\x00")
    response = post(hostile, json_body(json_span("success")), JSON)
    assert response.status == 200
    assert response.json() in ({}, {"partialSuccess": {}})


def test_rejected_spans_are_counted_and_their_neighbours_stored(hostile):
    name = "partial"
    good, bad = wire.span(rows.trace_of(name), rows.SPAN_ID), wire.span(rows.trace_of(name), b"short")
    response = post(hostile, wire.request(bad, good, bad), PROTOBUF)
    assert (response.status, response.content_type) == (200, PROTOBUF)
    rejected, message = otlp.partial_success(response)
    assert rejected == 2
    assert "span_id" in message or "span id" in message
    assert len(rows.stored(hostile, name)) == 1


def test_rejected_spans_are_counted_in_json_as_a_string(hostile):
    name = "partial json"
    response = post(hostile, json_body(json_span(name), json_span(name, spanId="00")), JSON)
    assert (response.status, response.content_type) == (200, JSON)
    partial = response.json()["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert partial["errorMessage"]
    assert len(rows.stored(hostile, name)) == 1


def test_rejected_spans_are_in_the_metrics_and_in_the_list_of_refused_input(hostile):
    before = hostile.metric("fulgurite_spans_refused_total")
    bad = wire.span(rows.trace_of("refused"), bytes(8))
    post(hostile, wire.request(bad, wire.span(rows.trace_of("refused"), rows.SPAN_ID)), PROTOBUF)
    assert hostile.metric("fulgurite_spans_refused_total") == before + 1
    newest = hostile.get_json("/api/v1/refused")["refused"][0]
    assert (newest["transport"], newest["spans"]) == ("http", 1)
    assert newest["peer"].startswith("127.0.0.1:")
    assert "span" in newest["detail"]


def test_the_answer_to_many_rejected_spans_stays_small(hostile):
    good = wire.span(rows.trace_of("many"), rows.SPAN_ID)
    bad = [wire.span(rows.trace_of("many"), bytes(number % 8)) for number in range(5000)]
    response = post(hostile, wire.request(good, *bad), PROTOBUF)
    assert otlp.rejected_spans(response) == 5000
    assert len(response.body) < 64 * 1024


@pytest.mark.parametrize("content_type, body", [(PROTOBUF, b"\xff\xff"), (JSON, b"{")])
def test_an_undecodable_body_is_400_with_a_status_in_the_requests_encoding(hostile, content_type, body):
    response = post(hostile, body, content_type)
    assert (response.status, response.content_type) == (400, content_type)
    code, message = otlp.status_of(response)
    assert code == 3
    assert message


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_too_large_is_413_with_a_status_in_the_requests_encoding(hostile, request_limit, content_type):
    with http1.Connection(hostile.otlp_http) as connection:
        headers = {"Content-Type": content_type, "Content-Length": str(request_limit + 1)}
        connection.send_request("POST", "/v1/traces", headers)
        response = connection.read_response()
    assert (response.status, response.content_type) == (413, content_type)
    assert otlp.status_of(response)[0] == 8


def test_an_error_message_does_not_repeat_the_payload(hostile):
    secret = "sk-secret-0123456789"
    for body in [b'{"resourceSpans":' + secret.encode() + b"}", b'{"%s":' % secret.encode()]:
        assert secret not in post(hostile, body, JSON).body.decode()
    assert secret not in hostile.log()


def test_an_answer_is_compressed_only_when_asked(hostile):
    assert post(hostile, rows.body_of("plain"), PROTOBUF).header("Content-Encoding") is None
    response = post(hostile, b"{", JSON, **{"Accept-Encoding": "gzip"})
    body = gzip.decompress(response.body) if response.header("Content-Encoding") == "gzip" else response.body
    assert json.loads(body)["code"] == 3


def test_a_failed_request_leaves_the_connection_usable(hostile):
    with http1.Connection(hostile.otlp_http) as connection:
        for body, status in [(b"\xff", 400), (rows.body_of("usable"), 200), (b"\xff", 400)]:
            connection.send_request("POST", "/v1/traces", {"Content-Type": PROTOBUF}, body)
            assert connection.read_response().status == status
