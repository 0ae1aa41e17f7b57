"""The documents say what is: the example runs, the README's commands work, the API description matches the server."""

import json
import re
import subprocess
import sys

import pytest
import yaml
from harness import forwarding, http1, otlp, paths, proxy
from harness import server as program

DOCUMENTS = [paths.REPOSITORY / "README.md", *sorted((paths.REPOSITORY / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(paths.REPOSITORY)))
def test_links_lead_somewhere(document):
    for target in LINK.findall(document.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (document.parent / target).exists(), target


SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|(?<!\S)#.*")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(paths.REPOSITORY)))
def test_urls_with_queries_are_quoted(document):
    """zsh refuses a `?` that matches no file, and `&` ends a command in every shell."""
    for block in SHELL_BLOCK.findall(document.read_text()):
        for line in block.splitlines():
            assert not re.search(r"/\S*[?&]", QUOTED.sub("", line)), line


# The first trace of the README


def run_example(server, *arguments):
    """Runs the agent script of the documents with the server as its endpoint."""
    endpoint = f"http://{server.otlp_http[0]}:{server.otlp_http[1]}"
    completed = subprocess.run(
        [sys.executable, paths.REPOSITORY / "docs" / "examples" / "agent.py", *arguments],
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert completed.returncode == 0, completed.stderr
    assert completed.stderr == ""
    return completed.stdout.strip()


SPAN_NAMES = ["chat example-model", "execute_tool calculator", "chat example-model", "agent.run"]


def test_the_example_and_the_readmes_queries_show_its_spans(server):
    assert run_example(server, "ro-demo") == "ro-demo"
    table = program.run("query", "spans", "--data", server.data, "--rollout", "ro-demo").stdout
    assert [name for line in table.splitlines() for name in set(SPAN_NAMES) if name in line] == SPAN_NAMES
    spans = otlp.read_pages(server, "/api/v1/rollouts/ro-demo/spans")
    assert [entry["span"]["name"] for entry in spans] == SPAN_NAMES
    items = server.get_json("/v1/agl/spans?rollout_id=ro-demo")["items"]
    assert [item["name"] for item in items] == SPAN_NAMES


def test_the_example_makes_a_rollout_when_it_is_given_none(server):
    rollout = run_example(server)
    assert len(otlp.read_pages(server, f"/api/v1/rollouts/{rollout}/spans")) == 4


# The operations guide


def test_every_metric_is_described_and_every_described_metric_exists(start):
    """The LLM proxy and forwarding have some only where they run."""
    arguments = [*proxy.arguments("http://localhost:9"), *forwarding.arguments("http://localhost:9")]
    running = start(*arguments)
    # Those of a kind of calls are there from its first call on.
    assert proxy.ask(running).status == 502
    running.wait_for_metric("fulgurite_llm_recorded_calls_total", lambda count: count == 1)
    exposition = running.get("/metrics").body.decode()
    families = {line.split()[2] for line in exposition.splitlines() if line.startswith("# TYPE ")}
    text = (paths.REPOSITORY / "docs" / "operations.md").read_text()
    assert families == set(re.findall(r"`((?:fulgurite|gen_ai_client)_[a-z0-9_]+)", text))


# The API description


def load_description():
    return yaml.safe_load((paths.REPOSITORY / "docs" / "openapi.yaml").read_text())


def references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for element in value:
            yield from references(element)


def test_every_reference_of_the_description_resolves():
    description = load_description()
    for reference in references(description):
        assert reference.startswith("#/")
        found = description
        for part in reference[2:].split("/"):
            found = found[part]


def test_the_program_serves_its_description(shared_server):
    """`make openapi` makes the one from the other."""
    assert shared_server.get_json("/openapi.json") == load_description()


OPERATIONS = [(method, path) for path, methods in load_description()["paths"].items() for method in methods]
EXAMPLES = {
    "{rolloutId}": "ro-demo",
    "{traceId}": "11" * 16,
    "{spanId}": "22" * 8,
    "{id}": "4747",
    "{rollout_id}": "ro-demo",
    "{attempt_id}": "latest",
    "{worker_id}": "Worker-0",
    "{resources_id}": "mine",
    "{service}": "demo",
}


def concrete(path):
    """A described path with its variables filled in."""
    for name, example in EXAMPLES.items():
        path = path.replace(name, example)
    return path


SPAN = {
    "rollout_id": "ro-demo",
    "attempt_id": "at-demo",
    "sequence_id": 1,
    "trace_id": "11" * 16,
    "span_id": "22" * 8,
    "parent_id": None,
    "name": "demo",
    "status": {"status_code": "OK"},
    "attributes": {},
    "events": [],
    "links": [],
    "start_time": 1.5,
    "end_time": None,
    "context": None,
    "parent": None,
    "resource": {"attributes": {}, "schema_url": ""},
}
# What a request needs to be answered with something else than an error.
EVER = "query.startTimeMin=1970-01-01T00:00:00Z&query.startTimeMax=2200-01-01T00:00:00Z"
QUERIES = {
    "/v1/agl/spans": "?rollout_id=ro-demo",
    "/api/operations": "?service=demo",
    "/api/traces": "?service=demo",
    "/api/v3/operations": "?service=demo",
    "/api/v3/traces": "?query.serviceName=demo&" + EVER,
    "/api/v3/trace-summaries": "?" + EVER,
    "/api/v3/dependencies": "?startTime=1970-01-01T00:00:00Z&endTime=2200-01-01T00:00:00Z",
}
BODIES = {
    "/api/v1/bindings": {"trace_id": "33" * 16, "rollout_id": "ro-demo"},
    "/api/v1/sessions": {"session": "demo", "rollout_id": "ro-demo", "from": 0},
    "/api/v1/unassigned/claim": {"session": "demo", "rollout_id": "ro-demo"},
    "/v1/agl/queues/rollouts/enqueue": {"rollouts": []},
    "/v1/agl/rollouts": {"input": None},
    "/v1/agl/spans": SPAN,
    "/v1/agl/spans/search": {"rollout_id": "ro-demo"},
    "/v1/agl/spans/next": {"rollout_id": "ro-demo", "attempt_id": "at-demo"},
    "/v1/agl/waits/rollouts": {"rollout_ids": ["ro-demo"]},
}
# These name something that the server does not have.
UNKNOWN = {
    ("get", "/api/traces/{traceId}"),
    ("get", "/api/v3/traces"),
    ("get", "/api/v3/traces/{traceId}"),
    ("get", "/api/v1/traces/{traceId}"),
    ("get", "/api/v1/spans/{traceId}/{spanId}/attribution"),
    ("post", "/api/v1/rollouts/{rolloutId}/pin"),
    ("delete", "/api/v1/rollouts/{rolloutId}/pin"),
    ("delete", "/api/v1/bindings/{id}"),
    ("delete", "/api/v1/sessions/{id}"),
    ("post", "/v1/agl/rollouts/{rollout_id}"),
    ("post", "/v1/agl/rollouts/{rollout_id}/attempts"),
    ("post", "/v1/agl/rollouts/{rollout_id}/attempts/{attempt_id}"),
    ("post", "/v1/agl/spans"),
}


@pytest.mark.parametrize("method, path", OPERATIONS, ids=lambda value: value)
def test_every_described_operation_is_served_and_answers_as_described(shared_server, method, path):
    responses = load_description()["paths"][path][method]["responses"]
    body = json.dumps(BODIES.get(path, {})).encode() if method == "post" else None
    headers = {"Content-Type": "application/json"} if body else {}
    target = concrete(path) + (QUERIES.get(path, "") if method == "get" else "")
    response = http1.request(shared_server.api, method.upper(), target, headers, body)
    success = next(status for status in responses if status.startswith("2"))
    expected = "404" if (method, path) in UNKNOWN else success
    assert str(response.status) == expected, response
    if "content" in responses[expected]:
        assert response.content_type in responses[expected]["content"]


READABLE = [path for method, path in OPERATIONS if (method, path[:8]) == ("get", "/api/v1/") and path != "/api/v1/refused"]


@pytest.mark.parametrize("path", READABLE)
def test_described_parameters_are_those_that_are_taken(shared_server, path):
    """The native API refuses unknown parameters and lists those it knows."""
    description = load_description()
    described = set()
    for parameter in description["paths"][path]["get"]["parameters"]:
        if "$ref" in parameter:
            parameter = description["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
        if parameter["in"] == "query":
            described.add(parameter["name"])
    response = shared_server.get(concrete(path) + "?surely-unknown=1")
    assert response.status == 400
    allowed = response.json()["error"]["message"].rpartition(": ")[2]
    assert set(allowed.split(", ")) == (described or {"none"})
