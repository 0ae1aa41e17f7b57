"""Forwarding: what a target gets, whatever happens to it, to the link and to the servers."""

import json
import os
import random
import re
import subprocess
import threading
import time
import urllib.parse
import uuid
from email.utils import formatdate

import grpc
import pytest
from harness import corpus, database, forwarding, http1, otlp, paths, retention, sending, server, wire

PROTOCOLS = ["http", "grpc"]
TARGETS = {"http": forwarding.HTTPTarget, "grpc": forwarding.GRPCTarget}

# A status that each protocol uses for a refusal of the spans that were sent.
REFUSAL = {"http": 400, "grpc": 3}
UNAVAILABLE = {"http": 503, "grpc": 14}


def body(names, trace=1, resource=b"", *extra):
    """A request with a span for each name."""
    spans = [wire.span(bytes([trace]) * 16, name_id(name), name, *extra) for name in names]
    return wire.request(*spans, resource=resource)


def name_id(name):
    return uuid.uuid5(uuid.NAMESPACE_URL, name).bytes[:8]


def post(server, names, trace=1, resource=b"", *extra):
    otlp.assert_success(server.post(body(names, trace, resource, *extra)))


def service(name):
    return wire.blob(1, wire.key_value("service.name", wire.string_value(name)))


@pytest.fixture(params=PROTOCOLS)
def protocol(request):
    return request.param


@pytest.fixture
def target(protocol):
    with TARGETS[protocol]() as made:
        yield made


def start_with(start, target, protocol, *arguments, name="data", environment=None, **options):
    settings = forwarding.arguments(target.url, protocol=protocol, **options)
    return start(*settings, *arguments, name=name, environment=environment)


# The ordinary way


def test_spans_arrive_as_they_came_once_and_in_order(start, target, protocol):
    server = start_with(start, target, protocol)
    for payload in corpus.load().values():
        sending.send(server, payload)
    post(server, [f"last {number}" for number in range(100)])
    found = forwarding.wait_until_done(server)
    expected = [span for payload in corpus.load().values() for span in otlp.flatten(payload.expected)]
    expected += otlp.flatten(otlp.decode_protobuf(body([f"last {number}" for number in range(100)])))
    # What came twice is stored once.
    unique = {repr(span): span for span in expected}
    assert sorted(map(repr, target.spans)) == sorted(unique)
    assert target.names[-100:] == [f"last {number}" for number in range(100)]
    assert found["sent"] == len(unique) and found["state"] == "up" and found["lastError"] is None


def test_requests_are_compressed_and_carry_headers(start, target, protocol, tmp_path):
    secret = tmp_path / "headers"
    secret.write_text("authorization: Bearer very-secret\n# a comment\nx-other = 2\n")
    secret.chmod(0o600)
    server = start_with(start, target, protocol, headers="x-tenant=blue", headers_file=secret)
    post(server, ["a"])
    forwarding.wait_until_done(server)
    headers = target.exports[0].headers
    assert headers["x-tenant"] == "blue"
    assert headers["authorization"] == "Bearer very-secret" and headers["x-other"] == "2"
    assert headers["user-agent"].startswith("Fulgurite/")
    if protocol == "http":
        assert headers["content-encoding"] == "gzip" and headers["content-type"] == "application/x-protobuf"
        assert target.exports[0].path == "/v1/traces"
    assert "very-secret" not in server.log() and "very-secret" not in server.get("/api/v1/forwarders").body.decode()


def test_headers_come_from_the_environment_too(start, target, protocol):
    environment = {"TARGET_HEADERS": "authorization=Basic%20c2VjcmV0,x-tenant=red"}
    server = start_with(start, target, protocol, headers_env="TARGET_HEADERS", compression="none", environment=environment)
    post(server, ["a"])
    forwarding.wait_until_done(server)
    headers = target.exports[0].headers
    assert headers["authorization"] == "Basic c2VjcmV0" and headers["x-tenant"] == "red"
    assert "content-encoding" not in headers


def test_a_path_of_the_endpoint_is_used_as_it_is(start):
    with forwarding.HTTPTarget() as target:
        server = start(*forwarding.arguments(target.url + "/otlp/custom"))
        post(server, ["a"])
        forwarding.wait_until_done(server)
        assert target.exports[0].path == "/otlp/custom"


