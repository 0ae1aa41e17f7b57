"""Every recorded exchange of Agent Lightning's own store gives the recorded answer again, or a listed better one.

The same replay runs against AGL's own server, where nothing may differ: that proves the replay.
"""

import collections
import copy
import dataclasses
import time
from collections.abc import Callable

import pytest
from harness import agl_results, agl_schema, agl_server, exchanges, http1, otlp, server
from harness.exchanges import Mismatch

SETTINGS = {"default": [], "cors": ["--set", "agl.cors_origins=http://dash.local"], "runner": [], "llmproxy": []}
CORS = {"cors": ["http://dash.local"]}

# Parts of AGL's server that have no counterpart, and whose state before the recording is not recorded either.
NOT_OFFERED = {
    "prom": "Prometheus metrics are at /metrics and are our own",
    "evict": "spans are on disk, so nothing has to be evicted to save memory",
}

# AGL's own answers depend on the versions of its libraries here. With those of the recording (fastapi 0.124.4,
# starlette 0.50.0, pydantic 2.12.5) and protobuf 7.36 even these give the recorded answer.
NEWER_LIBRARIES = {
    "otlp.garbage": "the text of protobuf's error",
    "odd.post_without_content_type": "FastAPI no longer takes a body without a content type for JSON",
    "odd.post_vendor_json": "a consequence: one sequence number fewer was issued",
    "odd.json_body_null_spans_next": "FastAPI tells null from an absent body",
    "odd.nan_in_span_json": "FastAPI writes NaN as null where it failed before",
}


# Better answers


@dataclasses.dataclass
class Better:
    """Where AGL's answer is a fault, or a limit that we do not have: why, and what is asked for instead."""

    reason: str
    check: Callable


def expect(condition, answer):
    if not condition:
        raise Mismatch(f"{answer.status} {answer.headers.get('content-type')}: {answer.body[:500]!r}")


def refused(*statuses):
    """An error with a detail for people, which the client raises at once and does not retry."""

    def check(_replay, _exchange, answer):
        expect(answer.status in statuses and answer.content_type == "application/json", answer)
        expect(isinstance(answer.json().get("detail"), str), answer)

    return check


def null(_replay, _exchange, answer):
    expect(answer.status == 200 and answer.content_type == "application/json" and answer.body == b"null", answer)


def null_with_cors(replay, exchange, answer):
    null(replay, exchange, answer)
    expect(answer.headers.get("access-control-allow-origin") == "http://dash.local", answer)


def status(*statuses):
    def check(_replay, _exchange, answer):
        expect(answer.status in statuses, answer)

    return check


def otlp_success(rejected=0):
    """A success in OTLP's sense, with a partial success for spans that can not be kept."""

    def check(_replay, _exchange, answer):
        expect(answer.status == 200, answer)
        response = http1.Response(answer.status, list(answer.headers.items()), answer.body, "HTTP/1.1")
        expect(otlp.rejected_spans(response) == rejected, answer)

    return check


def otlp_error(code):
    def check(_replay, _exchange, answer):
        expect(answer.status == code and answer.content_type == "application/x-protobuf", answer)
        response = http1.Response(answer.status, list(answer.headers.items()), answer.body, "HTTP/1.1")
        expect(otlp.status_of(response)[1], answer)

    return check


def adjusted(change):
    """The recorded answer after `change(recorded)`, which edits a copy of it or returns another."""

    def check(replay, exchange, answer):
        expected = copy.deepcopy(exchange.json_answer)
        expected = change(expected) or expected
        replay.compare(dataclasses.replace(exchange, response={**exchange.response, "body": expected}), answer)

    return check


def recorded_answer(name):
    return next(exchange.json_answer for exchange in exchanges.load() if exchange.name == name)


def unfiltered(_recorded):
    return recorded_answer("query_spans.all_attempts")


def only_mode_train(_replay, exchange, answer):
    expect(answer.status == 200, answer)
    page = answer.json()
    expect(all(rollout["mode"] == "train" for rollout in page["items"]), answer)
    expect(len(page["items"]) == 1 and 1 <= page["total"] <= exchange.json_answer["total"], answer)


def nan_span(replay, exchange, answer):
    """NaN is no JSON: refused as such, or taken and answered as a string."""
    if answer.status in (400, 422):
        replay.refused_nan = True
        return
    stored = exchange.request["body"] | {"attributes": {"x": "NaN"}}
    replay.comparison.compare(stored, answer.json())
    expect(answer.status == 201, answer)


