"""OTLP documents in the fixtures' `decoded` form: the oracle that makes them, and their comparison."""

import base64
import json
import struct

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

IDENTIFIERS = ("traceId", "spanId", "parentSpanId")


# The oracle


def decode_protobuf(body):
    """A serialized request in the `decoded` form of the fixtures, by Python's protobuf."""
    request = ExportTraceServiceRequest.FromString(body)
    return _convert_identifiers(json_format.MessageToDict(request, use_integers_for_enums=True), _hex_from_base64)


def decode_json(body):
    """An OTLP/JSON request in the `decoded` form, by Python's protobuf."""
    proto3 = _convert_identifiers(json.loads(body), _base64_from_hex)
    request = json_format.ParseDict(proto3, ExportTraceServiceRequest(), ignore_unknown_fields=True)
    return decode_protobuf(request.SerializeToString())


def _convert_identifiers(value, convert):
    """Applies `convert` to the identifiers of spans and links; attribute contents hold no such keys."""
    if isinstance(value, list):
        return [_convert_identifiers(element, convert) for element in value]
    if not isinstance(value, dict):
        return value
    return {
        key: convert(member) if key in IDENTIFIERS else _convert_identifiers(member, convert)
        for key, member in value.items()
    }


def _hex_from_base64(text):
    return base64.b64decode(text).hex()


def _base64_from_hex(text):
    return base64.b64encode(bytes.fromhex(text)).decode()


# Comparison


def flatten(document):
    """All spans in order, each with its envelope, in a form in which equal contents are equal.

    `{}` and an absent resource, scope or status are not kept apart (fixtures README). Doubles become their bit
    patterns, so that -0.0 differs from 0.0 and NaN equals itself.
    """
    flat = []
    for resource_spans in document.get("resourceSpans", []):
        for scope_spans in resource_spans.get("scopeSpans", []):
            for span in scope_spans.get("spans", []):
                entry = {
                    "resource": _normalise(resource_spans.get("resource", {})),
                    "resourceSchemaUrl": resource_spans.get("schemaUrl", ""),
                    "scope": _normalise(scope_spans.get("scope", {})),
                    "scopeSchemaUrl": scope_spans.get("schemaUrl", ""),
                    "span": _normalise(span),
                }
                if not entry["span"].get("status"):
                    entry["span"].pop("status", None)
                flat.append(entry)
    return flat


def _normalise(value):
    if isinstance(value, list):
        return [_normalise(element) for element in value]
    if not isinstance(value, dict):
        return value
    return {key: _bits(member) if key == "doubleValue" else _normalise(member) for key, member in value.items()}


def _bits(number):
    return struct.pack(">d", float(number)).hex() if not isinstance(number, str) else number


def identity(entry):
    """(trace id, span id) of a flattened span."""
    return entry["span"]["traceId"], entry["span"]["spanId"]


def rollout_of(entry):
    """The rollout that a flattened span names explicitly: on itself, else on its resource; None without one."""
    for attributes in (entry["span"].get("attributes", []), entry["resource"].get("attributes", [])):
        for attribute in attributes:
            if attribute["key"] == "agentlightning.rollout_id" and attribute["value"].get("stringValue"):
                return attribute["value"]["stringValue"]
    return None


# Reading back


def read_pages(server, path, limit=None):
    """All pages of a span list of the native API, as one flat list."""
    spans, cursor = [], None
    while True:
        query = [f"limit={limit}"] if limit else []
        query += [f"cursor={cursor}"] if cursor else []
        separator = "&" if "?" in path else "?"
        page = server.get_json(path + (separator + "&".join(query) if query else ""))
        assert set(page) <= {"resourceSpans", "nextCursor", "lastArrival"}, sorted(page)
        found = flatten(page)
        assert limit is None or len(found) <= limit
        spans += found
        cursor = page.get("nextCursor")
        if cursor is None:
            return spans
        assert found, "an empty page with a cursor would never end"


def read_trace(server, trace_id, limit=None):
    return read_pages(server, f"/api/v1/traces/{trace_id}", limit)


# Answers


def assert_success(response, content_type="application/x-protobuf"):
    """A full success of OTLP/HTTP in the request's encoding: nothing rejected."""
    assert response.status == 200, response
    assert response.content_type == content_type, response
    assert rejected_spans(response) == 0, response


def rejected_spans(response):
    """The number of rejected spans in an OTLP/HTTP answer of either encoding."""
    return partial_success(response)[0]


def partial_success(response):
    """(rejected spans, error message) of an OTLP/HTTP answer."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    if response.content_type == "application/json":
        partial = response.json().get("partialSuccess", {})
        # int64 is a string in proto3 JSON.
        assert isinstance(partial.get("rejectedSpans", "0"), str)
        return int(partial.get("rejectedSpans", "0")), partial.get("errorMessage", "")
    answer = ExportTraceServiceResponse.FromString(response.body)
    return answer.partial_success.rejected_spans, answer.partial_success.error_message


def status_of(response):
    """(code, message) of the google.rpc.Status in an OTLP/HTTP error answer of either encoding."""
    from google.rpc.status_pb2 import Status

    if response.content_type == "application/json":
        document = response.json()
        return document["code"], document.get("message", "")
    assert response.content_type == "application/x-protobuf", response
    status = Status.FromString(response.body)
    return status.code, status.message