def test_tls_with_an_authority_of_ones_own_and_a_client_certificate(start, tmp_path, protocol):
    certificates(tmp_path)
    if protocol == "http":
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
        context.load_verify_locations(tmp_path / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        target = forwarding.HTTPTarget(context=context)
    else:
        credentials = grpc.ssl_server_credentials(
            [((tmp_path / "server.key").read_bytes(), (tmp_path / "server.pem").read_bytes())],
            (tmp_path / "ca.pem").read_bytes(),
            require_client_auth=True,
        )
        target = forwarding.GRPCTarget(credentials=credentials)
    files = {"ca_file": "ca.pem", "cert_file": "client.pem", "key_file": "client.key"}
    with target:
        server = start_with(
            start, target, protocol, **{option: tmp_path / name for option, name in files.items()}
        )
        post(server, ["a"])
        forwarding.wait_until_done(server)
        post(server, ["b"])
        forwarding.wait_for(lambda: target.names == ["a", "b"], lambda: target.names)
        # Without the authority nobody is trusted.
        other = start_with(start, target, protocol, name="other")
        post(other, ["c"])
        found = forwarding.wait_for(lambda: (it := forwarding.forwarder(other))["lastError"] and it, "no error")
        assert "certificate" in found["lastError"]["message"] and found["state"] != "up"
        assert "c" not in target.names


def certificates(folder):
    """An authority, and certificates for a server and a client that it has signed."""

    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    openssl("req", "-x509", *new, "-subj", "/CN=test authority", "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("server", "client"):
        request = folder / f"{name}.csr"
        openssl("req", *new[:-2], "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", request)
        openssl(
            "x509", "-req", "-in", request, "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", folder / "names", "-out", folder / f"{name}.pem",
        )  # fmt: skip
        (folder / f"{name}.key").chmod(0o600)


# What is sent


def test_filters_by_service_rollout_and_status(start, target, protocol):
    endpoint = {"endpoint": target.url, "protocol": protocol, **forwarding.QUICK}
    filters = {
        "services": {"services": "shop,train-*"},
        "rollouts": {"rollouts": "ro-1,eval-*"},
        "errors": {"errors_only": "true"},
    }
    arguments = [
        word
        for name, options in filters.items()
        for option, value in {**endpoint, "headers": f"x-filter={name}", **options}.items()
        for word in ("--set", f"forward.targets.{name}.{option}={value}")
    ]
    server = start(*arguments)
    error = wire.blob(15, wire.integer(3, 2))
    post(server, ["plain"], 1, service("shop"))
    post(server, ["prefix"], 2, service("train-7"))
    post(server, ["error"], 3, service("other"), error)
    post(server, ["rollout"], 4, wire.rollout_resource("ro-1"))
    post(server, ["eval"], 5, wire.rollout_resource("eval-3"))
    post(server, ["none"], 6)
    done = {name: forwarding.wait_until_done(server, name) for name in filters}
    got = {name: [] for name in filters}
    for export in target.accepted:
        got[export.headers["x-filter"]] += export.names
    assert got == {"services": ["plain", "prefix"], "rollouts": ["rollout", "eval"], "errors": ["error"]}
    assert {name: found["filtered"] for name, found in done.items()} == {"services": 4, "rollouts": 4, "errors": 5}


def test_spans_say_their_rollout_where_they_have_none_of_their_own(start, target, protocol):
    server = start_with(start, target, protocol, add_rollout=True)
    own = wire.attribute("agentlightning.rollout_id", wire.string_value("ro-own"))
    post(server, ["by resource"], 1, wire.rollout_resource("ro-1", "at-1"))
    post(server, ["by itself"], 2, b"", own)
    post(server, ["none"], 3)
    response = http1.request(
        server.otlp_http, "POST", "/rollout/ro-2/attempt/at-2/v1/traces",
        {"Content-Type": "application/x-protobuf"}, body(["by path"], 4),
    )  # fmt: skip
    otlp.assert_success(response)
    forwarding.wait_until_done(server)
    assert {name: tags(span) for name, span in by_name(target).items()} == {
        "by resource": ("ro-1", "at-1", 1),
        "by itself": ("ro-own", None, 1),
        "none": (None, None, None),
        "by path": ("ro-2", "at-2", 1),
    }
    [span] = [span for export in target.accepted for span in export.spans if span.name == "by itself"]
    assert [attribute.key for attribute in span.attributes].count("agentlightning.rollout_id") == 1


def by_name(target):
    return {span.name: span for export in target.accepted for span in export.spans}


def tags(span):
    values = {attribute.key: attribute.value for attribute in span.attributes}

    def value(key, kind):
        return getattr(values[key], kind) if key in values else None

    return (
        value("agentlightning.rollout_id", "string_value"),
        value("agentlightning.attempt_id", "string_value"),
        value("agentlightning.span_sequence_id", "int_value"),
    )


def test_spans_that_are_tagged_anew_are_sent_again(start, target, protocol):
    server = start_with(start, target, protocol, add_rollout=True, resend_retagged=True)
    names = [f"span {number}" for number in range(50)]
    post(server, names)
    forwarding.wait_until_done(server)
    assert {tags(span)[0] for span in by_name(target).values()} == {None}
    headers = {"Content-Type": "application/json"}
    binding = b'{"trace_id":"%s","rollout_id":"ro-late"}' % (b"01" * 16)
    assert http1.request(server.api, "POST", "/api/v1/bindings", headers, binding).status == 201
    found = forwarding.wait_for(
        lambda: (it := forwarding.forwarder(server))["resent"] == 50 and it, lambda: forwarding.forwarder(server)
    )
    assert found["sent"] == 50
    # The last that came of each.
    assert sorted(by_name(target)) == sorted(names)
    assert {tags(span)[0] for span in by_name(target).values()} == {"ro-late"}
    with database.open_database(server.data) as connection:
        forwarding.wait_for(
            lambda: connection.execute("SELECT count(*) FROM forward_outbox").fetchone() == (0,), "the outbox has entries"
        )


def test_a_target_that_does_not_want_them_costs_no_outbox(start, target, protocol):
    server = start_with(start, target, protocol)
    post(server, ["a"])
    binding = b'{"trace_id":"%s","rollout_id":"ro"}' % (b"01" * 16)
    http1.request(server.api, "POST", "/api/v1/bindings", {"Content-Type": "application/json"}, binding)
    forwarding.wait_until_done(server)
    with database.open_database(server.data) as connection:
        assert connection.execute("SELECT count(*) FROM forward_outbox").fetchone() == (0,)
    assert forwarding.forwarder(server)["resent"] == 0


def test_ids_that_otlp_cannot_carry_become_attributes(start, target, protocol):
    server = start_with(start, target, protocol, add_rollout=True)
    headers = {"Content-Type": "application/json"}

    def call(path, document):
        response = http1.request(server.api, "POST", path, headers, json.dumps(document).encode())
        assert response.status in (200, 201), response
        return response.json()

    rollout = call("/v1/agl/rollouts", {"input": None})
    span = {
        "rollout_id": rollout["rollout_id"], "attempt_id": rollout["attempt"]["attempt_id"], "sequence_id": 7,
        "trace_id": "my trace", "span_id": "my span", "parent_id": "0102030405060708", "name": "text", "events": [],
        "status": {"status_code": "OK"}, "attributes": {"k": "v"}, "links": [], "start_time": 1.5, "end_time": None,
        "context": None, "parent": None, "resource": {"attributes": {}, "schema_url": ""},
    }  # fmt: skip
    call("/v1/agl/spans", span)
    forwarding.wait_until_done(server)
    [[sent]] = [export.spans for export in target.accepted]
    values = {one.key: one.value.string_value or one.value.int_value for one in sent.attributes}
    assert values == {
        "k": "v", "agentlightning.trace_id": "my trace", "agentlightning.span_id": "my span",
        "agentlightning.rollout_id": span["rollout_id"], "agentlightning.attempt_id": span["attempt_id"],
        "agentlightning.span_sequence_id": 7,
    }  # fmt: skip
    assert (len(sent.trace_id), len(sent.span_id), sent.parent_span_id.hex()) == (16, 8, span["parent_id"])


def test_a_new_target_begins_now_or_with_the_oldest_span(start, target, protocol):
    first = start()
    post(first, ["old"])
    first.stop()
    arguments = forwarding.arguments(target.url, "late", protocol=protocol)
    arguments += forwarding.arguments(target.url, "whole", protocol=protocol, start="oldest", headers="x-whole=1")
    server = start(*arguments)
    post(server, ["new"], 2)
    for name in ("late", "whole"):
        forwarding.wait_until_done(server, name)
    got = {False: [], True: []}
    for export in target.accepted:
        got["x-whole" in export.headers] += export.names
    assert got == {False: ["new"], True: ["old", "new"]}


def test_a_removed_target_keeps_its_place(start, target, protocol):
    first = start_with(start, target, protocol)
    post(first, ["before"])
    forwarding.wait_until_done(first)
    first.stop()
    second = start()
    post(second, ["meanwhile"], 2)
    [found] = second.get_json("/api/v1/forwarders")["forwarders"]
    assert found["state"] == "inactive" and found["sent"] == 1
    second.stop()
    third = start_with(start, target, protocol)
    post(third, ["after"], 3)
    forwarding.wait_until_done(third)
    assert target.names == ["before", "meanwhile", "after"]


# Targets that fail


def test_a_target_that_is_down_at_first_gets_everything_later(start, protocol):
    with TARGETS[protocol]() as reserved:
        address = reserved.address
    with forwarding.FlakyLink(address) as link:
        link.down()
        server = start(*forwarding.arguments(link.url, protocol=protocol))
        for number in range(20):
            post(server, [f"{number}-{span}" for span in range(20)], 1 + number)
        found = forwarding.wait_for(
            lambda: (it := forwarding.forwarder(server))["retries"] > 3 and it, lambda: forwarding.forwarder(server)
        )
        assert found["state"] in ("down", "probing") and found["lagSpans"] == 400 and found["lagSeconds"] > 0
        assert server.metric("fulgurite_forward_lag_spans") == 400
        with TARGETS[protocol]() as target:
            link.target = target.address
            link.up()
            found = forwarding.wait_until_done(server)
            assert target.names == [f"{number}-{span}" for number in range(20) for span in range(20)]
            # One span tries a target that was down, and more follow as it takes them.
            assert len(target.exports[0].names) == 1
            assert found["sent"] == 400 and found["state"] == "up" and found["lagSeconds"] == 0


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504, 401, 403, 404, 405, 415, 302, 500])
def test_http_statuses_that_pass_lose_nothing(start, status):
    check_passing_status(start, "http", status)


