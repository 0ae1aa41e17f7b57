"""Sends recorded payloads over the transport they were captured on."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from . import http1, http2, otlp


def send(server, payload):
    """Sends one payload the way its client did and asserts that the server accepted all of it."""
    if payload.is_grpc:
        send_grpc(server, payload)
    else:
        otlp.assert_success(send_http(server, payload), payload.content_type)


def send_http(server, payload):
    headers, body = payload.headers, payload.body
    if payload.was_chunked:
        # The Node exporter sends its body in one chunk.
        headers["Transfer-Encoding"] = "chunked"
        body = http1.chunked(body)
    return http1.request(server.otlp_http, "POST", payload.facts["path"], headers, body)


def send_grpc(server, payload):
    metadata = [tuple(pair) for pair in payload.facts["metadata"]]
    encoding = payload.facts["grpc_encoding"]
    answer = http2.grpc_call(server.otlp_grpc, payload.body, metadata=metadata, grpc_encoding=encoding)
    assert_grpc_success(answer)


def post_until_accepted(server, body, attempts=1000):
    """Sends again and again, as a client that is told to try again would, until the server takes it."""
    for _ in range(attempts):
        try:
            response = server.post(body)
        except ConnectionResetError:
            # How a server may refuse a connection over its limit.
            continue
        if response.status == 200:
            otlp.assert_success(response)
            return
        assert response.status == 503, response
    raise AssertionError(f"still unavailable after {attempts} attempts:\n{server.log()}")


def assert_grpc_success(answer):
    """A full success of OTLP/gRPC: status 0, one message, nothing rejected."""
    assert (answer.http_status, answer.grpc_status) == (200, 0), answer
    [message] = answer.messages
    assert ExportTraceServiceResponse.FromString(message).partial_success.rejected_spans == 0
