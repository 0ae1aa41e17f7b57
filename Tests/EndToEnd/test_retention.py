"""What retention deletes and what it keeps, as its users see it."""

import json
import os
import signal

import pytest
from harness import commands, database, otlp, retention, rows, wire
from harness import server as program

TOKEN_HASH = "sha256:" + "0" * 64


def post(server, *bodies):
    for body in bodies:
        otlp.assert_success(server.post(body))


def wait_until_gone(server, *rollouts):
    retention.until(lambda: not set(rollouts) & retention.rollout_names(server), f"{rollouts} are gone")


def wait_for_deleted(server, spans):
    """Waits until so many spans are counted as deleted, which is soon after they are gone."""
    server.wait_for_metric("fulgurite_retention_deleted_spans_total", lambda value: value == spans)


# Age


def test_what_is_too_old_is_gone_from_everywhere(start):
    server = start(*retention.options(max_age="1s"))
    kept = retention.plain_rollout("kept", 3)
    body = retention.plain_rollout("old", 300)
    trace = retention.sent(body)[0]["span"]["traceId"]
    post(server, kept)
    assert retention.pin(server, "kept").status == 200
    post(server, body)
    untagged = rows.body_of("untagged")
    post(server, untagged)
    wait_until_gone(server, "old")
    path = f"/api/v1/traces/{rows.trace_of('untagged').hex()}"
    retention.until(lambda: server.get(path).status == 404, "spans without a rollout are gone")
    assert retention.stored(server, "old") == []
    assert server.get(f"/api/v1/traces/{trace}").status == 404
    assert server.get_json("/v1/agl/spans?rollout_id=old&limit=-1")["items"] == []
    assert otlp.read_pages(server, "/api/v1/unassigned/spans") == []
    assert server.get_json("/v1/agl/statistics")["total_spans"] == 3
    listed = program.run("query", "rollouts", "--data", server.data, "--format", "json").stdout
    assert [json.loads(line)["rolloutId"] for line in listed.splitlines()] == ["kept"]
    assert program.run("query", "spans", "--data", server.data, "--rollout", "old", "--format", "json").stdout == ""
    assert retention.contents(retention.stored(server, "kept")) == retention.contents(retention.sent(kept))
    wait_for_deleted(server, 301)
    assert server.metrics()['fulgurite_retention_deleted_spans_total{reason="age"}'] == 301
    assert server.metric("fulgurite_retention_deleted_rollouts_total") == 1
    # What is left of it, so that its number is not given again, is no rollout.
    retention.wait_for_passes(server)
    assert server.metric("fulgurite_retention_deleted_rollouts_total") == 1
    said = json.loads(dry_run(server, "--set=retention.max_age=1s", "--format", "json").stdout)
    assert (said["rollouts"], said["tracesWithoutRollout"]) == ([], 0)
    retention.check_tables(server.data)
    assert server.stop() == 0
    retention.check_tables(server.data)


TIMES = {"1970": (0, 1), "far in the future": (1 << 62, (1 << 62) + 5), "the last nanosecond": ((1 << 64) - 1,) * 2}


@pytest.mark.parametrize("name", TIMES)
def test_the_times_inside_spans_make_no_difference(start, name):
    """They neither go at once nor live for ever: what counts is when they came."""
    server = start(*retention.options(max_age="1h"))
    begin, end = TIMES[name]
    times = wire.fixed64(7, begin) + wire.fixed64(8, end)
    body = retention.request("dated", wire.span(rows.trace_of(name), rows.SPAN_ID, "dated", times))
    post(server, body)
    retention.wait_for_passes(server)
    assert retention.contents(retention.stored(server, "dated")) == retention.contents(retention.sent(body))
    assert server.stop() == 0
    # The same store, and hardly any patience.
    server = start(*retention.options(max_age="10ms"))
    wait_until_gone(server, "dated")
    wait_for_deleted(server, 1)