@pytest.mark.parametrize("status", [1, 2, 4, 5, 7, 9, 10, 11, 12, 13, 14, 15, 16])
def test_grpc_statuses_that_pass_lose_nothing(start, status):
    check_passing_status(start, "grpc", status)


def check_passing_status(start, protocol, status):
    left = [3]

    def answer(export):
        left[0] -= 1
        return status if left[0] >= 0 else None

    with TARGETS[protocol](answer) as target:
        server = start_with(start, target, protocol)
        post(server, [f"{number}" for number in range(10)])
        found = forwarding.wait_until_done(server)
        assert target.names == [f"{number}" for number in range(10)]
        assert found["refused"] == 0 and found["retries"] == 3
        # Only single spans try a target that fails.
        assert {len(export.names) for export in target.exports[1:4]} == {1}


@pytest.mark.parametrize("asked", ["seconds", "date"])
def test_a_target_that_asks_for_time_is_left_alone(start, protocol, asked):
    times = []

    def answer(export):
        times.append(time.monotonic())
        if len(times) > 1:
            return None
        wanted = 2 if asked == "seconds" else formatdate(time.time() + 3, usegmt=True)
        if protocol == "grpc":
            # Without RetryInfo the status would be final.
            return 8 if asked == "date" else 14, {"retry_after": 2.0}
        return 429 if asked == "date" else 503, {"retry_after": wanted}

    with TARGETS[protocol](answer) as target:
        server = start_with(start, target, protocol)
        post(server, ["a", "b"])
        forwarding.wait_until_done(server)
        assert target.names == ["a", "b"]
        assert times[1] - times[0] >= 1.9


