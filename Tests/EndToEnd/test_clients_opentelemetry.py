"""The OpenTelemetry Python SDK, unmodified, sends to the server and every field arrives."""

import grpc
import pytest
from harness import otlp
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GRPCSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HTTPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

ROLLOUT, ATTEMPT = "ro-0123456789ab", "at-01234567"


def url(address, path=""):
    return f"http://{address[0]}:{address[1]}{path}"


EXPORTERS = {
    "http": lambda server: HTTPSpanExporter(url(server.otlp_http, "/v1/traces")),
    "http-gzip": lambda server: HTTPSpanExporter(url(server.otlp_http, "/v1/traces"), compression=Compression.Gzip),
    "http-deflate": lambda server: HTTPSpanExporter(
        url(server.otlp_http, "/v1/traces"), compression=Compression.Deflate
    ),
    "http-on-the-grpc-port": lambda server: HTTPSpanExporter(url(server.otlp_grpc, "/v1/traces")),
    "http-on-the-api-port": lambda server: HTTPSpanExporter(url(server.api, "/v1/traces")),
    "grpc": lambda server: GRPCSpanExporter(url(server.otlp_grpc), insecure=True),
    "grpc-gzip": lambda server: GRPCSpanExporter(
        url(server.otlp_grpc), insecure=True, compression=grpc.Compression.Gzip
    ),
    "grpc-on-the-http-port": lambda server: GRPCSpanExporter(url(server.otlp_http), insecure=True),
}
PROCESSORS = {"batch": BatchSpanProcessor, "simple": SimpleSpanProcessor}


def run_agent(tracer):
    """A small agent run that uses what spans can carry."""
    remote = SpanContext(
        0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7, True, TraceFlags(1), TraceState([("vendor", "a")])
    )
    parent = trace.set_span_in_context(trace.NonRecordingSpan(remote))
    with tracer.start_as_current_span("agent.run", context=parent, kind=SpanKind.SERVER):
        with tracer.start_as_current_span("chat", kind=SpanKind.CLIENT, links=[Link(remote, {"why": "retry"})]) as chat:
            chat.set_attributes({"text": "Grüße 拒绝 \0", "int": -(2**63), "double": 1.0, "on": True})
            chat.set_attributes({"tokens": [1, 2, 3], "names": ["a", "b"], "ratio": float("inf")})
            chat.add_event("first token", {"after.ms": 12})
        with tracer.start_as_current_span("tool") as tool:
            tool.record_exception(ValueError("no such tool"))
            tool.set_status(Status(StatusCode.ERROR, 'it "failed"'))
    for number in range(200):
        tracer.start_span(f"step-{number}").end()


@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.parametrize("exporter", EXPORTERS)
def test_every_field_of_the_sdk_arrives(server, exporter, processor):
    sent = InMemorySpanExporter()
    resource = Resource.create({"agentlightning.rollout_id": ROLLOUT, "agentlightning.attempt_id": ATTEMPT})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(SimpleSpanProcessor(sent))
    provider.add_span_processor(PROCESSORS[processor](EXPORTERS[exporter](server)))
    run_agent(provider.get_tracer("agent", "1.2.3", "https://opentelemetry.io/schemas/1.30.0"))
    provider.shutdown()

    spans = sent.get_finished_spans()
    # The SDK's own encoder and Python's protobuf say what should have arrived.
    expected = otlp.flatten(otlp.decode_protobuf(encode_spans(spans).SerializeToString()))
    assert len(expected) == len(spans) == 203
    assert otlp.read_pages(server, f"/api/v1/rollouts/{ROLLOUT}/spans?attempt={ATTEMPT}", limit=50) == expected


@pytest.mark.parametrize("exporter", ["http", "grpc"])
def test_a_large_batch_arrives_whole(server, exporter):
    """More bytes than HTTP/2's default windows, so that flow control has to work in both directions."""
    sent = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"agentlightning.rollout_id": ROLLOUT}))
    provider.add_span_processor(SimpleSpanProcessor(sent))
    tracer = provider.get_tracer("agent")
    for number in range(600):
        with tracer.start_as_current_span("chat") as span:
            span.set_attribute("gen_ai.completion.0.content", f"{number} " + "x" * 4000)
    EXPORTERS[exporter](server).export(sent.get_finished_spans())
    expected = otlp.flatten(otlp.decode_protobuf(encode_spans(sent.get_finished_spans()).SerializeToString()))
    assert len(expected) == 600
    assert otlp.read_pages(server, f"/api/v1/rollouts/{ROLLOUT}/spans") == expected
