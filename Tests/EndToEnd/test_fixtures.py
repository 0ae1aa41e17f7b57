"""Every recorded payload is stored and read back equal to its ground truth, field by field."""

import pytest
from harness import corpus, http1, http2, otlp, sending

PAYLOADS = list(corpus.PAYLOADS.values())
NAME = lambda payload: payload.name  # noqa: E731


def assert_reads_back(server, expected):
    """Each trace of `expected` (flattened spans in order of arrival) is answered with exactly its spans."""
    for trace_id in dict.fromkeys(entry["span"]["traceId"] for entry in expected):
        of_trace = [entry for entry in expected if entry["span"]["traceId"] == trace_id]
        assert otlp.read_trace(server, trace_id) == of_trace


def assert_reads_back_by_rollout(server, expected):
    """Tagged spans are served by rollout, all others as unassigned, both in order of arrival."""
    for rollout in dict.fromkeys(map(otlp.rollout_of, expected)):
        path = "/api/v1/unassigned/spans" if rollout is None else f"/api/v1/rollouts/{rollout}/spans"
        of_rollout = [entry for entry in expected if otlp.rollout_of(entry) == rollout]
        assert otlp.read_pages(server, path) == of_rollout


@pytest.mark.parametrize("payload", PAYLOADS, ids=NAME)
def test_a_payload_sent_as_captured_reads_back_equal(server, payload):
    sending.send(server, payload)
    expected = otlp.flatten(payload.expected)
    assert server.metric("fulgurite_spans_stored_total") == payload.facts["counts"]["spans"] == len(expected)
    assert_reads_back(server, expected)
    assert_reads_back_by_rollout(server, expected)


@pytest.mark.parametrize("payload", [payload for payload in PAYLOADS if "raw_request" in payload.facts], ids=NAME)
def test_a_recorded_http_connection_is_understood(server, payload):
    with http1.Connection(server.otlp_http) as connection:
        connection.send((corpus.OTLP / payload.facts["raw_request"]).read_bytes())
        otlp.assert_success(connection.read_response(), payload.content_type)
    assert_reads_back(server, otlp.flatten(payload.expected))


def replay(server, recording, streams):
    """Sends every byte of a recorded HTTP/2 client and returns its finished streams."""
    with http2.Connection(server.otlp_grpc) as connection:
        connection.is_passive = True
        connection.streams = {number: http2.Stream() for number in streams}
        connection.send((corpus.OTLP / recording).read_bytes())
        return [connection.wait(number) for number in streams]


@pytest.mark.parametrize(
    "recording, names",
    [
        ("raw/py_basic_grpc_gzip.h2c", ["py_basic_grpc_gzip"]),
        ("raw/py_basic_grpc_plain.split.h2c", ["py_basic_grpc_plain"]),
        ("raw/py_batch_grpc_gzip_2streams.h2c", ["py_batch_grpc_gzip_2streams_s1", "py_batch_grpc_gzip_2streams_s3"]),
    ],
)
def test_a_recorded_grpc_connection_is_understood(server, recording, names):
    payloads = [corpus.PAYLOADS[name] for name in names]
    for answer in replay(server, recording, [payload.facts["stream_id"] for payload in payloads]):
        sending.assert_grpc_success(answer)
    for payload in payloads:
        assert_reads_back(server, otlp.flatten(payload.expected))


def test_a_recorded_frame_larger_than_the_default_is_answered_as_the_settings_announced(server):
    """The recording has a DATA frame of 22,089 bytes: legal only when the server announced that size."""
    with http2.connect(server.otlp_grpc) as connection:
        limit = connection.peer_settings.get(http2.frames.SettingsFrame.MAX_FRAME_SIZE, 16384)
    if limit < 22089:
        with pytest.raises(http2.ConnectionEnded) as ended:
            replay(server, "raw/py_basic_grpc_plain.h2c", [1])
        assert ended.value.code == http2.FRAME_SIZE_ERROR
    else:
        [answer] = replay(server, "raw/py_basic_grpc_plain.h2c", [1])
        sending.assert_grpc_success(answer)
        assert_reads_back(server, otlp.flatten(corpus.PAYLOADS["py_basic_grpc_plain"].expected))


@pytest.mark.parametrize("export", corpus.AGL_EXPORTS + corpus.OPENCLAW_EXPORTS, ids=NAME)
def test_an_agent_lightning_or_openclaw_export_reads_back_as_pythons_protobuf_reads_it(server, export):
    otlp.assert_success(server.post(export.body, headers={"Content-Type": export.content_type}), export.content_type)
    expected = otlp.flatten(export.expected)
    assert expected
    assert_reads_back(server, expected)
    assert_reads_back_by_rollout(server, expected)


@pytest.mark.parametrize("signal", ["metrics", "logs"])
def test_openclaws_other_signals_are_accepted_and_not_stored(server, signal):
    body = (corpus.OPENCLAW / f"{signal}-2026.1.json").read_bytes()
    response = server.post(body, f"/v1/{signal}", {"Content-Type": "application/json"})
    assert response.status == 200
    assert response.content_type == "application/json"
    assert server.metric("fulgurite_spans_stored_total") == 0


@pytest.mark.parametrize(
    "payload",
    [
        payload
        for payload in PAYLOADS
        if payload.facts.get("content_encoding") is None
        and not payload.is_grpc
        and payload.content_type == "application/x-protobuf"
    ],
    ids=NAME,
)
def test_the_oracle_agrees_with_the_ground_truth(payload):
    """Guards the tests above that rely on Python's protobuf instead of expected.json."""
    assert otlp.flatten(otlp.decode_protobuf(payload.body)) == otlp.flatten(payload.expected)


def sort_into_identities(payloads):
    """What a store must make of all payloads: the kept spans of each identity, and how many repeats there were."""
    kept, duplicates = {}, 0
    for payload in payloads:
        for entry in otlp.flatten(payload.expected):
            versions = kept.setdefault(otlp.identity(entry), [])
            if entry in versions:
                duplicates += 1
            else:
                versions.append(entry)
    return kept, duplicates


def test_all_payloads_in_one_store_keep_every_span_and_count_repeats(start):
    """64 spans of two payloads come under the ids of a third with another resource: both are kept."""
    server = start()
    for payload in PAYLOADS:
        sending.send(server, payload)
    kept, duplicates = sort_into_identities(PAYLOADS)
    variants = sum(len(versions) - 1 for versions in kept.values())
    assert variants == 64
    assert server.metric("fulgurite_spans_variants_total") == variants
    assert server.metric("fulgurite_spans_duplicates_total") == duplicates
    assert server.metric("fulgurite_spans_stored_total") == len(kept) + variants
    assert_holds(server, kept)

    # The same once more changes nothing, and neither does a restart.
    for payload in PAYLOADS:
        sending.send(server, payload)
    assert server.metric("fulgurite_spans_stored_total") == len(kept) + variants
    assert server.stop() == 0
    assert_holds(start(), kept)


def assert_holds(server, kept):
    by_trace = {}
    for (trace_id, span_id), versions in kept.items():
        by_trace.setdefault(trace_id, {})[span_id] = versions
    for trace_id, spans in by_trace.items():
        read = {}
        for entry in otlp.read_trace(server, trace_id, limit=100):
            read.setdefault(entry["span"]["spanId"], []).append(entry)
        assert read == spans