def test_one_span_that_is_refused_is_given_up_and_its_neighbours_arrive(start, protocol):
    def answer(export):
        return (REFUSAL[protocol], {"message": "bad is bad"}) if "bad" in export.names else None

    with TARGETS[protocol](answer) as target:
        server = start_with(start, target, protocol)
        names = [f"{number}" for number in range(200)]
        post(server, names[:120] + ["bad"] + names[120:])
        found = forwarding.wait_until_done(server)
        # A span that shows that others are taken can come twice.
        assert list(dict.fromkeys(target.names)) == names or sorted(set(target.names)) == sorted(names)
        assert found["refused"] == 1 and found["sent"] == 200 and "bad is bad" in found["lastError"]["message"]
        assert server.metric("fulgurite_forward_refused_spans_total") == 1
        assert "a span was given up" in server.log()


def test_a_span_that_makes_the_target_fail_is_given_up_after_some_tries(start, protocol):
    failure = {"http": 500, "grpc": 13}[protocol]
    with TARGETS[protocol](lambda export: failure if "bad" in export.names else None) as target:
        server = start_with(start, target, protocol)
        names = [f"{number}" for number in range(40)]
        post(server, names[:20] + ["bad"] + names[20:])
        found = forwarding.wait_until_done(server)
        assert sorted(set(target.names)) == sorted(names)
        assert found["refused"] == 1 and found["sent"] == 40


