"""Ten of Agent Lightning's runners call one service that knows nothing of rollouts; what it does for each of them ends
in the rollout that it was done for.

The runners, the service with OpenTelemetry's SDK and the trace context between them are all real; the service's spans
name no rollout, come in requests with those of other callers, and often before the spans that they belong to.
"""

import os

import pytest
from harness import agent_service, agl_results, attribution, otlp, server

# Agent Lightning takes a while to be imported, twice.
pytestmark = pytest.mark.timeout(300)

RUNNERS, TASKS = 10, 3
AGENT, SERVICE = "agent", "agent-service"
# Of a task: the agent's run, its tool and the two calls; for each call the request, the look-up and the computation.
AGENT_SPANS = ["GET", "GET", "agent.run", "agent.tool"]
SERVICE_SPANS = ["GET", "GET", "service.compute", "service.compute", "service.look_up", "service.look_up"]
SPANS = len(AGENT_SPANS) + len(SERVICE_SPANS)

ENVIRONMENT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "AGENTOPS_API_KEY": "dummy", "NO_PROXY": "127.0.0.1"}


def run_program(*arguments):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AGL_", "OTEL_"))}
    return agl_results.run("agl_service_runners.py", *arguments, environment={**environment, **ENVIRONMENT})


class Run:
    """The runners have ended, and the service too: everything was sent."""

    def __init__(self, folder):
        self.server = server.Fulgurite(folder / "data")
        self.store = f"http://{self.server.api[0]}:{self.server.api[1]}"
        try:
            export_url = f"http://{self.server.otlp_http[0]}:{self.server.otlp_http[1]}/v1/traces"
            with agent_service.agent_service(export_url, folder / "service.log") as service:
                found = run_program("work", self.store, service, RUNNERS, TASKS)
                self.places = {task: tuple(place) for task, place in found.items()}
        except BaseException:
            self.server.kill()
            raise

    def spans_of_agents(self):
        """{task: spans} of the agents' own spans, which name their rollout."""
        found = {}
        for task, (rollout, _) in self.places.items():
            entries = otlp.read_pages(self.server, f"/api/v1/rollouts/{rollout}/spans")
            found[task] = [entry for entry in entries if otlp.rollout_of(entry) is not None]
        return found


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    made = Run(tmp_path_factory.mktemp("run"))
    yield made
    made.server.kill()


def service_of(entry):
    """The process that a flattened span comes from."""
    [name] = [
        attribute["value"]["stringValue"]
        for attribute in entry["resource"]["attributes"]
        if attribute["key"] == "service.name"
    ]
    return SERVICE if name == SERVICE else AGENT


def names_of(entries, service):
    return sorted(word(entry["span"]["name"]) for entry in entries if service_of(entry) == service)


def word(name):
    """The instrumentation puts the path behind the method."""
    return name.partition(" ")[0]


def is_about(entry, task):
    """Whether a span names the task: in an attribute of its own, or in its URL."""
    values = [attribute["value"].get("stringValue", "") for attribute in entry["span"]["attributes"]]
    return any(task in value for value in values)


def assert_one_tree(parents):
    """`parents` is {span id: parent's id or None}: one root, and every parent is there."""
    roots = [span_id for span_id, parent in parents.items() if not parent]
    assert len(roots) == 1, parents
    assert {parent for parent in parents.values() if parent} <= set(parents)


def test_the_service_continues_the_traces_of_the_agents(run):
    """What the rest rests on, true without any attribution: all spans are there, and the context went over."""
    assert run.server.metric("fulgurite_spans_stored_total") == RUNNERS * TASKS * SPANS
    for task, entries in run.spans_of_agents().items():
        assert names_of(entries, AGENT) == AGENT_SPANS
        [trace_id] = {entry["span"]["traceId"] for entry in entries}
        trace = otlp.read_trace(run.server, trace_id)
        assert_one_tree({entry["span"]["spanId"]: entry["span"].get("parentSpanId") for entry in trace})
        assert names_of(trace, SERVICE) == SERVICE_SPANS
        assert not any(otlp.rollout_of(entry) for entry in trace if service_of(entry) == SERVICE)
        assert all(is_about(entry, task) for entry in trace)


def test_every_span_is_in_the_rollout_that_it_was_made_for(run):
    expected = {}
    for task, entries in run.spans_of_agents().items():
        for trace_id in {entry["span"]["traceId"] for entry in entries}:
            for entry in otlp.read_trace(run.server, trace_id):
                expected[otlp.identity(entry)] = run.places[task]
    attribution.wait_for_places(run.server, expected)
    assert attribution.unassigned_spans(run.server) == []
    assert len(set(expected.values())) == RUNNERS * TASKS


def test_query_spans_answers_one_tree_of_both_processes(run):
    places = dict(run.places.values())
    found = run_program("query", run.store, *places)
    assert sorted(found) == sorted(places)
    tasks = {rollout: task for task, (rollout, _) in run.places.items()}
    for rollout, spans in found.items():
        of_service = [span for span in spans if span["resource"]["attributes"]["service.name"] == SERVICE]
        names = sorted(word(span["name"]) for span in of_service)
        assert names == SERVICE_SPANS
        assert len(spans) == SPANS
        assert len({span["trace_id"] for span in spans}) == 1
        assert_one_tree({span["span_id"]: span["parent_id"] for span in spans})
        assert {(span["rollout_id"], span["attempt_id"]) for span in spans} == {(rollout, places[rollout])}
        # A number for each, as for every rollout.
        assert len({span["sequence_id"] for span in spans}) == len(spans)
        assert all(any(tasks[rollout] in str(value) for value in span["attributes"].values()) for span in spans)


def test_the_agents_spans_say_it_themselves_and_the_others_follow_them(run):
    entries = next(iter(run.spans_of_agents().values()))
    [trace_id] = {entry["span"]["traceId"] for entry in entries}
    for entry in otlp.read_trace(run.server, trace_id):
        rule = "explicit" if service_of(entry) == AGENT else "ancestor"
        assert attribution.rule_of(run.server, *otlp.identity(entry)) == rule
