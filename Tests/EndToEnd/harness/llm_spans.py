"""The spans of proxied calls as the store has them: with plain values, and waited for, as recording takes its time."""

import dataclasses
import os
import time

from . import server

CLIENT = 3
UNSET, ERROR = 0, 2


@dataclasses.dataclass
class RecordedSpan:
    """A stored span; attributes are Python values."""

    document: dict
    attributes: dict
    resource: dict
    scope: dict
    schema_url: str

    @property
    def name(self):
        return self.document["name"]

    @property
    def span_id(self):
        return self.document["spanId"]

    @property
    def trace_id(self):
        return self.document["traceId"]

    @property
    def parent_id(self):
        return self.document.get("parentSpanId") or None

    @property
    def kind(self):
        return self.document.get("kind", 0)

    @property
    def status(self):
        return self.document.get("status", {}).get("code", UNSET)

    @property
    def start(self):
        return int(self.document["startTimeUnixNano"])

    @property
    def end(self):
        return int(self.document["endTimeUnixNano"])


def value_of(value):
    """The Python value of an OTLP/JSON AnyValue."""
    if "arrayValue" in value:
        return [value_of(element) for element in value["arrayValue"].get("values", [])]
    if "intValue" in value:
        return int(value["intValue"])
    if "doubleValue" in value:
        return float(value["doubleValue"])
    if "boolValue" in value:
        return value["boolValue"]
    return value.get("stringValue")


def attributes_of(document):
    attributes = {}
    for attribute in document.get("attributes", []):
        assert attribute["key"] not in attributes, f"{attribute['key']} is there twice"
        attributes[attribute["key"]] = value_of(attribute["value"])
    return attributes


def read(running, path):
    """All spans of a list of the native API, in its order; none when there is no such trace."""
    spans, cursor = [], None
    separator = "&" if "?" in path else "?"
    while True:
        response = running.get(path + (f"{separator}cursor={cursor}" if cursor else ""))
        if response.status == 404:
            return []
        assert response.status == 200, response
        page = response.json()
        for resource_spans in page.get("resourceSpans", []):
            for scope_spans in resource_spans.get("scopeSpans", []):
                for document in scope_spans.get("spans", []):
                    spans.append(
                        RecordedSpan(
                            document,
                            attributes_of(document),
                            attributes_of(resource_spans.get("resource", {})),
                            scope_spans.get("scope", {}),
                            scope_spans.get("schemaUrl", ""),
                        )
                    )
        cursor = page.get("nextCursor")
        if cursor is None:
            return spans


def in_trace(running, trace_id):
    return read(running, f"/api/v1/traces/{trace_id}")


def unassigned(running):
    return read(running, "/api/v1/unassigned/spans")


def of_rollout(running, rollout, attempt=None):
    return read(running, f"/api/v1/rollouts/{rollout}/spans" + (f"?attempt={attempt}" if attempt else ""))


def wait_for(read_spans, count=1, seconds=server.READY_SECONDS):
    """Reads again until there are so many spans, asserts that there are no more, and returns them."""
    deadline = time.monotonic() + seconds
    while len(spans := read_spans()) < count:
        assert time.monotonic() < deadline, f"{len(spans)} of {count} spans after {seconds} s"
    assert len(spans) == count, [span.name for span in spans]
    return spans


def wait_for_trace(running, trace_id, count=1):
    """The spans of a trace, once there are so many."""
    return wait_for(lambda: in_trace(running, trace_id), count)


def wait_for_one(running, trace_id):
    """The only span of a trace."""
    [span] = wait_for_trace(running, trace_id)
    return span


# Trace context


@dataclasses.dataclass
class Parent:
    """The span of a caller: a call that is sent with its header is found in its trace."""

    trace_id: str
    span_id: str

    @property
    def header(self):
        return {"traceparent": f"00-{self.trace_id}-{self.span_id}-01"}


def new_parent():
    return Parent(os.urandom(16).hex(), os.urandom(8).hex())


def tree(spans):
    """{name: [names of its children]} by the parents of spans; the key None has what hangs below none of them."""
    names = {span.span_id: span.name for span in spans}
    children = {}
    for span in spans:
        children.setdefault(names.get(span.parent_id), []).append(span.name)
    return children