@pytest.mark.parametrize("status", ["refusal", "failure", "credentials"])
def test_a_target_that_refuses_everything_loses_nothing(start, protocol, status):
    code = {"refusal": (400, 3), "failure": (500, 13), "credentials": (401, 16)}[status][PROTOCOLS.index(protocol)]
    refuses = [True]
    with TARGETS[protocol](lambda export: code if refuses[0] else None) as target:
        server = start_with(start, target, protocol)
        names = [f"{number}" for number in range(300)]
        post(server, names)
        forwarding.wait_for(lambda: len(target.exports) > 25, lambda: len(target.exports))
        found = forwarding.forwarder(server)
        assert found["refused"] == 0 and found["state"] != "up"
        server.wait_for_log("refuses everything" if status != "failure" else "takes no spans")
        refuses[0] = False
        forwarding.wait_until_done(server)
        assert sorted(set(target.names)) == sorted(names)
        assert forwarding.forwarder(server)["refused"] == 0


def test_a_partial_success_is_counted_and_not_sent_again(start, protocol):
    with TARGETS[protocol](lambda export: (None, {"rejected": 1, "message": "too old"})) as target:
        server = start_with(start, target, protocol)
        post(server, ["a"])
        found = forwarding.wait_until_done(server)
        assert found["refused"] == 1 and found["sent"] == 0
        assert target.names == ["a"]
        server.wait_for_log("too old")


def test_batches_keep_to_the_limits(start, target, protocol):
    server = start_with(start, target, protocol, max_batch_bytes="64KiB", max_batch_spans=100, interval="300ms")
    filler = wire.attribute("text", wire.string_value("x" * 1000))
    for number in range(10):
        post(server, [f"{number}-{span}" for span in range(100)], 1 + number, b"", filler)
    post(server, [f"small {number}" for number in range(500)], 20)
    post(server, ["large"], 21, b"", wire.attribute("text", wire.string_value("y" * 300_000)))
    forwarding.wait_until_done(server)
    assert len(target.names) == 1501
    for export in target.exports:
        assert len(export.names) <= 100
        assert export.request.ByteSize() <= 64 << 10 or export.names == ["large"]


def test_a_message_that_is_too_large_for_grpc_is_halved(start):
    # gRPC's C core answers RESOURCE_EXHAUSTED without RetryInfo.
    with forwarding.GRPCTarget(options=[("grpc.max_receive_message_length", 20_000)]) as target:
        server = start_with(start, target, "grpc")
        filler = wire.attribute("text", wire.string_value("x" * 1000))
        for number in range(5):
            post(server, [f"{number}-{span}" for span in range(50)], 1 + number, b"", filler)
        found = forwarding.wait_until_done(server)
        assert len(set(target.names)) == 250 and found["refused"] == 0


def test_an_acknowledgement_does_not_wait_for_a_dead_target(start):
    with forwarding.FlakyLink(("127.0.0.1", 9)) as link:
        link.stall()
        server = start(*forwarding.arguments(link.url, "one"), *forwarding.arguments(link.url, "two", protocol="grpc"))
        alone = start(name="alone")
        times = {server: [], alone: []}
        for number in range(100):
            for one in (server, alone):
                began = time.monotonic()
                post(one, [f"{number}"], 1 + number % 200)
                times[one].append(time.monotonic() - began)
        medians = {one: sorted(taken)[50] for one, taken in times.items()}
        assert medians[server] < 3 * medians[alone] + 0.02, medians


def test_a_stop_does_not_wait_for_a_target_that_is_silent(start):
    held = threading.Event()

    def answer(export):
        held.wait(30)

    with forwarding.HTTPTarget(answer) as target:
        server = start(*forwarding.arguments(target.url))
        post(server, ["a"])
        forwarding.wait_for(lambda: target.exports, "nothing came")
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 8
        held.set()
        again = start(*forwarding.arguments(target.url))
        forwarding.wait_until_done(again)
        assert "a" in target.names


# Beside retention


def test_what_a_target_has_not_had_is_kept_for_a_while_and_its_loss_is_told(start):
    names = [f"{number}" for number in range(40)]
    with forwarding.FlakyLink(("127.0.0.1", 9)) as link:
        link.down()
        arguments = [*forwarding.arguments(link.url), *retention.options(max_age="50ms")]
        patient = start(*arguments)
        post(patient, names)
        retention.wait_for_passes(patient, 5)
        assert span_count(patient) == 40
        assert patient.metric("fulgurite_retention_undelivered_spans_total") == 0
        assert patient.stop() == 0
        hasty = start(*arguments, "--set=forward.max_lag=100ms")
        retention.until(lambda: span_count(hasty) == 0, "they go")
        assert hasty.wait_for_metric("fulgurite_retention_undelivered_spans_total", lambda count: count == 40)
        hasty.wait_for_log("spans were deleted that a forwarder has not delivered within forward.max_lag")
        post(hasty, ["later"])
        with forwarding.HTTPTarget() as target:
            link.target = target.address
            link.up()
            found = forwarding.wait_until_done(hasty)
            assert set(target.names) <= {"later"} and found["sent"] + found["missed"] == 41
            assert hasty.metric("fulgurite_forward_missed_spans_total") == found["missed"]


