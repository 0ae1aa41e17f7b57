"""Targets of forwarding that a test controls, and a link to them that breaks."""

import contextlib
import dataclasses
import gzip
import http.server
import json
import socket
import threading
import time
import urllib.request
from concurrent import futures

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from . import http2, otlp

DEADLINE_SECONDS = 20

# Waits that suit a test.
QUICK = {"retry_initial": "20ms", "retry_max": "100ms", "interval": "10ms"}


def arguments(endpoint, name="target", **options):
    """The arguments of `serve` for one target; a keyword sets an option of it."""
    settings = {"endpoint": endpoint, **QUICK, **options}
    return [
        word
        for option, value in settings.items()
        for word in ("--set", f"forward.targets.{name}.{option}={str(value).lower() if value in (True, False) else value}")
    ]


def forwarder(server, name="target"):
    """What the API says of a target."""
    [found] = [entry for entry in server.get_json("/api/v1/forwarders")["forwarders"] if entry["name"] == name]
    return found


def wait_for(condition, what):
    """Asks until a condition holds, and returns its value."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, what() if callable(what) else what
        time.sleep(0.01)
    return value


def wait_until_done(server, name="target"):
    """Waits until a target has been sent all that is stored."""
    return wait_for(
        lambda: (found := forwarder(server, name))["lagSpans"] == 0 and found["cursor"] > 0 and found,
        lambda: f"still behind: {forwarder(server, name)}\n{server.log()[-4000:]}",
    )


def flat_spans(request):
    """The spans of a decoded request, flattened for comparison."""
    return otlp.flatten(otlp.decode_protobuf(request.SerializeToString()))


@dataclasses.dataclass
class Export:
    """One request that a target received."""

    headers: dict
    path: str
    size: int
    request: ExportTraceServiceRequest

    @property
    def spans(self):
        return [
            span
            for resource_spans in self.request.resource_spans
            for scope_spans in resource_spans.scope_spans
            for span in scope_spans.spans
        ]

    @property
    def names(self):
        return [span.name for span in self.spans]


class Target:
    """What the targets of both protocols share: a list of what came, and an answer for each of it.

    `answer(export)` gives None for a success, a status, or a status with further facts: `(status, {"retry_after":
    seconds or a date, "message": text, "rejected": count})`.
    """

    def __init__(self, answer=None, upstream=None):
        self.answer = answer or (lambda export: None)
        # Where requests go on to that are not answered here; None = nowhere.
        self.upstream = upstream
        self.exports = []
        self.accepted = []

    def decide(self, export):
        self.exports.append(export)
        answer = self.answer(export)
        status, facts = answer if isinstance(answer, tuple) else (answer, {})
        if status is None:
            self.accepted.append(export)
        return status, facts

    @property
    def names(self):
        """The names of all spans that were accepted, in the order of their arrival."""
        return [name for export in list(self.accepted) for name in export.names]

    @property
    def spans(self):
        return [span for export in list(self.accepted) for span in flat_spans(export.request)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class HTTPTarget(Target):
    """A target of OTLP/HTTP; with `context` it speaks TLS."""

    def __init__(self, answer=None, upstream=None, context=None, port=0):
        super().__init__(answer, upstream)
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            timeout = 30

            def do_POST(self):
                target.handle(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        # Connections that are cut are the purpose of some tests.
        self.server.handle_error = lambda *_: None
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.address = self.server.server_address
        scheme = "https" if context else "http"
        self.url = f"{scheme}://localhost:{self.address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def handle(self, handler):
        body = handler.rfile.read(int(handler.headers["content-length"]))
        size = len(body)
        if handler.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        request = ExportTraceServiceRequest.FromString(body)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        status, facts = self.decide(Export(headers, handler.path, size, request))
        if status is None and self.upstream:
            return self.pass_on(handler, body)
        response = ExportTraceServiceResponse()
        if "rejected" in facts:
            response.partial_success.rejected_spans = facts["rejected"]
            response.partial_success.error_message = facts.get("message", "")
        fields = [("content-type", "application/x-protobuf")]
        if "retry_after" in facts:
            fields.append(("retry-after", str(facts["retry_after"])))
        if "location" in facts:
            fields.append(("location", facts["location"]))
        failure = status_pb2.Status(message=facts.get("message", "as the test wants it"))
        reply(handler, status or 200, fields, (failure if status else response).SerializeToString())

    def pass_on(self, handler, body):
        host, port = self.upstream()
        request = urllib.request.Request(
            f"http://{host}:{port}/v1/traces", body, {"content-type": "application/x-protobuf"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                reply(handler, response.status, [("content-type", "application/x-protobuf")], response.read())
        except urllib.error.HTTPError as error:
            reply(handler, error.code, [], error.read())
        except (OSError, http.client.HTTPException):
            # Whether the spans are stored is not known: neither is it to the sender.
            handler.close_connection = True

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def reply(handler, status, fields, body):
    handler.send_response(status)
    for name, value in fields:
        handler.send_header(name, value)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


class GRPCTarget(Target):
    """A target of OTLP/gRPC, by gRPC's own C core; with `credentials` it speaks TLS."""

    def __init__(self, answer=None, upstream=None, credentials=None, options=()):
        super().__init__(answer, upstream)
        options = [("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0), *options]
        self.server = grpc.server(futures.ThreadPoolExecutor(8), options=options)
        handler = grpc.unary_unary_rpc_method_handler(
            self.handle,
            request_deserializer=ExportTraceServiceRequest.FromString,
            response_serializer=ExportTraceServiceResponse.SerializeToString,
        )
        service, method = http2.EXPORT.strip("/").split("/")
        self.server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {method: handler})])
        if credentials:
            port = self.server.add_secure_port("localhost:0", credentials)
        else:
            port = self.server.add_insecure_port("127.0.0.1:0")
        self.address = ("127.0.0.1", port)
        self.url = f"{'https' if credentials else 'http'}://localhost:{port}"
        self.server.start()

    def handle(self, request, context):
        headers = dict(context.invocation_metadata())
        status, facts = self.decide(Export(headers, http2.EXPORT, request.ByteSize(), request))
        if status is not None:
            details = status_pb2.Status(code=status, message=facts.get("message", "as the test wants it"))
            if "retry_after" in facts:
                info = error_details_pb2.RetryInfo(
                    retry_delay=duration_pb2.Duration(nanos=int(facts["retry_after"] * 1e9) % 1_000_000_000,
                                                      seconds=int(facts["retry_after"]))
                )
                detail = any_pb2.Any()
                detail.Pack(info)
                details.details.append(detail)
            context.set_trailing_metadata([("grpc-status-details-bin", details.SerializeToString())])
            context.abort(next(code for code in grpc.StatusCode if code.value[0] == status), details.message)
        if self.upstream:
            host, port = self.upstream()
            try:
                answer = http2.grpc_call((host, port), http2.grpc_message(request.SerializeToString()), timeout=20)
            except (OSError, http2.ConnectionEnded):
                context.abort(grpc.StatusCode.UNAVAILABLE, "the upstream is gone")
            if answer.grpc_status != 0:
                code = answer.grpc_status if answer.grpc_status is not None else 14
                context.abort(next(known for known in grpc.StatusCode if known.value[0] == code), answer.grpc_message)
            return ExportTraceServiceResponse.FromString(answer.messages[0])
        response = ExportTraceServiceResponse()
        if "rejected" in facts:
            response.partial_success.rejected_spans = facts["rejected"]
            response.partial_success.error_message = facts.get("message", "")
        return response

    def close(self):
        self.server.stop(0).wait()


