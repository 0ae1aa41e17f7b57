"""What Jaeger's interface is to answer: a reference that is made from the spans that were sent.

It takes the `decoded` form of the fixtures, and knows nothing of the program but its answers' shapes, which are those of
contracts/otlp.md, section 10, and of Jaeger's own fixtures.
"""

import dataclasses
import json

from . import otlp

SAFE = 2**53 - 1
KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
EMPTY_NAME = "empty-span-name"
NEGATIVE = "the span ends before it starts: shown as 1ns"
ROLLOUT_KEYS = ("agentlightning.rollout_id", "agentlightning.attempt_id", "agentlightning.span_sequence_id")


@dataclasses.dataclass
class Span:
    """A stored span with what surrounds it; `place` is its rollout, attempt and number."""

    resource: list
    scope: dict
    span: dict
    arrival: int = 0
    place: tuple = (None, None, None)

    @property
    def trace_id(self):
        return self.span["traceId"]

    @property
    def start(self):
        return int(self.span.get("startTimeUnixNano", 0))

    @property
    def end(self):
        return int(self.span.get("endTimeUnixNano", 0))

    @property
    def duration(self):
        """In nanoseconds, as it is searched for."""
        return self.end - self.start if self.end >= self.start else 1

    @property
    def name(self):
        return self.span.get("name") or EMPTY_NAME

    @property
    def kind(self):
        return KINDS.get(self.span.get("kind", 0), "")

    @property
    def service(self):
        found = "missing-service-name"
        for attribute in self.resource:
            if attribute["key"] == "service.name":
                value = attribute.get("value", {})
                found = value["stringValue"] or "empty-service-name" if "stringValue" in value else "service-name-wrong-type"
        return found

    @property
    def is_error(self):
        return self.span.get("status", {}).get("code") == 2


def spans_of(document, first_arrival=1):
    """The spans that a store keeps of a document: repeats are dropped, other contents under the same ids are kept."""
    kept, spans = {}, []
    for resource_spans in document.get("resourceSpans", []):
        resource = resource_spans.get("resource", {}).get("attributes", [])
        for scope_spans in resource_spans.get("scopeSpans", []):
            for span in scope_spans.get("spans", []):
                single = {"resourceSpans": [{**resource_spans, "scopeSpans": [{**scope_spans, "spans": [span]}]}]}
                [entry] = otlp.flatten(single)
                versions = kept.setdefault(otlp.identity(entry), [])
                if entry in versions:
                    continue
                versions.append(entry)
                spans.append(Span(resource, scope_spans.get("scope", {}), span, first_arrival + len(spans)))
    return spans


# Values


class JSONText:
    """A text that is JSON for a value, whatever its white space."""

    def __init__(self, value):
        self.value = value


def plain(value):
    """An AnyValue as the JSON that it means."""
    [(kind, content)] = value.items() if value else [(None, None)]
    match kind:
        case None:
            return None
        case "intValue":
            return int(content)
        case "doubleValue":
            return content if isinstance(content, str) else float(content)
        case "arrayValue":
            return [plain(element) for element in content.get("values", [])]
        case "kvlistValue":
            return {member["key"]: plain(member.get("value", {})) for member in content.get("values", [])}
    return content


def tag_of(attribute):
    value = attribute.get("value") or {}
    [(kind, content)] = value.items() if value else [(None, None)]
    match kind:
        case None:
            return tag(attribute["key"], "")
        case "stringValue":
            return tag(attribute["key"], content)
        case "boolValue":
            return tag(attribute["key"], content, "bool")
        case "intValue":
            number = int(content)
            return tag(attribute["key"], number if abs(number) <= SAFE else str(number), "int64")
        case "doubleValue":
            return tag(attribute["key"], plain(value), "float64")
        case "bytesValue":
            return tag(attribute["key"], content, "binary")
    return tag(attribute["key"], JSONText(plain(value)))


def tag(key, value, kind="string"):
    return {"key": key, "type": kind, "value": value}


def tags_of(span):
    """The tags of a span, in order."""
    own = span.span.get("attributes", [])
    tags = [tag(f"otel.scope.{key}", span.scope[key]) for key in ("name", "version") if span.scope.get(key)]
    tags += [tag_of(attribute) for attribute in own]
    if span.kind:
        tags.append(tag("span.kind", span.kind))
    status = span.span.get("status", {})
    if status.get("code") in (1, 2):
        tags.append(tag("otel.status_code", {1: "OK", 2: "ERROR"}[status["code"]]))
    if span.is_error:
        tags.append(tag("error", True, "bool"))
    if status.get("message"):
        tags.append(tag("otel.status_description", status["message"]))
    if span.span.get("traceState"):
        tags.append(tag("w3c.tracestate", span.span["traceState"]))
    said = [(attribute["key"], shown(tag_of(attribute))) for attribute in own]
    for key, value in zip(ROLLOUT_KEYS, span.place):
        if value is not None and (key, str(value)) not in said:
            tags.append(tag(key, value, "string" if isinstance(value, str) else "int64"))
    return tags