@pytest.mark.parametrize("seed", [1])
def test_a_kill_sends_one_batch_again_and_rewriting_none(start, protocol, seed):
    """Attempts are packed and prompts go behind the cursor and, for want of patience, before it."""
    kills, batch = 4, 40
    choice = random.Random(seed)
    with TARGETS[protocol]() as target:
        arguments = [
            *forwarding.arguments(target.url, protocol=protocol, max_batch_spans=batch),
            *retention.options(pack_after="50ms", payload_after="50ms"),
            "--set=forward.max_lag=200ms",
        ]
        server = start(*arguments)
        sent, rewritten = [], {"moved": 0, "stripped": 0}
        for life in range(kills + 1):
            lasts = time.monotonic() + choice.uniform(0.3, 0.8)
            while time.monotonic() < lasts:
                names = [f"{len(sent)}-{number}" for number in range(choice.choice([1, 30, 100]))]
                spans = [retention.llm_span(name_id(names[0]) * 2, n, "p" * 900, "", name=name) for n, name in enumerate(names, 1)]
                otlp.assert_success(server.post(retention.request(f"ro {len(sent)}", *spans)))
                sent += names
            metrics = server.metrics()
            for what in rewritten:
                rewritten[what] += metrics[f"fulgurite_retention_{what}_spans_total"]
            if life < kills:
                server.kill()
                server = start(*arguments)
        forwarding.wait_until_done(server)
        assert set(target.names) == set(sent)
        assert len(target.names) <= len(sent) + kills * batch
        assert all(rewritten.values()), rewritten
        retention.check_tables(server.data)


# What operators see


def test_the_api_and_the_metrics(start, target, protocol):
    server = start_with(start, target, protocol)
    post(server, ["a", "b"])
    found = forwarding.wait_until_done(server)
    assert set(found) == {
        "name", "endpoint", "protocol", "state", "cursor", "lagSpans", "lagSeconds", "sent", "refused", "filtered", "missed",
        "resent", "retries", "lastError", "nextTryUnixNano",
    }  # fmt: skip
    assert (found["cursor"], found["sent"], found["protocol"]) == (2, 2, protocol)
    metrics = server.metrics()
    assert metrics['fulgurite_forward_sent_spans_total{target="target"}'] == 2
    assert metrics['fulgurite_forward_state{target="target",state="up"}'] == 1
    assert metrics['fulgurite_forward_lag_seconds{target="target"}'] == 0
    assert server.get("/api/v1/forwarders/x").status == 404
    assert http1.request(server.api, "POST", "/api/v1/forwarders", {}, b"").status == 405


def test_counts_outlive_a_restart(start, target, protocol):
    first = start_with(start, target, protocol)
    post(first, ["a"])
    forwarding.wait_until_done(first)
    first.stop()
    second = start_with(start, target, protocol)
    post(second, ["b"], 2)
    assert forwarding.wait_until_done(second)["sent"] == 2
    assert target.names == ["a", "b"]


def test_the_configuration_of_the_guide_works_as_it_stands(start, tmp_path):
    guide = (paths.REPOSITORY / "docs" / "forwarding.md").read_text()
    [block] = re.findall(r"```yaml\n(.*?)```", guide, re.S)
    certificates(tmp_path)
    (tmp_path / "archive.headers").write_text("authorization: Bearer secret\n")
    (tmp_path / "archive.headers").chmod(0o600)
    block = block.replace("/etc/fulgurite", str(tmp_path)).replace("https://otlp.example.com", "https://localhost:9")
    (tmp_path / "fulgurite.yaml").write_text(block)
    running = start("--config", tmp_path / "fulgurite.yaml")
    found = {entry["name"]: entry for entry in running.get_json("/api/v1/forwarders")["forwarders"]}
    assert {name: entry["protocol"] for name, entry in found.items()} == {
        "jaeger": "grpc", "archive": "http", "alarms": "http",
    }  # fmt: skip
    assert found["archive"]["endpoint"] == "https://localhost:9/v1/traces"


# By hand


def replay(data, target, *arguments):
    return server.run("forward", "--data", data, "--to", target.url, *arguments)


