#!/usr/bin/env python3
"""A small agent run, traced with the OpenTelemetry SDK and tagged with a rollout.

    python3 -m venv venv && venv/bin/pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
    venv/bin/python docs/examples/agent.py [ROLLOUT_ID]

It asks an invented model two questions and calls a tool in between; nothing leaves this machine but the spans. Where
they go is up to OTEL_EXPORTER_OTLP_ENDPOINT (http://localhost:4318 when unset).
"""

import sys
import uuid

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

# These two attributes say which rollout the spans belong to. On the resource they tag every span of this process; on a
# single span they tag that span.
rollout = sys.argv[1] if len(sys.argv) > 1 else f"ro-{uuid.uuid4().hex[:12]}"
attempt = f"at-{uuid.uuid4().hex[:8]}"
resource = Resource.create(
    {
        "service.name": "example-agent",
        "agentlightning.rollout_id": rollout,
        "agentlightning.attempt_id": attempt,
    }
)

provider = TracerProvider(resource=resource)
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("example.agent", "1.0.0")


def ask_model(prompt, answer, tokens):
    """What a call of a language model leaves in a trace, by the GenAI semantic conventions."""
    with tracer.start_as_current_span("chat example-model", kind=SpanKind.CLIENT) as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.request.model", "example-model")
        span.set_attribute("gen_ai.prompt.0.content", prompt)
        span.set_attribute("gen_ai.completion.0.content", answer)
        span.set_attribute("gen_ai.usage.output_tokens", len(tokens))
        span.set_attribute("response_token_ids", tokens)
        return answer


def call_tool(name, argument):
    """A tool that fails, so that the trace has an error and an exception event."""
    with tracer.start_as_current_span("execute_tool calculator", record_exception=False) as span:
        span.set_attribute("gen_ai.tool.name", name)
        span.set_attribute("gen_ai.tool.call.arguments", argument)
        try:
            return 1 / int(argument)
        except ZeroDivisionError as error:
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, str(error)))
            return None


with tracer.start_as_current_span("agent.run") as run:
    run.set_attribute("agent.task", "divide one by the number of moons of Venus")
    moons = ask_model("How many moons has Venus?", "0", [15])
    quotient = call_tool("calculator", moons)
    ask_model(f"The calculator says {quotient}. What now?", "It cannot be divided by zero.", [2181, 4250, 387])
    run.set_attribute("agentlightning.reward.0.value", 1.0)

provider.shutdown()
print(rollout)