def test_what_failed_or_carries_a_reward_has_a_limit_of_its_own(start):
    server = start(*retention.options(max_age="1s"))
    failed, _ = retention.start_rollout(server)
    retention.agl(server, f"/rollouts/{failed}", {"status": "failed"})
    post(server, retention.request("rewarded", retention.reward_span(rows.trace_of("rewarded"), 1)))
    post(server, retention.plain_rollout("plain", 2))
    waiting = retention.agl(server, "/queues/rollouts/enqueue", {"rollouts": [{"input": 1}]})[0]["rollout_id"]
    running, _ = retention.start_rollout(server)
    # A running one that was quiet for the whole age counts as dead.
    ids = lambda: {one["rollout_id"] for one in server.get_json("/v1/agl/rollouts?limit=-1")["items"]}  # noqa: E731
    retention.until(lambda: running not in ids() and "plain" not in retention.rollout_names(server), "plain ones go")
    assert ids() == {failed, waiting}
    assert "rewarded" in retention.rollout_names(server)


def test_a_running_rollout_stays_while_spans_come(start):
    server = start(*retention.options(max_age="2s"))
    rollout, attempt = retention.start_rollout(server)
    post(server, retention.plain_rollout("quiet", 1))
    trace, count = os.urandom(16), 0
    while "quiet" in retention.rollout_names(server):
        count += 1
        post(server, retention.request(rollout, retention.llm_span(trace, count), attempt=attempt))
    retention.wait_for_passes(server)
    assert len(retention.stored(server, rollout)) == count


# Pins


def test_a_pin_is_set_and_taken_away_and_lasts(start):
    limits = retention.options(max_age="1s")
    server = start(*limits)
    post(server, retention.plain_rollout("a/b c", 1), retention.plain_rollout("other", 1))
    for _ in range(2):
        answer = retention.pin(server, "a/b c")
        assert (answer.status, answer.json()) == (200, {"rolloutId": "a/b c", "pinned": True})
    wait_until_gone(server, "other")
    assert server.stop() == 0
    server = start(*limits)
    post(server, retention.plain_rollout("another", 1))
    wait_until_gone(server, "another")
    assert len(retention.stored(server, "a/b c")) == 1
    answer = retention.pin(server, "a/b c", "DELETE")
    assert (answer.status, answer.body) == (204, b"")
    wait_until_gone(server, "a/b c")
    for method in ("POST", "DELETE"):
        assert retention.pin(server, "a/b c", method).status == 404


def test_taking_a_pin_away_twice_is_no_error(server):
    post(server, retention.plain_rollout("r", 1))
    for _ in range(2):
        assert retention.pin(server, "r", "DELETE").status == 204


def test_pins_of_unknown_rollouts_and_other_methods_are_refused(server):
    post(server, retention.plain_rollout("r", 1))
    assert retention.pin(server, "unknown").status == 404
    for method in ("GET", "PUT"):
        answer = retention.pin(server, "r", method)
        assert answer.status == 405
        assert set(answer.header("Allow").replace(" ", "").split(",")) >= {"POST", "DELETE"}
    assert server.get("/api/v1/rollouts/r/pins").status == 404


def test_a_rollout_that_waits_can_be_pinned(server):
    waiting = retention.agl(server, "/queues/rollouts/enqueue", {"rollouts": [{"input": 1}]})[0]["rollout_id"]
    assert retention.pin(server, waiting).status == 200


def test_pins_need_the_token_of_the_api(start):
    server = start("--set", f"auth.api.tokens={TOKEN_HASH}")
    post(server, retention.plain_rollout("r", 1))
    for method in ("POST", "DELETE"):
        assert retention.pin(server, "r", method).status == 401
        assert retention.pin(server, "r", method, {"Authorization": "Bearer wrong"}).status == 401


# Prompts and completions