def test_a_range_is_sent_by_hand_while_a_server_runs(start, target, protocol):
    running = start()
    names = [f"{number}" for number in range(300)]
    for number in range(30):
        post(running, names[number * 10 : number * 10 + 10], 1 + number)
    done = replay(running.data, target, "--from", 101, "--until", 150, "--protocol", protocol)
    assert done.returncode == 0, done
    assert done.stdout == "sent 50, refused 0\n"
    assert sorted(target.names, key=int) == names[100:150]
    running.stop()
    done = replay(running.data, target, "--from", 1, "--protocol", protocol, "--rollout", "none")
    assert (done.returncode, done.stdout) == (0, "sent 0, refused 0\n")
    done = replay(running.data, target, "--from", 151, "--protocol", protocol, "--header", "x-tenant=t")
    assert done.stdout == "sent 150, refused 0\n"
    assert sorted(target.names, key=int) == names[100:]
    assert target.exports[-1].headers["x-tenant"] == "t"
    assert replay(running.data, target, "--from", 301).returncode == 0


def test_a_replay_says_what_was_refused(start, protocol):
    with TARGETS[protocol](lambda export: REFUSAL[protocol] if "bad" in export.names else None) as target:
        running = start()
        post(running, ["a", "bad", "b"])
        done = replay(running.data, target, "--from", 1, "--protocol", protocol)
        assert done.returncode == 1 and done.stdout == "sent 2, refused 1\n"
        assert "refused: " in done.stderr


def test_a_replay_to_nowhere_fails(start, tmp_path):
    running = start()
    post(running, ["a"])
    with forwarding.HTTPTarget() as target:
        url = target.url
    done = server.run("forward", "--data", running.data, "--from", 1, "--to", url, "--retries", 0)
    assert done.returncode == 1 and "connect" in done.stderr
    assert server.run("forward", "--data", running.data, "--from", 0, "--to", url).returncode == 64
    assert server.run("forward", "--data", running.data, "--from", 1, "--to", "nowhere").returncode == 64


# The line that must hold


