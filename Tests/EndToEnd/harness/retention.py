"""What tests of retention share: options, spans that cost something, and what the tables must say of each other."""

import json
import os
import sqlite3
import time
import urllib.parse

from . import database, http1, otlp, wire

# A pass is due all the time, a clock is believed at once, and nothing goes but by what a test sets.
QUICK = {"interval": "50ms", "clock_grace": 0, "max_age": 0, "valued_max_age": 0, "pack_after": 0}

DEADLINE_SECONDS = 60

PAYLOADS = {"gen_ai.input.messages", "gen_ai.output.messages"}
MARKER = {"key": "fulgurite.payload_dropped", "value": {"boolValue": True}}


def options(**limits):
    """Arguments of `serve` by which retention has its limits and no patience."""
    return [f"--set=retention.{name}={value}" for name, value in {**QUICK, **limits}.items()]


def until(condition, what, seconds=DEADLINE_SECONDS):
    """Asks until the condition holds, and returns what it gave."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
    return value


def wait_for_passes(server, count=2):
    """Waits until whole passes were made after now: the one that is being made may have begun before."""
    before = server.metric("fulgurite_retention_passes_total")
    until(lambda: server.metric("fulgurite_retention_passes_total") >= before + count, "passes of retention")


# Spans


def random_text(size):
    """A text that does not compress by much more than a quarter."""
    return os.urandom(size // 2).hex()


def llm_span(trace, number, prompt="", completion="", *extra, name="chat"):
    """A span of a call of an LLM; what it was asked and what it answered can be left out."""
    texts = {"gen_ai.input.messages": prompt, "gen_ai.output.messages": completion}
    return wire.span(
        trace,
        number.to_bytes(8, "big"),
        name,
        wire.attribute("gen_ai.request.model", wire.string_value("m")),
        *(wire.attribute(key, wire.string_value(text)) for key, text in texts.items() if text),
        wire.attribute("gen_ai.usage.input_tokens", wire.integer(3, 17)),
        *extra,
    )


REWARD = wire.attribute("agentlightning.reward.0.value", wire.double_value(1.0))


def reward_span(trace, number):
    return llm_span(trace, number, "", "", REWARD, name="agentlightning.annotation")


def request(rollout, *spans, attempt="a"):
    return wire.request(*spans, resource=wire.rollout_resource(rollout, attempt))


def plain_rollout(name, spans, text=100):
    """A request with all spans of a rollout, in a trace of its own."""
    trace = os.urandom(16)
    return request(name, *(llm_span(trace, number, random_text(text)) for number in range(1, spans + 1)))


def close_open_segment(server, rollout="closes"):
    """Sends what has the segment that is still open put into the log: until then its spans stay where they are."""
    otlp.assert_success(server.post(plain_rollout(rollout, 1, 80_000)))


def conversation(rollout, calls, turn_bytes):
    """Calls of an agent, each with all that was said before; one request for each, in their order."""
    trace, history, bodies = os.urandom(16), "", []
    for number in range(1, calls + 1):
        answer = random_text(turn_bytes)
        bodies.append(request(rollout, llm_span(trace, number, history, answer)))
        history += f"[user] {random_text(turn_bytes)} [assistant] {answer} "
    return bodies


def payload_bytes(data, rollouts):
    """What the segments of some rollouts take that they share with no others."""
    marks = ", ".join("?" for _ in rollouts)
    with database.open_database(data) as connection:
        return connection.execute(
            f"""
            SELECT sum(length(payload)) FROM segments WHERE id IN (SELECT segment FROM spans
              JOIN attempts ON attempts.id = attempt JOIN rollouts ON rollouts.id = attempts.rollout
              WHERE rollout_id IN ({marks}))
            """,
            rollouts,
        ).fetchone()[0]


# Contents


def quote(rollout):
    """A rollout's id as a part of a path."""
    return urllib.parse.quote(rollout, safe="")



def contents(entries):
    """Spans in a form in which sets of them can be compared."""
    return sorted(json.dumps(entry, sort_keys=True) for entry in entries)


def sent(*bodies):
    """What was sent, as it is to be read back."""
    return [entry for body in bodies for entry in otlp.flatten(otlp.decode_protobuf(body))]


def stored(server, rollout):
    return otlp.read_pages(server, f"/api/v1/rollouts/{quote(rollout)}/spans", limit=1000)


def stripped(entry):
    """A flattened span as it is without prompts and completions."""
    span = dict(entry["span"])
    attributes = [one for one in span["attributes"] if one["key"] not in PAYLOADS]
    if len(attributes) < len(span["attributes"]):
        attributes.append(MARKER)
    return {**entry, "span": {**span, "attributes": attributes}}


