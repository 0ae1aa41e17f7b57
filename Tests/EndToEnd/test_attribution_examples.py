"""docs/attribution-examples.md does what it says: every command of it is run, and the spans end as its table tells."""

import json
import re
import subprocess
import sys

import pytest
from harness import attribution, otlp, paths, wire
from harness import rows as span_rows

DOCUMENT = (paths.REPOSITORY / "docs" / "attribution-examples.md").read_text()
EXAMPLE, RECIPES = DOCUMENT.split("\n## Recipes\n")
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| (\d+) \| (\d+) \| ([^|]*)\| ([^|]*)\| `(\w+)` \|", re.MULTILINE)

EXPORTING = """
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
provider.get_tracer("agent").start_span("exported").end()
"""


def run(server, commands):
    """Runs the commands of a block with the server's ports; the first that fails ends it. Returns what they printed."""
    for port, address in [("4318", server.otlp_http), ("4747", server.api)]:
        commands = commands.replace(f"localhost:{port}", f"{address[0]}:{address[1]}")
    command = ["bash", "-c", f"set -eu\n{commands}"]
    environment = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def recipe(title):
    """The blocks of a recipe."""
    [section] = [section for section in RECIPES.split("\n### ") if section.startswith(title)]
    return BLOCK.findall(section)


def rows():
    """{(trace id, span id): ((rollout, attempt), rule)} of the table."""
    return {
        (f"{int(trace):032x}", f"{int(span):016x}"): ((rollout.strip() or None, attempt.strip() or None), rule)
        for span, trace, rollout, attempt, rule in ROW.findall(EXAMPLE)
    }


def test_the_spans_of_the_example_end_as_the_table_says(server):
    expected = rows()
    assert len(expected) == 13
    run(server, "\n".join(BLOCK.findall(EXAMPLE)))
    attribution.wait_for_places(server, {identity: place for identity, (place, _) in expected.items()})
    for identity, (_, rule) in expected.items():
        assert attribution.rule_of(server, *identity) == rule, identity


def test_the_order_of_the_example_does_not_matter(server):
    setting, *blocks, asking = BLOCK.findall(EXAMPLE)
    run(server, "\n".join([setting, *reversed(blocks), asking]))
    attribution.wait_for_places(server, {identity: place for identity, (place, _) in rows().items()})


def test_the_rules_of_the_example_are_all_that_there_are():
    described = {rule for _, rule in rows().values()} | {"auto"}
    decision = (paths.REPOSITORY / "Sources" / "Telemetry" / "TagRule.swift").read_text()
    assert described == set(re.findall(r"case \.\w+: \"(\w+)\"", decision))


def test_openclaw_of_today_is_bound_by_the_traceparent_that_it_is_asked_with(server):
    [block] = recipe("OpenClaw 2026.8")
    traceparent = run(server, block + '\nprintf "\\n%s" "$traceparent"').splitlines()[-1]
    [binding] = server.get_json("/api/v1/bindings")["bindings"]
    assert (binding["traceId"], binding["spanId"]) == (traceparent.split("-")[1], None)
    assert (binding["rolloutId"], binding["attemptId"]) == ("ro-1", "at-1")


def test_openclaw_of_january_is_registered_by_its_session_and_ended(server):
    [block] = recipe("OpenClaw 2026.1")
    run(server, block)
    [session] = server.get_json("/api/v1/sessions")["sessions"]
    assert int(session["toUnixNano"]) - int(session["fromUnixNano"]) == 300 * 10**9


def test_a_session_that_nobody_registered_is_found_and_claimed(server):
    for name, start in [("first", 5), ("second", 7)]:
        fields = [wire.fixed64(7, start), wire.attribute("openclaw.sessionKey", wire.string_value("agent:main:main"))]
        otlp.assert_success(server.post(wire.request(wire.span(span_rows.trace_of(name), bytes([0] * 7 + [1]), name, *fields))))
    [block] = recipe("A session that nobody registered")
    listed, _ = json.JSONDecoder().raw_decode(run(server, block))
    [session] = listed["sessions"]
    assert (session["attribute"], session["session"]) == ("openclaw.sessionKey", "agent:main:main")
    assert (session["spans"], session["traces"]) == (2, 2)
    assert (session["firstStartTimeUnixNano"], session["lastStartTimeUnixNano"]) == ("5", "7")
    found = otlp.read_pages(server, "/api/v1/rollouts/ro-1/spans?attempt=at-1")
    assert sorted(entry["span"]["name"] for entry in found) == ["first", "second"]


@pytest.mark.parametrize("number", range(3))
def test_an_sdk_exports_into_the_rollout_of_its_environment(server, number):
    blocks = [*recipe("An agent with any OpenTelemetry SDK"), recipe("An agent that has a URL")[0]]
    run(server, f"{blocks[number]}\n'{sys.executable}' - <<'PROGRAM'\n{EXPORTING}\nPROGRAM")
    [entry] = otlp.read_pages(server, "/api/v1/rollouts/ro-1/spans?attempt=at-1")
    assert entry["span"]["name"] == "exported"


def test_a_url_is_enough(server):
    run(server, recipe("An agent that has a URL")[1])
    [entry] = otlp.read_pages(server, "/api/v1/rollouts/ro-1/spans?attempt=at-1")
    assert entry["span"]["name"] == "by hand"