class Chain:
    """Two servers with a link between them that breaks, and that answers for the second one now and then.

    Everything that is chosen is chosen by one seed; when it happens is the machine's.
    """

    # What passes: the statuses that are retried, and those that are the target's own fault. For gRPC that is every one.
    STATUSES = {
        "http": [408, 425, 429, 500, 502, 503, 504, 505, 301, 302, 307, 308, 401, 402, 403, 404, 405, 407, 415, 431, 501],
        "grpc": [1, 2, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    }
    # What is about the spans. A request of several is cut then; for a single one it would be right to give it up.
    REFUSALS = {"http": [400, 413, 422], "grpc": [3, 6, 8]}

    def __init__(self, start, protocol, seed):
        self.start = start
        self.protocol = protocol
        self.random = random.Random(seed)
        self.answers = random.Random(seed + 1)
        self.fault_rate = 0.3
        # Each is answered once before any is for the second time.
        self.decks = {False: [], True: []}
        self.answered = set()
        self.second = self.start_second()
        self.injector = TARGETS[protocol](self.answer, upstream=lambda: self.upstream_address())
        self.link = forwarding.FlakyLink(self.injector.address)
        self.first = self.start_first()
        self.sent = []
        self.stop_sending = threading.Event()

    def upstream_address(self):
        return self.second.otlp_http if self.protocol == "http" else self.second.otlp_grpc

    def start_first(self):
        options = {"protocol": self.protocol, "timeout": "500ms", "max_batch_spans": 300}
        return self.start(*forwarding.arguments(self.link.url, **options), name="first")

    def start_second(self):
        return self.start(name="second")

    def answer(self, export):
        if self.answers.random() > self.fault_rate:
            return None
        is_refusal = len(export.names) > 1 and self.answers.random() < 0.5
        deck = self.decks[is_refusal]
        if not deck:
            deck += (self.REFUSALS if is_refusal else self.STATUSES)[self.protocol]
            self.answers.shuffle(deck)
        status = deck.pop()
        self.answered.add((is_refusal, status))
        facts = {}
        # RESOURCE_EXHAUSTED is about the spans when it does not say when to come back.
        if status == 8 and not is_refusal or status != 8 and self.answers.random() < 0.3:
            facts["retry_after"] = 0.05 if self.protocol == "grpc" else self.answers.choice([0, 0, 0, 1])
        return status, facts

    @property
    def has_answered_all(self):
        return len(self.answered) == len(self.STATUSES[self.protocol]) + len(self.REFUSALS[self.protocol])

    def send_all(self):
        """Sends spans of all kinds until it is told to stop; a batch that was not acknowledged is sent again."""
        number = 0
        # Some 500 spans a second: the second server has to be able to follow.
        pace = 0.04
        payloads = [payload for payload in corpus.load().values() if not payload.is_grpc]
        while not self.stop_sending.wait(pace):
            number += 1
            names = [f"{number}-{span}" for span in range(self.random.choice([1, 1, 3, 20, 100]))]
            filler = wire.attribute("text", wire.string_value("x" * self.random.randrange(500)))
            # The first ids repeat with other contents: variants.
            spans = [
                wire.span(number.to_bytes(16, "big"), name_id(name if span else f"same {number % 7}"), name, filler)
                for span, name in enumerate(names)
            ]
            self.deliver(wire.request(*spans, resource=wire.rollout_resource(f"ro-{number % 5}")))
            if number % 10 == 0 and payloads:
                payload = payloads.pop()
                self.retry(lambda payload=payload: sending.send(self.first, payload))

    def deliver(self, request):
        self.retry(lambda: otlp.assert_success(self.first.post(request)))

    def retry(self, send):
        deadline = time.monotonic() + 60
        while True:
            try:
                return send()
            except (OSError, AssertionError, ValueError, http1.ProtocolError) as error:
                assert time.monotonic() < deadline, error
                time.sleep(0.02)

    def disturb(self):
        """Does one of the things that go wrong."""
        choice = self.random.choice(["cut", "down", "stall", "delay", "calm", "first", "second", "faults", "stop"])
        match choice:
            case "cut":
                self.link.cut()
            case "down":
                self.link.down()
            case "stall":
                self.link.stall()
            case "delay":
                self.link.delay = self.random.choice([0.005, 0.05])
            case "calm":
                self.link.up()
            case "first":
                self.first.kill()
                self.first = self.start_first()
            case "second":
                self.second.kill()
                self.second = self.start_second()
            case "stop":
                self.first.stop()
                self.first = self.start_first()
            case "faults":
                self.fault_rate = self.random.choice([0.1, 0.5, 0.9])
        return choice

    def settle(self):
        self.link.up()
        self.fault_rate = 0

    def close(self):
        self.link.close()
        self.injector.close()


def check_chain(start, protocol, seed, seconds):
    chain = Chain(start, protocol, seed)
    sender = threading.Thread(target=chain.send_all)
    sender.start()
    try:
        started = time.monotonic()
        happened = []
        while time.monotonic() < started + seconds or not chain.has_answered_all:
            assert time.monotonic() < started + seconds + 60, chain.answered
            time.sleep(chain.random.uniform(0.05, 0.4))
            happened.append(chain.disturb())
            if happened[-1] in ("down", "stall"):
                time.sleep(chain.random.uniform(0.05, 0.7))
                chain.link.up()
    finally:
        chain.stop_sending.set()
        chain.settle()
        sender.join()
    try:
        found = forwarding.wait_until_done(chain.first)
        # An answer that was lost may still be on its way to the second server.
        first, second = all_spans(chain.first), all_spans(chain.second)
        assert len(first) > 200 and chain.injector.exports
        missing, extra = sorted(set(first) - set(second)), sorted(set(second) - set(first))
        assert not missing and not extra, (len(first), len(second), missing[:3], extra[:3], found, happened)
        assert first == second
        assert found["refused"] == 0 and found["missed"] == 0
        assert database.integrity(chain.first.data) == ["ok"]
    finally:
        chain.close()


def all_spans(server):
    """Every span of a server, field by field, in an order of their own."""
    rollouts = server.get_json("/api/v1/rollouts?limit=10000")["rollouts"]
    paths = [f"/api/v1/rollouts/{urllib.parse.quote(one['rolloutId'], safe='')}/spans" for one in rollouts]
    spans = [span for path in [*paths, "/api/v1/unassigned/spans"] for span in otlp.read_pages(server, path, 10_000)]
    assert len(spans) == span_count(server)
    return sorted(repr(span) for span in spans)


def span_count(server):
    with database.open_database(server.data) as connection:
        return connection.execute("SELECT count(*) FROM spans").fetchone()[0]


@pytest.mark.parametrize("seed", [1])
def test_the_second_of_two_chained_servers_ends_with_the_first_ones_spans(start, protocol, seed):
    check_chain(start, protocol, seed, seconds=7)


CHAIN_SECONDS = int(os.environ.get("FORWARD_CHAIN_SECONDS", "0"))


@pytest.mark.skipif(CHAIN_SECONDS == 0, reason="make test-forwarding-chain runs it")
@pytest.mark.timeout(CHAIN_SECONDS + 300)
def test_the_chain_for_long(start, protocol):
    seed = int(os.environ.get("FORWARD_CHAIN_SEED", time.time()))
    print(f"seed {seed}")
    check_chain(start, protocol, seed, CHAIN_SECONDS)
