"""docs/wire.md, "OTLP/JSON": odd documents, each with what is stored of it."""

import json

import pytest
from harness import otlp, rows

JSON = "application/json"


def post(server, document):
    body = document if isinstance(document, bytes) else document.encode()
    return server.post(body, headers={"Content-Type": JSON})


# The documents are text, because most of them are none that a JSON library would write.


def identified(trace_id, span_id, fields=""):
    """A span with these ids; `fields` begin with a comma."""
    return '{"traceId":"' + trace_id + '","spanId":"' + span_id + '"' + fields + "}"


def span(name, fields=""):
    """A good span in the row's trace."""
    return identified(rows.trace_of(name).hex(), rows.SPAN_ID.hex(), fields)


def spans(*texts):
    """A request with these spans."""
    return '{"resourceSpans":[' + resource_spans(*texts) + "]}"


def resource_spans(*texts):
    return '{"scopeSpans":[{"spans":[' + ",".join(texts) + "]}]}"


def with_fields(name, fields):
    """A request with one good span that has further fields."""
    return spans(span(name, "," + fields))


def with_value(name, value):
    """A request whose span has one attribute, `k`, with the given AnyValue text."""
    return with_fields(name, '"attributes":[{"key":"k","value":' + value + "}]")


def int_value(text):
    return '{"intValue":' + text + "}"


def only_span(server, name):
    [entry] = rows.stored(server, name)
    return entry["span"]


def assert_refused(server, name, document):
    response = post(server, document)
    assert (response.status, response.content_type) == (400, JSON), response
    assert otlp.status_of(response)[0] == 3
    assert rows.stored(server, name) == []


# Fields of a span. name: (the fields, what is stored beyond the ids)

ACCEPTED_FIELDS = {
    "kind by name": ('"kind":"SPAN_KIND_CLIENT"', {"kind": 3}),
    "status by name": ('"status":{"code":"STATUS_CODE_ERROR"}', {"status": {"code": 2}}),
    "kind outside the enum": ('"kind":99', {"kind": 99}),
    "status outside the enum": ('"status":{"code":7}', {"status": {"code": 7}}),
    "parent null": ('"parentSpanId":null', {}),
    "parent empty": ('"parentSpanId":""', {}),
    "parent all zero": ('"parentSpanId":"0000000000000000"', {}),
    "parent upper case": ('"parentSpanId":"00F067AA0BA902B7"', {"parentSpanId": "00f067aa0ba902b7"}),
    "self parent": (f'"parentSpanId":"{rows.SPAN_ID.hex()}"', {"parentSpanId": rows.SPAN_ID.hex()}),
    "name null": ('"name":null', {}),
    "attributes null": ('"attributes":null', {}),
    "events null": ('"events":null', {}),
    "status null": ('"status":null', {}),
    "start as a string": ('"startTimeUnixNano":"18446744073709551615"', {"startTimeUnixNano": "18446744073709551615"}),
    "start as a number": ('"startTimeUnixNano":1760000000000000001', {"startTimeUnixNano": "1760000000000000001"}),
    "start zero": ('"startTimeUnixNano":"0"', {}),
    "end before start": (
        '"startTimeUnixNano":"20","endTimeUnixNano":"10"',
        {"startTimeUnixNano": "20", "endTimeUnixNano": "10"},
    ),
    "flags as a number": ('"flags":4294967295', {"flags": 4294967295}),
    "a dropped count as a string": ('"droppedEventsCount":"3"', {"droppedEventsCount": 3}),
    "an unknown field": ('"unknown":{"a":[1,{"b":null}]},"name":"n"', {"name": "n"}),
    "an unknown field with an empty name": ('"":1,"name":"n"', {"name": "n"}),
    "an empty name inside an unknown field": ('"unknown":{"":{"":[]}},"name":"n"', {"name": "n"}),
    "the same key twice": ('"name":"first","name":"last"', {"name": "last"}),
    "a lone surrogate": ('"name":"x\\ud800y"', {"name": "x\ufffdy"}),
    "a surrogate pair": ('"name":"\\ud83d\\ude00"', {"name": "\U0001f600"}),
    "every escape": ('"name":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000"', {"name": '"\\/\b\f\n\r\t\0'}),
}