def rollout_names(server):
    """The rollouts that the native interface lists."""
    names, cursor = [], ""
    while True:
        page = server.get_json(f"/api/v1/rollouts?limit=1000{cursor}")
        names += [one["rolloutId"] for one in page["rollouts"]]
        if page.get("nextCursor") is None:
            return set(names)
        cursor = f"&cursor={page['nextCursor']}"


# Calls


def pin(server, rollout, method="POST", headers=None):
    return http1.request(server.api, method, f"/api/v1/rollouts/{quote(rollout)}/pin", headers or {})


def agl(server, path, body, method="POST"):
    """A call of Agent Lightning's store that must succeed."""
    headers = {"Content-Type": "application/json"}
    response = http1.request(server.api, method, "/v1/agl" + path, headers, json.dumps(body).encode())
    assert response.status in (200, 201), (path, response)
    return response.json()


def start_rollout(server):
    """A rollout that somebody is at, with its attempt."""
    made = agl(server, "/rollouts", {"input": "x"})
    return made["rollout_id"], made["attempt"]["attempt_id"]


# Files


def file_bytes(data):
    """What the database takes on the disk, with its write-ahead log."""
    path = database.find(data)
    files = [path, path.with_name(path.name + "-wal")]
    return sum(file.stat().st_size for file in files if file.exists())


# What must be 0, whatever retention is at.
CONTRADICTIONS = {
    "segments without an extent": "SELECT count(*) FROM (SELECT id FROM segments EXCEPT SELECT segment FROM segment_extents)",
    "extents without a segment": "SELECT count(*) FROM (SELECT segment FROM segment_extents EXCEPT SELECT id FROM segments)",
    "segments that count wrongly what is left of them": """
        SELECT count(*) FROM segment_extents LEFT JOIN (SELECT segment, count(*) AS found FROM spans GROUP BY segment)
          USING (segment)
        WHERE spans - gone != coalesce(found, 0) OR gone >= spans""",
    "spans without bytes": """
        SELECT count(*) FROM spans WHERE segment NOT IN (SELECT id FROM segments)
          AND segment NOT IN (SELECT segment FROM segment_parts)""",
    "traces without spans": "SELECT count(*) FROM (SELECT id FROM traces EXCEPT SELECT trace FROM spans)",
    "spans without a trace": "SELECT count(*) FROM (SELECT trace FROM spans EXCEPT SELECT id FROM traces)",
    "traces that count wrongly what an attempt has in them": """
        SELECT count(*) FROM rollout_traces JOIN attempts ON attempts.id = attempt
          LEFT JOIN (SELECT trace, attempt, count(*) AS found FROM spans GROUP BY trace, attempt) USING (trace, attempt)
        WHERE attempts.rollout >= 0 AND rollout_traces.spans != coalesce(found, 0)""",
    "traces of attempts that are not noted": """
        SELECT count(*) FROM (SELECT trace, attempt FROM spans EXCEPT SELECT trace, attempt FROM rollout_traces)""",
    "attempts that count their spans wrongly": """
        SELECT count(*) FROM attempts LEFT JOIN (SELECT attempt, count(*) AS found FROM spans GROUP BY attempt)
          ON attempt = attempts.id
        WHERE rollout >= 0 AND spans != coalesce(found, 0)""",
    "spans of no attempt": "SELECT count(*) FROM spans WHERE attempt NOT IN (SELECT id FROM attempts)",
    "spans out of sight that nobody deletes": """
        SELECT count(*) FROM spans JOIN attempts ON attempts.id = attempt
        WHERE attempts.rollout < 0 AND attempt NOT IN (SELECT attempt FROM deletions)""",
    "the number of spans": "SELECT (SELECT spans FROM counters) - (SELECT count(*) FROM spans)",
    "the number of traces": "SELECT (SELECT last_trace - gone_traces FROM counters) - (SELECT count(*) FROM traces)",
    "notes of spans that are gone": """
        SELECT (SELECT count(*) FROM span_sessions WHERE trace NOT IN (SELECT id FROM traces))
          + (SELECT count(*) FROM span_links WHERE trace NOT IN (SELECT id FROM traces))
          + (SELECT count(*) FROM span_variants WHERE trace NOT IN (SELECT id FROM traces))""",
    "documents of rollouts that are gone": """
        SELECT (SELECT count(*) FROM rollout_documents WHERE rollout NOT IN (SELECT id FROM rollouts))
          + (SELECT count(*) FROM client_spans WHERE attempt NOT IN (SELECT id FROM attempts))
          + (SELECT count(*) FROM bindings WHERE attempt NOT IN (SELECT id FROM attempts))""",
}


def check_tables(data):
    """Compares what the tables say of each other, in one state of the database: a server may go on meanwhile."""
    connection = sqlite3.connect(database.find(data), timeout=30, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = 1")
        connection.execute("BEGIN")
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for name, question in CONTRADICTIONS.items():
            assert connection.execute(question).fetchone() == (0,), name
    finally:
        connection.close()