def query_of_nan_span(replay, exchange, answer):
    if getattr(replay, "refused_nan", False):
        expect(answer.json() == {"items": [], "limit": -1, "offset": 0, "total": 0}, answer)
        return
    adjusted(numbers_as_strings("NaN"))(replay, exchange, answer)


def numbers_as_strings(*names):
    def change(page):
        attributes = page["items"][0]["attributes"]
        attributes.update(zip(attributes, names, strict=True))

    return change


def without_first_link(replay, exchange, answer):
    page = copy.deepcopy(exchange.json_answer)
    del page["items"][0]["links"][0]
    replay.comparison.compare(page, answer.json())
    expect(answer.json()["items"][0]["dropped_links_count"] == 1, answer)


# What the exports of the recording say about the sequence numbers of this rollout: these are given, the others issued.
GIVEN_NUMBERS = {"override": 42, "seq50-a": 50, "seq50-b": 50, "seq51": 51}


def all_otlp_spans(replay, exchange, answer):
    """The spans of all exports: those that AGL refused are there too, and those that can not be kept are not.

    Issued numbers shift with every span that is kept in addition, so only their order is compared.
    """
    expect(answer.status == 200, answer)
    page = answer.json()
    expected = {item["name"]: item for item in copy.deepcopy(exchange.json_answer["items"])}
    # An identifier of a wrong length, and a body that is not in the encoding that its header says.
    for lost in ("zero", "deflate"):
        del expected[lost]
    # A link to no span.
    del expected["root"]["links"][0]
    # AGL takes small nanoseconds for seconds.
    expected["small-times"].update(start_time=999e-9, end_time=1000.0)
    found = collections.defaultdict(list)
    for item in page["items"]:
        found[item["name"]].append(item)
    # Another span under the ids of one that is there is kept too, over OTLP.
    added = {"kvlist", "nullattr", "mixedarr", "noid", "x", "ctalias", "dup"}
    if missing := (set(expected) | {"kvlist", "nullattr", "mixedarr"}) - set(found):
        raise Mismatch(f"not stored: {sorted(missing)}")
    if unexpected := set(found) - set(expected) - added:
        raise Mismatch(f"stored as well: {sorted(unexpected)}")
    for name, item in expected.items():
        live = found[name][0]
        if name in GIVEN_NUMBERS and live["sequence_id"] != GIVEN_NUMBERS[name]:
            raise Mismatch(f"{name} has number {live['sequence_id']}")
        replay.comparison.compare({**item, "sequence_id": 0}, {**live, "sequence_id": 0}, name)
    order = [item["name"] for item in page["items"] if item["name"] in expected]
    if order != list(expected):
        raise Mismatch(f"order {order}, not {list(expected)}")
    numbers = [item["sequence_id"] for item in page["items"]]
    expect(numbers == sorted(numbers) and page["total"] == len(numbers), answer)


NOT_RETRIED = "the client retries a 500 for 8 s and raises a 404 at once"
NOT_SORTABLE = "a field that has no order can not be sorted by; a 500 would be retried"
STORED = "the span is kept: an exporter repeats a 500 and loses the whole request"
SIGNAL = "other signals are accepted and counted, so that their exporters do not repeat them"
OWN = "our own answer; AGL's pages are not offered"