def shown(tag):
    """The value of a tag as a text that can be searched for."""
    value = tag["value"]
    if isinstance(value, JSONText):
        return json.dumps(value.value, separators=(",", ":"), ensure_ascii=False)
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


# A trace


def short(trace_id):
    return trace_id[16:] if trace_id.startswith("0" * 16) else trace_id


def log_of(event):
    attributes = event.get("attributes", [])
    fields = [tag_of(attribute) for attribute in attributes]
    if event.get("name") and all(attribute["key"] != "event" for attribute in attributes):
        fields.insert(0, tag("event", event["name"]))
    return {"timestamp": int(event.get("timeUnixNano", 0)) // 1000, "fields": fields}


def reference(kind, trace_id, span_id):
    return {"refType": kind, "traceID": short(trace_id), "spanID": span_id}


def rendered_span(span, process):
    own = span.span
    references = [reference("CHILD_OF", own["traceId"], own["parentSpanId"])] if own.get("parentSpanId") else []
    references += [reference("FOLLOWS_FROM", link["traceId"], link["spanId"]) for link in own.get("links", [])]
    rendered = {
        "traceID": short(own["traceId"]),
        "spanID": own["spanId"],
        "operationName": span.name,
        "references": references,
        "startTime": span.start // 1000,
        "duration": span.duration // 1000,
        "tags": tags_of(span),
        "logs": [log_of(event) for event in own.get("events", [])],
        "processID": process,
        "warnings": [NEGATIVE] if span.end < span.start else None,
    }
    if own.get("flags", 0) & 0xFF:
        rendered["flags"] = own["flags"] & 0xFF
    return rendered


def trace(spans, is_raw=False):
    """One trace as it is answered, of its spans in order of arrival."""
    if not is_raw:
        spans = sorted(spans, key=lambda span: (span.start or 2**64, span.arrival))
    numbers, processes, rendered = {}, {}, []
    for span in spans:
        tags = [tag_of(attribute) for attribute in span.resource if attribute["key"] != "service.name"]
        key = json.dumps([span.service, [[one["key"], one["type"], shown(one)] for one in tags]])
        number = numbers.setdefault(key, f"p{len(numbers) + 1}")
        processes.setdefault(number, {"serviceName": span.service, "tags": tags})
        rendered.append(rendered_span(span, number))
    return {"traceID": short(spans[0].trace_id), "spans": rendered, "processes": processes, "warnings": None}


def envelope(data, total=0, errors=None):
    return {"data": data, "total": total, "limit": 0, "offset": 0, "errors": errors}


def by_trace(spans):
    traces = {}
    for span in spans:
        traces.setdefault(span.trace_id, []).append(span)
    return traces


# Searching


@dataclasses.dataclass
class Search:
    """What a search asks for; times and durations in nanoseconds."""

    service: str = None
    operation: str = None
    start: int = 0
    end: int = 2**63 - 1
    shortest: int = 0
    longest: int = 2**64
    tags: dict = dataclasses.field(default_factory=dict)
    limit: int = 100


def searchable(span):
    """All (key, text) by which a span is found."""
    found = {(one["key"], shown(one)) for one in tags_of(span)}
    found |= {(attribute["key"], shown(tag_of(attribute))) for attribute in span.resource}
    for event in span.span.get("events", []):
        if event.get("name"):
            found.add(("event", event["name"]))
        found |= {(attribute["key"], shown(tag_of(attribute))) for attribute in event.get("attributes", [])}
    return found


def meets(span, search):
    return (
        search.service in (None, span.service)
        and search.operation in (None, span.name)
        and search.start <= span.start <= search.end
        and search.shortest <= span.duration <= search.longest
        and set(search.tags.items()) <= searchable(span)
    )


def found(spans, search):
    """The ids of the traces that a search finds, those first whose matching spans came last."""
    last = {}
    for span in sorted(spans, key=lambda span: span.arrival):
        if meets(span, search):
            last[span.trace_id] = span.arrival
    return sorted(last, key=last.get, reverse=True)[: search.limit]


# Comparing


def assert_same(actual, expected, path="$"):
    """Equal in value and in type, member by member; says where it is not."""
    if isinstance(expected, JSONText):
        assert isinstance(actual, str), path
        return assert_same(json.loads(actual), expected.value, path + "(text)")
    assert type(actual) is type(expected), f"{path}: {actual!r} is no {type(expected).__name__} like {expected!r}"
    if isinstance(expected, dict):
        assert set(actual) == set(expected), f"{path}: {sorted(actual)} and not {sorted(expected)}"
        for key, value in expected.items():
            assert_same(actual[key], value, f"{path}.{key}")
    elif isinstance(expected, list):
        assert len(actual) == len(expected), f"{path}: {len(actual)} and not {len(expected)}"
        for index, value in enumerate(expected):
            assert_same(actual[index], value, f"{path}[{index}]")
    else:
        assert actual == expected, f"{path}: {actual!r} and not {expected!r}"
    return None
