"""docs/wire.md, "Protobuf": odd wire bytes, each with what is stored of them."""

import random

import pytest
from harness import otlp, rows, wire


def only_span(server, name):
    [entry] = rows.stored(server, name)
    return entry["span"]


def plain(name):
    """What is stored of `rows.body_of(name)` when the extra fields meant nothing."""
    return {
        "traceId": rows.trace_of(name).hex(),
        "spanId": rows.SPAN_ID.hex(),
        "name": "span",
        "startTimeUnixNano": "1760000000000000000",
        "endTimeUnixNano": "1760000000000000100",
    }


# Accepted. name: (fields appended to a good span, what they change)

GROUP = wire.tag(99, wire.START_GROUP) + wire.integer(1, 1) + wire.tag(99, wire.END_GROUP)
NESTED_GROUP = wire.tag(98, wire.START_GROUP) + GROUP + wire.tag(98, wire.END_GROUP)
GOOD_LINK = wire.blob(1, b"\x11" * 16) + wire.blob(2, b"\x22" * 8)

ACCEPTED = {
    "an unknown varint": (wire.integer(99, 2**64 - 1), {}),
    "an unknown fixed64": (wire.fixed64(99, 1), {}),
    "an unknown length-delimited": (wire.blob(99, b"\xff" * 300), {}),
    "an unknown fixed32": (wire.fixed32(99, 1), {}),
    "the largest field number": (wire.integer((1 << 29) - 1, 1), {}),
    "a balanced group": (GROUP, {}),
    "nested groups": (NESTED_GROUP, {}),
    "a scalar twice": (wire.blob(5, "first") + wire.blob(5, "last"), {"name": "last"}),
    "a message twice": (
        wire.blob(15, wire.integer(3, 2)) + wire.blob(15, wire.blob(2, "text")),
        {"status": {"code": 2, "message": "text"}},
    ),
    "an over-long varint": (wire.tag(6, wire.VARINT) + wire.varint(3, 10), {"kind": 3}),
    "an over-long tag": (wire.varint(6 << 3, 5) + wire.varint(3), {"kind": 3}),
    "an over-long length": (wire.tag(5, wire.LENGTH) + wire.varint(1, 5) + b"n", {"name": "n"}),
    "a kind outside the enum": (wire.integer(6, 4711), {"kind": 4711}),
    "a negative kind": (wire.integer(6, -1), {"kind": -1}),
    "a status outside the enum": (wire.blob(15, wire.integer(3, 9)), {"status": {"code": 9}}),
    "a bool of 2": (
        wire.attribute("k", wire.integer(2, 2)),
        {"attributes": [{"key": "k", "value": {"boolValue": True}}]},
    ),
    "an oneof twice": (
        wire.attribute("k", wire.integer(3, 1) + wire.string_value("last")),
        {"attributes": [{"key": "k", "value": {"stringValue": "last"}}]},
    ),
    "an attribute key twice": (
        wire.attribute("k", wire.string_value("a")) + wire.attribute("k", wire.string_value("b")),
        {
            "attributes": [
                {"key": "k", "value": {"stringValue": "a"}},
                {"key": "k", "value": {"stringValue": "b"}},
            ]
        },
    ),
    "a profiles-only value": (
        wire.attribute("k", wire.integer(8, 1)),
        {"attributes": [{"key": "k", "value": {}}]},
    ),
    "a parent all zero": (wire.blob(4, bytes(8)), {}),
    "a parent empty": (wire.blob(4, b""), {}),
    "a self parent": (wire.blob(4, rows.SPAN_ID), {"parentSpanId": rows.SPAN_ID.hex()}),
    "times of 2^64-1": (
        wire.fixed64(7, 2**64 - 1) + wire.fixed64(8, 2**64 - 1),
        {"startTimeUnixNano": str(2**64 - 1), "endTimeUnixNano": str(2**64 - 1)},
    ),
    "invalid UTF-8 in a name": (wire.blob(5, b"a\xffb"), {"name": "a\ufffdb"}),
    "invalid UTF-8 in a value": (
        wire.attribute("k", wire.blob(1, b"\xc3(")),
        {"attributes": [{"key": "k", "value": {"stringValue": "\ufffd("}}]},
    ),
    "invalid UTF-8 in a key": (
        wire.attribute(b"k\xff", wire.string_value("v")),
        {"attributes": [{"key": "k\ufffd", "value": {"stringValue": "v"}}]},
    ),
    "a NUL in a name": (wire.blob(5, "a\0b"), {"name": "a\0b"}),
    "a link with a short id": (wire.blob(13, wire.blob(1, b"short")), {"droppedLinksCount": 1}),
    "a link without ids": (wire.blob(13, b""), {"droppedLinksCount": 1}),
    "a link with zero ids beside a good one": (
        wire.blob(13, wire.blob(1, bytes(16)) + wire.blob(2, bytes(8)))
        + wire.blob(13, GOOD_LINK)
        + wire.integer(14, 2),
        {"links": [{"traceId": "11" * 16, "spanId": "22" * 8}], "droppedLinksCount": 3},
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepts(hostile, name):
    fields, changes = ACCEPTED[name]
    otlp.assert_success(hostile.post(rows.body_of(name, fields)))
    assert only_span(hostile, name) == {**plain(name), **changes}


def test_field_1000_of_the_envelope_is_ignored(hostile):
    name = "field 1000"
    scope_spans = wire.blob(2, wire.blob(2, wire.span(rows.trace_of(name), rows.SPAN_ID)))
    otlp.assert_success(hostile.post(wire.blob(1, scope_spans + wire.blob(1000, scope_spans))))
    only_span(hostile, name)


# Refused as a whole. name: fields appended to a good span

REFUSED = {
    "field number 0": wire.varint(0) + wire.varint(1),
    "wire type 6": wire.tag(99, 6) + b"\0",
    "wire type 7": wire.tag(99, 7) + b"\0",
    "an unbalanced end of a group": wire.tag(99, wire.END_GROUP),
    "an unterminated group": wire.tag(99, wire.START_GROUP) + wire.integer(1, 1),
    "a group that ends as another": wire.tag(99, wire.START_GROUP) + wire.tag(98, wire.END_GROUP),
    "a varint of 11 bytes": wire.tag(99, wire.VARINT) + b"\x80" * 10 + b"\x01",
    "a varint over 64 bits": wire.tag(99, wire.VARINT) + b"\xff" * 9 + b"\x7f",
    "a varint cut": wire.tag(99, wire.VARINT) + b"\x80",
    "a fixed64 cut": wire.tag(99, wire.FIXED64) + b"\0" * 7,
    "a fixed32 cut": wire.tag(99, wire.FIXED32) + b"\0" * 3,
    "a length past the end": wire.tag(99, wire.LENGTH) + wire.varint(100) + b"x",
    "a length of 2^31": wire.tag(99, wire.LENGTH) + wire.varint(2**31),
    "a length of 2^32": wire.tag(99, wire.LENGTH) + wire.varint(2**32),
    "a length of 2^63": wire.tag(99, wire.LENGTH) + wire.varint(2**63),
    "a length of 2^64-1": wire.tag(99, wire.LENGTH) + wire.varint(2**64 - 1),
    "a tag only": wire.tag(99, wire.VARINT),
    "a broken attribute": wire.blob(9, b"\x0a\x05k"),
    "a broken event": wire.blob(11, b"\x08"),
    "a broken status": wire.blob(15, b"\x12\xff\xff\xff\xff\x0f"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses(hostile, name):
    response = hostile.post(rows.body_of(name, REFUSED[name]))
    assert response.status == 400
    assert otlp.status_of(response)[0] == 3
    assert rows.stored(hostile, name) == []


# Fields of the schema with another wire type. name: fields appended to a good span

MISTYPED = {
    "name as a varint": wire.integer(5, 1),
    "kind as bytes": wire.blob(6, b"\x03"),
    "start as a varint": wire.integer(7, 1),
    "trace id as a varint": wire.integer(1, 1),
    "attributes as fixed64": wire.fixed64(9, 1),
    "flags as a varint": wire.integer(16, 1),
    "status as a group": wire.tag(15, wire.START_GROUP) + wire.tag(15, wire.END_GROUP),
    "a value's int as bytes": wire.attribute("k", wire.blob(3, b"1")),
}


@pytest.mark.parametrize("name", MISTYPED)
def test_refuses_a_wrong_wire_type(hostile, name):
    response = hostile.post(rows.body_of(name, MISTYPED[name]))
    assert response.status == 400
    assert otlp.status_of(response)[0] == 3
    assert rows.stored(hostile, name) == []


# Spans that cost nobody but themselves

BAD_SPANS = {
    "no ids": b"",
    "a short trace id": wire.span(b"\1" * 15, rows.SPAN_ID),
    "a long trace id": wire.span(b"\1" * 17, rows.SPAN_ID),
    "an empty trace id": wire.span(b"", rows.SPAN_ID),
    "a zero trace id": wire.span(bytes(16), rows.SPAN_ID),
    "a short span id": wire.span(b"\1" * 16, b"\1" * 7),
    "a long span id": wire.span(b"\1" * 16, b"\1" * 9),
    "an empty span id": wire.span(b"\1" * 16, b""),
    "a zero span id": wire.span(b"\1" * 16, bytes(8)),
    "a short parent id": wire.span(b"\1" * 16, b"\1" * 8, "span", wire.blob(4, b"\1" * 7)),
}


@pytest.mark.parametrize("name", BAD_SPANS)
def test_a_bad_span_is_rejected_and_its_neighbours_stored(hostile, name):
    first = wire.span(rows.trace_of(name), rows.SPAN_ID)
    last = wire.span(rows.trace_of(name), rows.SPAN_ID[::-1])
    response = hostile.post(wire.request(first, BAD_SPANS[name], last))
    assert response.status == 200
    rejected, message = otlp.partial_success(response)
    assert rejected == 1
    assert message
    assert len(rows.stored(hostile, name)) == 2


@pytest.mark.parametrize("name", BAD_SPANS)
def test_a_request_with_bad_spans_only_is_400(hostile, name):
    response = hostile.post(wire.request(BAD_SPANS[name]))
    assert response.status == 400
    assert otlp.status_of(response)[0] == 3


# Structure


def test_the_same_span_twice_in_a_batch_is_one_span(hostile):
    name = "twice in a batch"
    span = wire.span(rows.trace_of(name), rows.SPAN_ID)
    otlp.assert_success(hostile.post(wire.request(span, span)))
    only_span(hostile, name)


def test_a_different_span_under_the_same_ids_is_kept_too(hostile):
    name = "variant"
    spans = [wire.span(rows.trace_of(name), rows.SPAN_ID, text) for text in ("a", "b", "a")]
    otlp.assert_success(hostile.post(wire.request(*spans)))
    assert [entry["span"]["name"] for entry in rows.stored(hostile, name)] == ["a", "b"]


def test_a_cycle_of_parents_is_stored(hostile):
    name = "cycle"
    one, other = rows.SPAN_ID, rows.SPAN_ID[::-1]
    spans = [
        wire.span(rows.trace_of(name), one, "one", wire.blob(4, other)),
        wire.span(rows.trace_of(name), other, "other", wire.blob(4, one)),
    ]
    otlp.assert_success(hostile.post(wire.request(*spans)))
    assert len(rows.stored(hostile, name)) == 2


def test_an_attribute_value_may_be_100_levels_deep_and_no_deeper(hostile):
    otlp.assert_success(hostile.post(rows.body_of("depth 100", wire.attribute("k", wire.nested_array(100)))))
    [attribute] = only_span(hostile, "depth 100")["attributes"]
    assert str(attribute).count("arrayValue") == 99
    response = hostile.post(rows.body_of("depth 101", wire.attribute("k", wire.nested_array(101))))
    assert response.status == 400
    assert rows.stored(hostile, "depth 101") == []


def test_a_depth_that_overflows_other_servers_is_refused(hostile):
    """Built from the inside out with growing length prefixes: 60,000 levels in less than a megabyte."""
    value, levels = [], 60_000
    size = 0
    for _ in range(levels):
        inner = wire.tag(1, wire.LENGTH) + wire.varint(size)
        outer = wire.tag(5, wire.LENGTH) + wire.varint(size + len(inner))
        value.append(outer + inner)
        size += len(outer) + len(inner)
    body = rows.body_of("very deep", wire.attribute("k", b"".join(reversed(value))))
    assert hostile.post(body).status == 400


def test_deep_groups_are_bounded(hostile):
    group = wire.tag(99, wire.START_GROUP) * 400_000 + wire.tag(99, wire.END_GROUP) * 400_000
    assert hostile.post(rows.body_of("deep groups", group[:900_000])).status == 400


def test_every_cut_of_a_good_request_is_answered_and_never_misread(hostile):
    """A cut at a field boundary of the outermost message can still be a request; any other is not."""
    name = "cuts"
    body = rows.body_of(name, wire.attribute("k", wire.array_value(wire.string_value("v"), wire.integer(3, 1))))
    for end in range(1, len(body)):
        assert hostile.post(body[:end]).status == 400
    assert rows.stored(hostile, name) == []


def test_megabytes_of_random_bytes_do_no_harm(hostile):
    generator = random.Random(7)
    for size in [1, 10, 100, 1000, 10_000, 100_000, 1_000_000] * 3:
        assert hostile.post(generator.randbytes(size)).status in (200, 400)


def test_entity_references_are_read_back_as_they_were_sent(hostile):
    trace = rows.trace_of("entities")
    references = [
        wire.blob(1, "https://example.com/schema") + wire.blob(2, "service") + wire.blob(3, "service.name")
        + wire.blob(3, "service.instance.id") + wire.blob(4, "service.version"),
        wire.blob(2, "host") + wire.blob(3, "host.id"),
    ]  # fmt: skip
    resource = b"".join(wire.blob(3, reference) for reference in references)
    otlp.assert_success(hostile.post(wire.request(wire.span(trace, rows.SPAN_ID, "s"), resource=resource)))
    [entry] = otlp.read_trace(hostile, trace.hex())
    first = {
        "schemaUrl": "https://example.com/schema", "type": "service", "idKeys": ["service.name", "service.instance.id"],
        "descriptionKeys": ["service.version"],
    }  # fmt: skip
    assert entry["resource"]["entityRefs"] == [first, {"type": "host", "idKeys": ["host.id"]}]