@pytest.mark.parametrize("name", ACCEPTED_FIELDS)
def test_accepts(hostile, name):
    fields, expected = ACCEPTED_FIELDS[name]
    otlp.assert_success(post(hostile, with_fields(name, fields)), JSON)
    span = only_span(hostile, name)
    assert span == {"traceId": rows.trace_of(name).hex(), "spanId": rows.SPAN_ID.hex(), **expected}


# Attribute values. name: (the AnyValue's text, what is stored)

ACCEPTED_VALUES = {
    "an int as a string": ('{"intValue":"-9223372036854775808"}', {"intValue": "-9223372036854775808"}),
    "an int as a number": ('{"intValue":9223372036854775807}', {"intValue": "9223372036854775807"}),
    "an int beyond 2^53": ('{"intValue":9007199254740993}', {"intValue": "9007199254740993"}),
    "an int zero": ('{"intValue":0}', {"intValue": "0"}),
    "a double": ('{"doubleValue":1.5}', {"doubleValue": 1.5}),
    "a double without a fraction": ('{"doubleValue":1}', {"doubleValue": 1.0}),
    "a negative zero": ('{"doubleValue":-0.0}', {"doubleValue": -0.0}),
    "the smallest double": ('{"doubleValue":5e-324}', {"doubleValue": 5e-324}),
    "a double as a string": ('{"doubleValue":"1.5"}', {"doubleValue": 1.5}),
    "NaN": ('{"doubleValue":"NaN"}', {"doubleValue": "NaN"}),
    "Infinity": ('{"doubleValue":"Infinity"}', {"doubleValue": "Infinity"}),
    "-Infinity": ('{"doubleValue":"-Infinity"}', {"doubleValue": "-Infinity"}),
    "a double null": ('{"doubleValue":null}', {}),
    "a value null": ("null", {}),
    "a value empty": ("{}", {}),
    "false": ('{"boolValue":false}', {"boolValue": False}),
    "an empty string": ('{"stringValue":""}', {"stringValue": ""}),
    "an empty array": ('{"arrayValue":{}}', {"arrayValue": {}}),
    "a null list": ('{"arrayValue":{"values":null}}', {"arrayValue": {}}),
    "bytes": ('{"bytesValue":"+/8="}', {"bytesValue": "+/8="}),
    "bytes url-safe": ('{"bytesValue":"-_8="}', {"bytesValue": "+/8="}),
    "bytes unpadded": ('{"bytesValue":"+/8"}', {"bytesValue": "+/8="}),
    "bytes empty": ('{"bytesValue":""}', {"bytesValue": ""}),
    "two members": ('{"intValue":"1","stringValue":"last"}', {"stringValue": "last"}),
}


@pytest.mark.parametrize("name", ACCEPTED_VALUES)
def test_accepts_as_an_attribute_value(hostile, name):
    text, expected = ACCEPTED_VALUES[name]
    otlp.assert_success(post(hostile, with_value(name, text)), JSON)
    [attribute] = only_span(hostile, name)["attributes"]
    expected_attribute = otlp.flatten(
        {"resourceSpans": [{"resource": {"v": expected}, "scopeSpans": [{"spans": [{}]}]}]}
    )
    assert attribute == {"key": "k", "value": expected_attribute[0]["resource"]["v"]} or (
        # A null message field is an absent one.
        name == "a value null" and attribute == {"key": "k"}
    )


@pytest.mark.parametrize(
    ("exponent", "value"), [("1e3", "1000"), ("25E1", "250"), ("1.5e1", "15"), ("-2.50e2", "-250")]
)
def test_an_integral_exponent_is_taken_exactly(hostile, exponent, value):
    otlp.assert_success(post(hostile, with_value(exponent, int_value(exponent))), JSON)
    [attribute] = only_span(hostile, exponent)["attributes"]
    assert attribute["value"] == {"intValue": value}


