"""Protobuf wire format by hand, for requests that no protobuf library would write."""

import struct

VARINT, FIXED64, LENGTH, START_GROUP, END_GROUP, FIXED32 = 0, 1, 2, 3, 4, 5


def varint(value, length=None):
    """`value` as a varint; with `length`, over-long in exactly that many bytes."""
    value &= (1 << 64) - 1
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    while length is not None and len(encoded) < length:
        encoded[-1] |= 0x80
        encoded.append(0)
    return bytes(encoded)


def tag(number, kind):
    return varint(number << 3 | kind)


def integer(number, value):
    return tag(number, VARINT) + varint(value)


def fixed64(number, value):
    return tag(number, FIXED64) + struct.pack("<Q", value)


def fixed32(number, value):
    return tag(number, FIXED32) + struct.pack("<I", value)


def blob(number, value):
    """A length-delimited field: bytes, a string, or an encoded message."""
    value = value.encode() if isinstance(value, str) else value
    return tag(number, LENGTH) + varint(len(value)) + value


# Messages of the trace service, with the field numbers of opentelemetry/proto/trace/v1/trace.proto.


def key_value(key, any_value):
    return blob(1, key) + blob(2, any_value)


def string_value(text):
    return blob(1, text)


def double_value(number):
    return tag(4, FIXED64) + struct.pack("<d", number)


def array_value(*values):
    return blob(5, b"".join(blob(1, value) for value in values))


def nested_array(depth):
    """An AnyValue with `depth` AnyValue levels: arrays around an empty value."""
    value = b""
    for _ in range(depth - 1):
        value = array_value(value)
    return value


def span(trace_id, span_id, name="span", *extra):
    """A Span message; `extra` are encoded fields appended to it."""
    identifiers = blob(1, trace_id) + blob(2, span_id)
    return (
        identifiers
        + blob(5, name)
        + fixed64(7, 1_760_000_000_000_000_000)
        + fixed64(8, 1_760_000_000_000_000_100)
        + b"".join(extra)
    )


def attribute(key, any_value):
    """A span's attribute field."""
    return blob(9, key_value(key, any_value))


def request(*spans, resource=b""):
    """An ExportTraceServiceRequest with one ResourceSpans and one ScopeSpans."""
    scope_spans = blob(2, b"".join(blob(2, encoded) for encoded in spans))
    return blob(1, blob(1, resource) + scope_spans)


def rollout_resource(rollout, attempt=None):
    """The fields of a Resource that tags its spans with a rollout."""
    fields = blob(1, key_value("service.name", string_value("test")))
    fields += blob(1, key_value("agentlightning.rollout_id", string_value(rollout)))
    if attempt is not None:
        fields += blob(1, key_value("agentlightning.attempt_id", string_value(attempt)))
    return fields