BETTER = {
    # Unknown ids
    "get_rollout_by_id.unknown": Better("the client understands null and does not retry it", null),
    "http.get_search_is_rollout_id": Better("the client understands null and does not retry it", null),
    "start_attempt.unknown_rollout": Better(NOT_RETRIED, refused(404)),
    "update_rollout.unknown": Better(NOT_RETRIED, refused(404)),
    "update_attempt.unknown_attempt": Better(NOT_RETRIED, refused(404)),
    "update_attempt.unknown_rollout": Better(NOT_RETRIED, refused(404)),
    "add_span.unknown_rollout": Better(NOT_RETRIED, refused(404)),
    "add_span.unknown_attempt": Better(NOT_RETRIED, refused(404)),
    "sm.update_attempt_no_attempts": Better(NOT_RETRIED, refused(404)),
    "sm.add_span_no_attempt": Better(NOT_RETRIED, refused(404)),
    "cors.error_response": Better("null, and CORS headers on every answer", null_with_cors),
    # Queries
    "query_rollouts.unsortable_field_config": Better(NOT_SORTABLE, refused(400)),
    "query_spans.sort_by_status_unsortable": Better(NOT_SORTABLE, refused(400)),
    "query_spans.or_no_filter_returns_empty": Better(
        "no condition is no filter, as for rollouts", adjusted(unfiltered)
    ),
    "odd.get_mode_in_ignored": Better("the dashboard sends mode_in and means it", only_mode_train),
    # Not-a-number
    "odd.nan_in_span_json": Better("a number that AGL's models can not parse is a string", nan_span),
    "odd.query_after_nan": Better("the client's model refuses null in attributes", query_of_nan_span),
    "otlp.query_after_nan": Better(
        "the client's model refuses null in attributes", adjusted(numbers_as_strings("NaN", "Infinity"))
    ),
    # OTLP
    "otlp.unknown_rollout_error": Better(STORED, otlp_success()),
    "otlp.unknown_attempt_error": Better(STORED, otlp_success()),
    "otlp.empty_string_ids_error": Better(STORED, otlp_success()),
    "otlp.nested_kvlist_attr": Better(STORED, otlp_success()),
    "otlp.null_attr": Better(STORED, otlp_success()),
    "otlp.partial_failure_two_rollouts": Better(STORED, otlp_success()),
    "otlp.mixed_array_attr": Better(STORED, otlp_success()),
    "otlp.numeric_rollout_id": Better(STORED, otlp_success()),
    "otlp.query_after_full": Better("a link to no span is dropped, and counted", without_first_link),
    # The only span of the request is refused, so that there is nothing to be partial about.
    "otlp.zero_times_empty_ids": Better("an identifier that is empty identifies nothing", otlp_error(400)),
    "otlp.short_ids": Better("an identifier of a wrong length is invalid", otlp_error(400)),
    "otlp.garbage": Better("the text is our own", otlp_error(400)),
    "otlp.json_content_type": Better("OTLP/JSON is accepted", otlp_success()),
    "otlp.content_type_protobuf_alias": Better("the media type is not OTLP's", status(415)),
    "otlp.deflate_encoding_unsupported": Better("deflate is supported, and this body is not deflated", status(400)),
    "otlp.bad_gzip": Better("it can not succeed when it is repeated", status(400)),
    "otlp.get_traces": Better("the path exists, for POST", status(405)),
    "otlp.metrics": Better(SIGNAL, status(200)),
    "otlp.logs": Better(SIGNAL, status(200)),
    "otlp.profiles": Better(SIGNAL, status(200)),
    "otlp.query_all": Better("it has the spans that AGL refused or misread", all_otlp_spans),
    # Pages
    "odd.openapi": Better("describes our API", status(200)),
    "odd.docs": Better(OWN, status(404)),
    "odd.root_dashboard": Better(OWN, status(404)),
    "odd.spa_fallback": Better(OWN, status(404)),
}


# Running


def wait_for_watchdog(exchange):
    """The contract of these exchanges is about time."""
    time.sleep(exchanges.WAITS.get(exchange.name, 0))


def replay_group(replay, group, check):
    """Replays one server's exchanges, all of them whatever fails; returns the failures by index."""
    failures = {}
    bodies = exchanges.omitted_bodies(group)
    for exchange in group:
        wait_for_watchdog(exchange)
        try:
            answer = replay.send(exchange, bodies.get(exchange.index))
            check(replay, exchange, answer)
        except (Mismatch, OSError, ValueError, http1.ProtocolError) as failure:
            failures[exchange.index] = failure
    return failures, replay.relations.times_out_of_order()


def check_against_recording(replay, exchange, answer):
    if exchange.name not in NEWER_LIBRARIES:
        replay.compare(exchange, answer)
    if exchange.name not in BETTER:
        validate(exchange, answer)


def check_fulgurite(replay, exchange, answer):
    better = BETTER.get(exchange.name)
    if better:
        better.check(replay, exchange, answer)
    elif exchange.status == 422:
        check_validation_error(exchange, answer)
    else:
        replay.compare(exchange, answer)
    if exchange.name not in MAY_BE_NULL:
        validate(exchange, answer)


