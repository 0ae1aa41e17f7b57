"""A small HTTP service that OpenTelemetry's SDK instruments and that knows nothing of rollouts: `agent_service.py URL`.

It exports its spans to URL in batches, as the SDK does by default, so that one request holds spans of many callers and
comes at any time before or after theirs. It prints its own URL when it is ready, and ends when its input does.

    GET /tasks/TASK    answers a number; one span for the request, two for the work below it
"""

import socketserver
import sys
import threading
import wsgiref.simple_server

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

# The delay of the SDK is 5 s.
EXPORT_MILLISECONDS = 50


def application(environment, start_response):
    task = environment["PATH_INFO"].removeprefix("/tasks/")
    tracer = trace.get_tracer("service")
    with tracer.start_as_current_span("service.look_up", attributes={"task": task}):
        with tracer.start_as_current_span("service.compute", attributes={"task": task}):
            answer = str(len(task)).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [answer]


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    # Agents open a connection for every call.
    request_queue_size = 128


class Handler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_):
        pass


def main(export_url):
    provider = TracerProvider(resource=Resource.create({"service.name": "agent-service"}))
    exporter = OTLPSpanExporter(endpoint=export_url)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_MILLISECONDS))
    trace.set_tracer_provider(provider)
    with wsgiref.simple_server.make_server("127.0.0.1", 0, None, Server, Handler) as server:
        server.set_app(OpenTelemetryMiddleware(application))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        sys.stdin.read()
        server.shutdown()
        thread.join()
    provider.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