class FlakyLink:
    """A TCP proxy that can be cut, held and slowed down while it runs."""

    def __init__(self, address):
        self.target = address
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.url = f"http://localhost:{self.address[1]}"
        self.is_down = False
        # Seconds that each piece waits.
        self.delay = 0.0
        self.flows = threading.Event()
        self.flows.set()
        self.connections = 0
        self._sockets = set()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.is_down:
                client.close()
                continue
            try:
                server = socket.create_connection(self.target, 5)
            except OSError:
                client.close()
                continue
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._sockets |= {client, server}
            for pair in ((client, server), (server, client)):
                thread = threading.Thread(target=self._pump, args=pair)
                self._threads.append(thread)
                thread.start()

    def _pump(self, source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                self.flows.wait()
                if self.delay:
                    time.sleep(self.delay)
                sink.sendall(piece)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        source.close()
        with self._lock:
            self._sockets.discard(source)

    def cut(self):
        """Ends all connections at once, wherever they are in a request or an answer."""
        with self._lock:
            cut = list(self._sockets)
        for one in cut:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def down(self):
        """Ends all connections, and takes no new ones."""
        self.is_down = True
        self.cut()

    def up(self):
        """Works as a link should."""
        self.is_down = False
        self.delay = 0.0
        self.flows.set()

    def stall(self):
        """Holds all bytes back."""
        self.flows.clear()

    def close(self):
        self.up()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._threads[0].join()
        self.cut()
        for thread in self._threads[1:]:
            thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def forwarders_json(server):
    return json.dumps(server.get_json("/api/v1/forwarders"))