def check_validation_error(exchange, answer):
    """Where it is wrong must be said in FastAPI's form; the texts are pydantic's and nobody parses them."""
    expect(answer.status == 422 and answer.content_type == "application/json", answer)
    details = answer.json()["detail"]
    expect(isinstance(details, list) and details, answer)
    for detail in details:
        expect({"type", "loc", "msg"} <= set(detail) and isinstance(detail["loc"], list), answer)
    recorded = exchange.json_answer["detail"]
    # Below the field AGL names the alternatives of its union types, and for bad JSON the position.
    if recorded[0]["type"] == "json_invalid":
        expect(details[0]["loc"][0] == "body", answer)
    else:
        expect(details[0]["loc"][:2] == recorded[0]["loc"][:2], answer)


def validate(exchange, answer):
    if 200 <= answer.status < 300 and answer.content_type == "application/json" and answer.body:
        try:
            agl_schema.validate(exchange.request["method"], exchange.request["path"], answer.status, answer.json())
        except agl_schema.ValidationError as error:
            raise Mismatch(f"not as AGL's OpenAPI document says: {error.message[:300]}") from error


# The one answer that the client understands and AGL's document does not have: null for an unknown rollout.
MAY_BE_NULL = {"get_rollout_by_id.unknown", "cors.error_response", "http.get_search_is_rollout_id"}


@pytest.fixture(scope="module")
def replays_of_agl(tmp_path_factory):
    """Replays groups against AGL's own server, each once."""
    results = {}

    def replay(name):
        if name not in results:
            log = tmp_path_factory.mktemp("agl") / f"{name}.log"
            with agl_server.AgentLightning(log, **(CORS if name == "cors" else {})) as running:
                group = exchanges.of_server(name)
                results[name] = replay_group(exchanges.Replay(running.api), group, check_against_recording)
        return results[name]

    return replay


@pytest.fixture(scope="module")
def replays_of_fulgurite(tmp_path_factory):
    """Replays groups against Fulgurite, each once."""
    results = {}

    def replay(name):
        if name not in results:
            data = tmp_path_factory.mktemp("fulgurite") / "data"
            settings = ["--set", "agl.watchdog_debounce=0", *SETTINGS[name]]
            with server.Fulgurite(data, *settings) as running:
                comparison = exchanges.Comparison(
                    exchanges.Relations(), agl_results.ADDED_SPAN_KEYS, statistics_keys=False
                )
                group = exchanges.of_server(name)
                replay = exchanges.Replay(running.api, comparison, is_exact=False)
                results[name] = replay_group(replay, group, check_fulgurite)
        return results[name]

    return replay


REPLAYED = [exchange for exchange in exchanges.load() if exchange.server in SETTINGS]


@pytest.mark.parametrize("exchange", REPLAYED, ids=lambda exchange: exchange.label)
def test_the_replay_is_right_about_agls_own_server(replays_of_agl, exchange):
    failures, _ = replays_of_agl(exchange.server)
    if exchange.index in failures:
        raise failures[exchange.index]


@pytest.mark.parametrize("exchange", REPLAYED, ids=lambda exchange: exchange.label)
def test_the_answer_is_the_recorded_or_a_better_one(replays_of_fulgurite, exchange):
    failures, _ = replays_of_fulgurite(exchange.server)
    if exchange.index in failures:
        raise failures[exchange.index]


@pytest.mark.parametrize("name", SETTINGS)
def test_agls_times_keep_the_order_of_the_recording(replays_of_agl, name):
    assert replays_of_agl(name)[1] == []


@pytest.mark.parametrize("name", SETTINGS)
def test_times_keep_the_order_of_the_recording(replays_of_fulgurite, name):
    assert replays_of_fulgurite(name)[1] == []


def test_every_exchange_is_replayed_or_listed_as_not_offered():
    assert {exchange.server for exchange in exchanges.load()} == set(SETTINGS) | set(NOT_OFFERED)
    names = {exchange.name for exchange in REPLAYED}
    assert set(BETTER) <= names


def test_recorded_answers_are_as_agls_own_document_says():
    """Shows that the document is a usable oracle: nearly every 2xx answer is described by it."""
    described = 0
    for exchange in exchanges.load():
        if 200 <= exchange.status < 300 and exchange.has_json_answer and exchange.name not in BETTER:
            path = exchange.request["path"]
            described += agl_schema.validate(exchange.request["method"], path, exchange.status, exchange.json_answer)
    assert described > 200