def test_prompts_go_first_and_the_span_stays_what_it_is(start):
    server = start(*retention.options(payload_after="100ms"))
    trace = os.urandom(16)
    event = wire.blob(11, wire.fixed64(1, 5) + wire.blob(2, "gen_ai.choice") + wire.blob(
        3, wire.key_value("content", wire.string_value("said"))))  # fmt: skip
    spans = [
        retention.llm_span(trace, 1, "secret prompt", "secret answer"),
        retention.llm_span(trace, 2, "", "", wire.attribute("other", wire.string_value("stays"))),
        retention.llm_span(trace, 3, "", "", event),
    ]
    body = retention.request("r", *spans)
    post(server, body)
    rewarded = retention.request("rewarded", retention.reward_span(trace, 7), retention.llm_span(trace, 8, "kept prompt"))
    post(server, rewarded)
    retention.close_open_segment(server)
    retention.until(lambda: server.metric("fulgurite_retention_stripped_spans_total") >= 3, "prompts are gone")
    expected = [retention.stripped(entry) for entry in retention.sent(body)]
    expected[2]["span"]["events"] = [{"name": "gen_ai.choice", "timeUnixNano": "5"}]
    expected[2]["span"]["attributes"].append(retention.MARKER)
    assert retention.stored(server, "r") == expected
    assert retention.stored(server, "rewarded") == retention.sent(rewarded)
    # The same again, whole as it was, is the same span.
    post(server, body)
    assert retention.stored(server, "r") == expected
    assert server.metric("fulgurite_spans_duplicates_total") == 3
    assert server.metric("fulgurite_spans_variants_total") == 0
    # What differs besides prompts is another span.
    post(server, retention.request("r", retention.llm_span(trace, 1, "secret prompt", "", REWORDED)))
    assert server.metric("fulgurite_spans_variants_total") == 1
    assert server.stop() == 0
    retention.check_tables(server.data)


REWORDED = wire.attribute("other", wire.string_value("new"))


# Segments


CALLS = 40


def test_conversations_that_repeat_themselves_are_packed(start, record_property):
    server = start(*retention.options(pack_after="100ms"))
    bodies = {name: retention.conversation(name, CALLS, 1_500) for name in ("one", "two", "three")}
    # They come at the same time, so that their spans share segments at first.
    for group in zip(*bodies.values(), strict=True):
        post(server, *group)
    retention.close_open_segment(server)
    retention.until(lambda: server.metric("fulgurite_retention_moved_spans_total") >= 3 * CALLS, "all are packed")
    for name, sent in bodies.items():
        assert retention.stored(server, name) == retention.sent(*sent)
    post(server, bodies["one"][7])
    assert server.metric("fulgurite_spans_duplicates_total") == 1
    assert server.stop() == 0
    retention.check_tables(server.data)
    raw = sum(len(body) for sent in bodies.values() for body in sent)
    packed = retention.payload_bytes(server.data, list(bodies))
    gain = raw / packed
    record_property("packing gain", gain)
    print(f"{raw} bytes of prompts take {packed}: {gain:.1f} times less")
    assert gain >= 10


def test_an_attempt_that_runs_is_not_packed(start):
    server = start(*retention.options(pack_after="10ms"))
    rollout, attempt = retention.start_rollout(server)
    trace = os.urandom(16)
    for number in range(1, 4):
        span = retention.llm_span(trace, number, retention.random_text(80_000))
        post(server, retention.request(rollout, span, attempt=attempt))
    retention.wait_for_passes(server)
    assert server.metric("fulgurite_retention_moved_spans_total") == 0
    retention.agl(server, f"/rollouts/{rollout}/attempts/{attempt}", {"status": "succeeded"})
    retention.until(lambda: server.metric("fulgurite_retention_moved_spans_total") == 3, "it is packed")
    assert len(retention.stored(server, rollout)) == 3


def test_few_spans_of_large_segments_do_not_hold_their_bytes(start):
    """A pinned rollout among others that go is gathered, and reads the same."""
    server = start(*retention.options(max_age="1s"))
    trace, kept = os.urandom(16), []
    first = retention.request("kept", retention.llm_span(trace, 1, "first"))
    post(server, first)
    assert retention.pin(server, "kept").status == 200
    for number in range(2, 40):
        one = retention.llm_span(trace, number, retention.random_text(300))
        kept.append(retention.request("kept", one))
        others = (retention.llm_span(os.urandom(16), 9, retention.random_text(3_000)) for _ in range(10))
        # Two ResourceSpans of one request.
        post(server, kept[-1] + retention.request(f"other {number}", *others))
    retention.close_open_segment(server)
    wait_until_gone(server, *[f"other {number}" for number in range(2, 40)], "closes")
    retention.wait_for_passes(server)
    assert retention.stored(server, "kept") == retention.sent(first, *kept)
    assert server.stop() == 0
    retention.check_tables(server.data)
    with database.open_database(server.data) as connection:
        count, size = connection.execute("SELECT count(*), sum(length(payload)) FROM segments").fetchone()
    # One for each pass that found something to gather.
    assert count < 20
    assert size < 40_000


