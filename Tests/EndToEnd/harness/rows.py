"""What the tables of the malformed corpus have in common."""

import hashlib

from . import http2, otlp, sending, wire

GOOD_TRACE = bytes.fromhex("600d" * 8)
GOOD_BODY = wire.request(wire.span(GOOD_TRACE, bytes.fromhex("600d600d600d600d")))

SPAN_ID = bytes.fromhex("0102030405060708")


def assert_serves(server):
    """The server runs and takes a good request over both transports."""
    assert server.is_running(), server.log()
    otlp.assert_success(server.post(GOOD_BODY))
    sending.assert_grpc_success(http2.grpc_call(server.otlp_grpc, http2.grpc_message(GOOD_BODY)))


def trace_of(name):
    """A trace id (16 bytes) that belongs to the row of that name."""
    return hashlib.md5(name.encode()).digest()


def body_of(name, *extra):
    """A good protobuf request with one span in the row's trace; `extra` are further fields of the span."""
    return wire.request(wire.span(trace_of(name), SPAN_ID, "span", *extra))


def stored(server, name):
    """The spans of the row's trace, flattened; an unknown trace has none."""
    path = f"/api/v1/traces/{trace_of(name).hex()}"
    if server.get(path).status == 404:
        return []
    return otlp.read_pages(server, path)


def padding(size):
    """A field that no schema knows, with `size` bytes of content, for the span of `body_of`."""
    return wire.blob(999, bytes(size))