# Refused as a whole. name: the document

REFUSED = {
    "int 1.5": with_value("int 1.5", '{"intValue":1.5}'),
    "int text": with_value("int text", '{"intValue":"abc"}'),
    "int empty": with_value("int empty", '{"intValue":""}'),
    "int with a space": with_value("int with a space", '{"intValue":" 1"}'),
    "int bool": with_value("int bool", '{"intValue":true}'),
    "int 2^63": with_value("int 2^63", '{"intValue":9223372036854775808}'),
    "int 2^63 as text": with_value("int 2^63 as text", '{"intValue":"9223372036854775808"}'),
    "int as node rounds it": with_value("int as node rounds it", '{"intValue":1e+21}'),
    "time 2^64": with_fields("time 2^64", '"startTimeUnixNano":"18446744073709551616"'),
    "time negative": with_fields("time negative", '"startTimeUnixNano":-1'),
    "flags 2^32": with_fields("flags 2^32", '"flags":4294967296'),
    "double text": with_value("double text", '{"doubleValue":"one"}'),
    "bool text": with_value("bool text", '{"boolValue":"true"}'),
    "string number": with_value("string number", '{"stringValue":1}'),
    "bytes not base64": with_value("bytes not base64", '{"bytesValue":"***"}'),
    "kind by an unknown name": with_fields("kind by an unknown name", '"kind":"SPAN_KIND_OTHER"'),
    "name as a number": with_fields("name as a number", '"name":1'),
    "attributes as an object": with_fields("attributes as an object", '"attributes":{"k":"v"}'),
    "status as a number": with_fields("status as a number", '"status":2'),
    "id as a number": spans('{"traceId":123,"spanId":"0102030405060708"}'),
    "parent as a number": with_fields("parent as a number", '"parentSpanId":1'),
    "spans as an object": '{"resourceSpans":[{"scopeSpans":[{"spans":{}}]}]}',
    "NaN literal": with_value("NaN literal", '{"doubleValue":NaN}'),
    "Infinity literal": with_value("Infinity literal", '{"doubleValue":Infinity}'),
    "a comment": "/* text */" + with_fields("a comment", '"name":"n"'),
    "a trailing comma": with_fields("a trailing comma", '"name":"n",'),
    "a trailing comma in a list": with_fields("a trailing comma in a list", '"attributes":[{"key":"k"},]'),
    "a missing comma": with_fields("a missing comma", '"name":"n" "kind":1'),
    "a control character": with_fields("a control character", '"name":"a\nb"'),
    "a NUL": with_fields("a NUL", '"name":"a\0b"'),
    "an unknown escape": with_fields("an unknown escape", '"name":"\\x41"'),
    "a short escape": with_fields("a short escape", '"name":"\\u12"'),
    "single quotes": "{'resourceSpans':[]}",
    "a leading zero": with_fields("a leading zero", '"kind":01'),
    "a plus sign": with_fields("a plus sign", '"kind":+1'),
    "a bare point": with_value("a bare point", '{"doubleValue":1.}'),
    "cut in the middle": with_fields("cut in the middle", '"name":"n"')[:-10],
    "text after the document": with_fields("text after the document", '"name":"n"') + "x",
    "two documents": with_fields("two documents", '"name":"n"') * 2,
    "a byte order mark": "\ufeff" + with_fields("a byte order mark", '"name":"n"'),
    "top-level null": "null",
    "top-level list": "[]",
    "top-level text": '"text"',
    "top-level number": "1",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses(hostile, name):
    assert_refused(hostile, name, REFUSED[name])


# Spans that cost nobody but themselves


TRACE, SPAN = "ab" * 16, "0102030405060708"

BAD_SPANS = {
    "null": "null",
    "empty": "{}",
    "null ids": '{"traceId":null,"spanId":null}',
    "empty ids": identified("", ""),
    "a short trace id": identified("ab" * 15, SPAN),
    "a long trace id": identified("ab" * 17, SPAN),
    "an odd number of digits": identified("a" * 31, SPAN),
    "other letters": identified("xy" * 16, SPAN),
    "base64": identified("q83vAAAAAAAAAAAAAAAAAA==", SPAN),
    "a zero trace id": identified("00" * 16, SPAN),
    "a short span id": identified(TRACE, "01"),
    "a zero span id": identified(TRACE, "00" * 8),
    "a short parent id": identified(TRACE, SPAN, ',"parentSpanId":"01"'),
}


@pytest.mark.parametrize("name", BAD_SPANS)
def test_a_bad_span_is_rejected_and_its_neighbours_stored(hostile, name):
    row = "beside " + name
    response = post(hostile, spans(span(row), BAD_SPANS[name]))
    assert response.status == 200
    assert otlp.rejected_spans(response) == 1
    only_span(hostile, row)


@pytest.mark.parametrize("name", BAD_SPANS)
def test_a_request_with_bad_spans_only_is_400(hostile, name):
    response = post(hostile, spans(BAD_SPANS[name]))
    assert response.status == 400
    assert otlp.status_of(response)[0] == 3


# Structure


def test_snake_case_names_are_unknown_fields(hostile):
    """A span whose ids are spelled the proto way has none, so it is rejected and not misread."""
    text = span("snake").replace("traceId", "trace_id").replace("spanId", "span_id")
    assert post(hostile, spans(text)).status == 400
    assert rows.stored(hostile, "snake") == []


def test_upper_case_ids_are_the_same_ids(hostile):
    name = "upper case"
    otlp.assert_success(post(hostile, spans(span(name))), JSON)
    trace_id, span_id = rows.trace_of(name).hex(), rows.SPAN_ID.hex()
    upper = spans(span(name)).replace(trace_id, trace_id.upper()).replace(span_id, span_id.upper())
    otlp.assert_success(post(hostile, upper), JSON)
    only_span(hostile, name)


def test_a_list_that_comes_twice_is_joined(hostile):
    lists = ["[" + resource_spans(span(name)) + "]" for name in ("first list", "second list")]
    document = '{"resourceSpans":' + lists[0] + ',"resourceSpans":' + lists[1] + "}"
    otlp.assert_success(post(hostile, document), JSON)
    only_span(hostile, "first list")
    only_span(hostile, "second list")


def test_invalid_utf8_becomes_the_replacement_character(hostile):
    name = "utf-8"
    document = spans(span(name), span(name + " bad", ',"name":"a\u0001b"'))
    otlp.assert_success(post(hostile, document.encode().replace(b"\x01", b"\xff")), JSON)
    assert only_span(hostile, name + " bad")["name"] == "a\ufffdb"
    only_span(hostile, name)


def test_an_attribute_value_may_be_100_levels_deep_and_no_deeper(hostile):
    def nested(depth):
        return '{"arrayValue":{"values":[' * (depth - 1) + "{}" + "]}}" * (depth - 1)

    otlp.assert_success(post(hostile, with_value("depth 100", nested(100))), JSON)
    [attribute] = only_span(hostile, "depth 100")["attributes"]
    assert json.dumps(attribute).count("arrayValue") == 99
    assert_refused(hostile, "depth 101", with_value("depth 101", nested(101)))


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_depth_in_unknown_fields_is_bounded(hostile, opening):
    assert_refused(hostile, "deep", '{"unknown":' + opening * 200_000)


def test_a_document_may_be_512_levels_deep_and_no_deeper(hostile):
    """The document itself is the first level."""
    otlp.assert_success(post(hostile, '{"unknown":' + "[" * 511 + "]" * 511 + "}"), JSON)
    assert_refused(hostile, "deep", '{"unknown":' + "[" * 512 + "]" * 512 + "}")


def test_every_cut_of_a_good_document_is_refused(hostile):
    name = "cuts"
    document = with_value(name, '{"arrayValue":{"values":[{"intValue":"1"},{"doubleValue":1.5}]}}')
    for end in range(len(document)):
        assert post(hostile, document[:end]).status == 400, document[:end]
    assert rows.stored(hostile, name) == []