# Numbers of spans


def test_a_rollout_that_has_ended_keeps_its_newest_spans(start):
    server = start(*retention.options(max_spans_per_rollout=10))
    running, attempt = retention.start_rollout(server)
    trace = os.urandom(16)
    spans = [retention.llm_span(trace, number) for number in range(1, 26)]
    for one in spans:
        post(server, retention.request("r", one), retention.request(running, one[:-1] + b"\x12", attempt=attempt))
    retention.until(lambda: len(retention.stored(server, "r")) == 10, "surplus goes")
    assert retention.stored(server, "r") == retention.sent(*(retention.request("r", one) for one in spans[-10:]))
    assert len(retention.stored(server, running)) == 25
    retention.agl(server, f"/rollouts/{running}/attempts/{attempt}", {"status": "succeeded"})
    retention.until(lambda: len(retention.stored(server, running)) == 10, "surplus goes when it has ended")
    assert server.stop() == 0
    retention.check_tables(server.data)


def test_a_service_has_limits_of_its_own(start):
    limits = retention.options(**{"services.chatty.max_spans": 5, "services.b.service": "two.words", "services.b.max_age": "1s"})
    server = start(*limits)

    def body(service, number):
        resource = wire.blob(1, wire.key_value("service.name", wire.string_value(service)))
        span = retention.llm_span(rows.trace_of(service + str(number)), number)
        return wire.request(span, resource=resource)

    for number in range(1, 13):
        post(server, body("chatty", number), body("two.words", number), body("quiet", number))
    # Its segment has to be in the log before it has an age.
    retention.close_open_segment(server)
    count = lambda name: sum(  # noqa: E731
        any(one["value"].get("stringValue") == name for one in entry["resource"]["attributes"])
        for entry in otlp.read_pages(server, "/api/v1/unassigned/spans")
    )
    retention.until(lambda: count("chatty") == 5 and count("two.words") == 0, "spans of services go")
    assert count("quiet") == 12


# SIGHUP


def reload(server, message):
    before = server.log().count(message)
    os.kill(server.pid, signal.SIGHUP)
    server.wait_for_log(message, before + 1)


def configuration(max_age):
    return f"retention:\n  max_age: {max_age}\n  interval: 50ms\n  clock_grace: 0\n"


def test_another_policy_is_taken_while_the_server_runs(start, tmp_path):
    file = tmp_path / "fulgurite.yaml"
    file.write_text(configuration("1h"))
    server = start("--config", file)
    post(server, retention.plain_rollout("r", 1))
    retention.wait_for_passes(server)
    for broken in (configuration("soon"), "retention: [", configuration("1s") + "  max_aeg: 5s\n"):
        file.write_text(broken)
        reload(server, "retention goes on as before")
        retention.wait_for_passes(server)
        assert retention.rollout_names(server) == {"r"}
    file.unlink()
    reload(server, "retention goes on as before")
    assert " error " in server.log()
    file.write_text(configuration("10ms"))
    reload(server, "the options of retention are read again")
    wait_until_gone(server, "r")


# Trying a policy


def dry_run(server, *arguments):
    return program.run("retention", "--dry-run", "--data", server.data, *arguments)


@pytest.mark.parametrize("is_running", [True, False])
def test_a_dry_run_says_what_then_goes(start, is_running):
    server = start(*retention.options())
    post(server, *(retention.plain_rollout(f"old {number}", 50, 1_000) for number in range(40)))
    post(server, *(retention.plain_rollout(f"pinned {number}", 50, 1_000) for number in range(10)))
    for number in range(10):
        assert retention.pin(server, f"pinned {number}").status == 200
    post(server, *(rows.body_of(f"untagged {number}") for number in range(7)))
    retention.close_open_segment(server)
    if not is_running:
        assert server.stop() == 0
    policy = ("--set=retention.max_age=1ms", "--set=retention.clock_grace=0")
    said = json.loads(dry_run(server, *policy, "--format", "json").stdout)
    names = {one["rolloutId"] for one in said["rollouts"]}
    assert names == {f"old {number}" for number in range(40)} | {"closes"}
    assert {one["spans"] for one in said["rollouts"] if one["rolloutId"] != "closes"} == {50}
    assert {one["beyond"] for one in said["rollouts"]} == {"age"}
    assert said["tracesWithoutRollout"] == 7
    assert said["spans"] == {"age": 40 * 50 + 1 + 7, "bytes": 0, "rollout": 0, "service": 0}
    table = dry_run(server, *policy)
    assert table.returncode == 0, table
    assert "41 rollouts, 7 traces" in table.stdout
    assert "and 1 more" in table.stdout
    # Nothing has changed by that.
    nothing = json.loads(dry_run(server, "--set=retention.max_age=1h", "--format", "json").stdout)
    assert (nothing["rollouts"], nothing["tracesWithoutRollout"]) == ([], 0)
    if is_running:
        assert len(retention.rollout_names(server)) == 51
        assert server.stop() == 0
    before = retention.file_bytes(server.data)
    server = start(*retention.options(max_age="1ms"))
    retention.until(lambda: len(retention.rollout_names(server)) == 10, "they go")
    retention.wait_for_passes(server, 3)
    wait_for_deleted(server, 40 * 50 + 1 + 7)
    assert server.stop() == 0
    with database.open_database(server.data) as connection:
        free = connection.execute("PRAGMA freelist_count").fetchone()[0] * 4096
    returned = before - retention.file_bytes(server.data) + free
    assert 0.75 * returned <= said["bytes"] <= 1.25 * returned, (said["bytes"], returned)


def test_a_dry_run_counts_the_bytes_of_surplus_spans(start):
    """Of a rollout that has too many, and of a service that has."""
    server = start(*retention.options())
    long, other = (bytes([number]) * 16 for number in (1, 2))
    text = lambda: retention.random_text(4_000)  # noqa: E731
    spans = [retention.llm_span(long, number, text()) for number in range(1, 501)]
    chatty = wire.blob(1, wire.key_value("service.name", wire.string_value("chatty")))
    others = [retention.llm_span(other, number, text()) for number in range(1, 301)]
    post(server, retention.request("long", *spans), wire.request(*others, resource=chatty))
    retention.close_open_segment(server)
    policy = {"max_spans_per_rollout": 100, "services.chatty.max_spans": 50}
    said = json.loads(dry_run(server, *(f"--set=retention.{k}={v}" for k, v in policy.items()), "--format", "json").stdout)
    assert said["spans"] == {"age": 0, "bytes": 0, "rollout": 400, "service": 250}
    # Half of a text of hexadecimal digits is what it takes, and some hundred bytes are for its row.
    assert 2_000 <= said["bytes"] / 650 <= 3_000, said["bytes"]


def test_a_dry_run_counts_spans_of_a_rollout_that_goes_once(start):
    server = start(*retention.options())
    chatty = wire.blob(1, wire.key_value("service.name", wire.string_value("chatty")))
    spans = [retention.llm_span(b"t" * 16, number) for number in range(1, 81)]
    post(server, wire.request(*spans, resource=wire.rollout_resource("r", "a") + chatty))
    service = "--set=retention.services.chatty.max_spans=10"
    alone = json.loads(dry_run(server, service, "--format", "json").stdout)
    assert alone["spans"] == {"age": 0, "bytes": 0, "rollout": 0, "service": 70}
    old = ("--set=retention.max_age=1ms", "--set=retention.clock_grace=0")
    both = json.loads(dry_run(server, service, *old, "--format", "json").stdout)
    assert both["spans"] == {"age": 80, "bytes": 0, "rollout": 0, "service": 0}


def test_wrong_arguments_of_the_command_are_refused(server, tmp_path):
    commands.assert_fails(program.run("retention", "--data", server.data), "--dry-run")
    commands.assert_fails(dry_run(server, "--format", "xml"), "--format")
    commands.assert_fails(dry_run(server, "--set", "retention.max_age=soon"), "retention.max_age")
    commands.assert_fails(dry_run(server, "more"), "more")
    commands.assert_fails(program.run("retention", "--dry-run", "--data", tmp_path / "none"), "none")
    assert not (tmp_path / "none").exists()
